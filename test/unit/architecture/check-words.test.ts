/** Words, headers and sentences that plain technical English does without are reported with their line. */
import { describe, expect, test } from 'vitest'
import { areaOf, checkWords } from '../../architecture/check-words.ts'

const file = 'src/swarm/a.ts'

describe('the words of a file', () => {
  test('plain technical English is accepted', () => {
    const source =
      "/** Table of peers. */\n// A peer is rejected.\nthrow new Error('the address is not in a site')\n"
    expect(checkWords([{ file, source }])).toEqual([])
  })

  test.each([
    ['a comment', '/** Peers. */\n\n/*\n * The peer that\n * nobody knows.\n */', 5, 'nobody'],
    ['a comment, over two lines', '/** Peers. */\n/* They are turned\n * away. */', 2, 'turned away'],
    ['a string', "/** Peers. */\nlog('whoever asks')", 2, 'whoever'],
    ['a template', '/** Peers. */\nlog(`${a} is no torrent`)', 2, 'is no torrent'],
  ])('a word of the list is found in %s', (_, source, line, word) => {
    const found = checkWords([{ file, source }])
    expect(found).toHaveLength(1)
    expect(found[0]).toContain(`src/swarm/a.ts:${line}  "${word}": `)
  })

  test.each([
    ['code', 'const heard = somebody.heard'],
    ['a module name', "import './troubles.ts'"],
    ['an expression in a template', 'log(`${heard.size} peers`)'],
    ['a regular expression', 'const form = /nobody/'],
  ])('a word of the list is ignored in %s', (_, code) => {
    expect(checkWords([{ file, source: `/** Peers. */\n${code}\n` }])).toEqual([])
  })

  test('a document is checked without its code', () => {
    const source =
      'Peers.\n\n```sh\nnobody\n```\n\nThe user `nobody`, [as it were](nobody.md).\nNot nobody.\n'
    expect(checkWords([{ file: 'docs/a.md', source }])).toHaveLength(1)
    expect(checkWords([{ file: 'docs/a.md', source }])[0]).toContain('docs/a.md:8  "nobody"')
  })

  test('a script in Lua is checked in its comments', () => {
    const source = '-- Nobody.\nlocal nobody = 1 -- whoever\n'
    expect(checkWords([{ file: 'src/swarm/a.lua', source }])).toHaveLength(2)
  })
})

describe('the header of a file', () => {
  test.each(['What a peer is.', 'Where peers are.', 'How it works.', 'From bytes to peers.'])(
    'is reported if it opens with neither a noun nor a verb: %s',
    (header) => {
      expect(checkWords([{ file, source: `/** ${header} */\n` }])).toEqual([
        `src/swarm/a.ts:1  a header opens with a noun or a verb: ${header} …`,
      ])
    },
  )

  test('is the comment after @ts-check', () => {
    expect(checkWords([{ file, source: '// @ts-check\n/** How it works. */\n' }])).toHaveLength(1)
  })

  test('is not a later comment', () => {
    expect(checkWords([{ file, source: "import 'a'\n// How it works.\n" }])).toEqual([])
  })
})

test('one sentence that opens with What, Who, Which or Whether is accepted, and more only below 2 %', () => {
  const source = (riddles: number, sentences: number) =>
    `/** Peers. */\n${'// Whether it is a peer.\n'.repeat(riddles)}${'// A peer.\n'.repeat(sentences - riddles - 1)}`
  const found = (riddles: number, sentences: number) =>
    checkWords([{ file, source: source(riddles, sentences) }])
  expect(found(1, 10)).toEqual([])
  expect(found(2, 99)).toEqual([
    'src/swarm: 2 of 99 sentences open with What, Who, Which or Whether; at most 1',
  ])
  expect(found(2, 100)).toEqual([])
})

test.each([
  ['src/swarm/deep/a.ts', 'src/swarm'],
  ['src/main.ts', 'src'],
  ['test/unit/swarm/a.test.ts', 'test/unit/swarm'],
  ['test/system/a.test.ts', 'test/system'],
  ['test/a-node.ts', 'test'],
  ['lab/clients/a.ts', 'lab'],
  ['docs/generate/main.ts', 'docs'],
  ['docs/runbooks/README.md', 'docs/runbooks/README.md'],
  ['Dockerfile', '.'],
])('an area is a whole folder or one document: %s is in %s', (path, area) => {
  expect(areaOf(path)).toBe(area)
})
