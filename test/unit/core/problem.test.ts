import { describe, expect, it } from 'vitest'
import { type Problem, problemPage, summarized } from '../../../src/core/problem.ts'

/** `lines` of the excerpt besides the two of the problem itself. */
function problems(count: number, kind: string | undefined, lines = 0): Problem[] {
  return Array.from({ length: count }, (_, index) => ({
    ...(kind === undefined ? {} : { kind }),
    file: 'f.yaml',
    line: index + 1,
    column: 1,
    message: `${kind ?? 'the same'} ${kind === undefined ? '' : index}`.trim(),
    hint: 'do this',
    excerpt: ['   1 | x', ...Array.from({ length: lines }, () => '   2 | y')].join('\n'),
  }))
}

const linesOf = (blocks: readonly string[]) => blocks.join('\n\n').split('\n')

describe('problems on a page', () => {
  it('are all shown if they fit', () => {
    const blocks = problemPage([...problems(10, 'a'), ...problems(5, 'b')])
    expect(blocks).toHaveLength(15)
    expect(blocks[0]).toBe('f.yaml:1:1  a 0\n   1 | x do this')
  })

  it('are the first three of each kind otherwise, with the number of the others', () => {
    const blocks = problemPage([...problems(100, 'a'), ...problems(2, 'b')])
    expect(blocks).toEqual([
      'f.yaml:1:1  a 0\n   1 | x do this',
      'f.yaml:2:1  a 1\n   1 | x do this',
      'f.yaml:3:1  a 2\n   1 | x do this\n  and 97 more of this kind',
      'f.yaml:1:1  b 0\n   1 | x do this',
      'f.yaml:2:1  b 1\n   1 | x do this',
    ])
  })

  it('are fewer of each kind if there are many kinds', () => {
    const kinds = Array.from({ length: 10 }, (_, index) => `kind-${index}`)
    const blocks = problemPage(kinds.flatMap((kind) => problems(9, kind)))
    expect(blocks).toHaveLength(10)
    expect(blocks[9]).toBe('f.yaml:1:1  kind-9 0\n   1 | x do this\n  and 8 more of this kind')
  })

  it('are one line each if there are dozens of kinds', () => {
    const kinds = Array.from({ length: 60 }, (_, index) => `kind-${index}`)
    const lines = linesOf(problemPage(kinds.flatMap((kind) => problems(2, kind, 5))))
    expect(lines).toHaveLength(46)
    expect(lines[0]).toBe('f.yaml:1:1  kind-0 0 and 1 more of this kind')
    expect(lines[45]).toBe('and problems of 15 more kinds')
  })

  it('are of one kind if their messages are the same, and in one file', () => {
    const same = problems(100, undefined)
    const blocks = problemPage([...same, { ...same[0]!, file: 'g.yaml' }])
    expect(blocks).toHaveLength(4)
    expect(blocks[3]).toContain('g.yaml:1:1  the same')
  })

  it('never fill more than a page', () => {
    for (const count of [1, 2, 7, 11, 12, 13, 24, 45, 46, 47, 100])
      for (const lines of [0, 1, 9]) {
        const many = Array.from({ length: count }, (_, index) =>
          problems(1 + (index % 5), `k${index}`, lines),
        )
        expect(linesOf(problemPage(many.flat())).length).toBeLessThanOrEqual(46)
      }
  })
})

describe('problems for a log', () => {
  it('are a few of each kind, the last one with the number of the others', () => {
    const found = summarized([...problems(5, 'a'), ...problems(1, 'b')])
    expect(found.map(({ message }) => message)).toEqual(['a 0', 'a 1', 'a 2 and 2 more of this kind', 'b 0'])
  })
})
