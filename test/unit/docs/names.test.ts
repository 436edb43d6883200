/** Documents mention only files and names that exist, so that a rename has to update them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import { expect, test } from 'vitest'
import { proseOf } from '../../architecture/count-words.mjs'
import { blankComments } from '../../architecture/read-imports.ts'

const ROOTS = ['src', 'test', 'lab', 'bench', 'stack', 'docs', 'deploy', 'config']

const filesIn = (root: string, form: RegExp) =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((file) => join(root, file))
    .filter((file) => form.test(file) && !file.includes('node_modules') && !file.startsWith('lab/results'))

const documents = [
  ...readdirSync('.').filter((file) => file.endsWith('.md')),
  ...ROOTS.flatMap((root) => filesIn(root, /\.md$/)),
].map((file) => ({ file, text: readFileSync(file, 'utf8') }))

/** Everything that defines names or mentions paths, except tests whose sources are made up. */
const sources = [
  'package.json',
  'tsconfig.json',
  ...ROOTS.flatMap((root) => filesIn(root, /\.(?:ts|mjs|lua|py|ya?ml|conf|json)$/)),
]
  .filter((file) => !/^test\/unit\/(?:architecture|setup|docs)\//.test(file))
  .map((file) => ({ file, text: readFileSync(file, 'utf8') }))

/** Code spans outside code blocks. */
const spansOf = (text: string) =>
  [...text.replace(/^```[^]*?^```/gm, '').matchAll(/`([^`\n]+)`/g)].map(([, span]) => span ?? '')

/** The parts of a span that are names of the code beyond doubt: `peersMax`, `Leases.merge()`, but not `peers`. */
const namesOf = (span: string) =>
  /^#?[\w.]+(?:\(\))?$/.test(span) ? (span.match(/\w+/g) ?? []).filter((part) => /[a-z][A-Z]/.test(part)) : []

/** The anchors of a document, as GitHub derives them from headings. */
const anchorsOf = (file: string) =>
  [...readFileSync(file, 'utf8').matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  )

test('every link between documents leads to a file, and to a heading of it', () => {
  const broken = documents.flatMap(({ file, text }) =>
    [...text.matchAll(/\]\((?!https?:)([^)#\s]*)(?:#([^)\s]+))?\)/g)].flatMap(([, path = '', anchor]) => {
      const target = path === '' ? file : join(dirname(file), path)
      const isFound = existsSync(target) && (anchor === undefined || anchorsOf(target).includes(anchor))
      return isFound ? [] : [`${file}: ${path}${anchor === undefined ? '' : `#${anchor}`}`]
    }),
  )
  expect(broken).toEqual([])
})

test('every path in a code span is a file or a folder', () => {
  const isPath = /^(?:[\w.-]+\/)+[\w.-]*\.(?:ts|mjs|lua|md|yaml|yml|conf|acl|service|env)$/
  const missing = documents.flatMap(({ file, text }) =>
    spansOf(text)
      .filter(
        (span) => isPath.test(span) || ROOTS.some((root) => new RegExp(`^${root}/[\\w./-]+$`).test(span)),
      )
      .filter((span) => !['', 'src', dirname(file)].some((root) => existsSync(join(root, span))))
      .map((span) => `${file}: ${span}`),
  )
  expect(missing).toEqual([])
})

test('every path in the code is a file', () => {
  const path = new RegExp(
    `(?<![\\w./-])(?:${ROOTS.join('|')})/[\\w./-]+\\.(?:md|ts|mjs|lua|yaml|conf)\\b`,
    'g',
  )
  const missing = sources.flatMap(({ file, text }) =>
    [...text.matchAll(path)]
      .filter(([span]) => !existsSync(span) && !existsSync(join('src', span)))
      .map(([span]) => `${file}: ${span}`),
  )
  expect(missing).toEqual([])
})

test('every name of the code in a code span occurs in the code', () => {
  const words = new Set(sources.flatMap(({ text }) => text.match(/\w+/g) ?? []))
  // The change log mentions names that are gone.
  const current = documents.filter(({ file }) => file !== 'CHANGELOG.md')
  const unknown = current.flatMap(({ file, text }) =>
    spansOf(text)
      .flatMap(namesOf)
      .filter((name) => !words.has(name))
      .map((name) => `${file}: ${name}`),
  )
  expect(unknown).toEqual([])
})

test('every name of the code in a comment occurs in the code', () => {
  const scripts = sources.filter(({ file }) => /\.(?:ts|mjs)$/.test(file))
  const words = new Set(scripts.flatMap(({ text }) => blankComments(text).match(/\w+/g) ?? []))
  const unknown = scripts.flatMap(({ file, text }) =>
    proseOf(file, text)
      .filter(({ kind }) => kind === 'comment')
      .flatMap((comment) => spansOf(comment.text))
      .flatMap(namesOf)
      .filter((name) => !words.has(name))
      .map((name) => `${file}: ${name}`),
  )
  expect(unknown).toEqual([])
})
