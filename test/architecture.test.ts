/**
 * Rules for the source that a program can check: import directions, cycles, tidiness and plain technical English. Each
 * failure prints the line and the rule. If an import rule prevents something better, change test/architecture/rooms.ts
 * and the table in docs/ARCHITECTURE.md together.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkImports, roomOf } from './architecture/check-imports.ts'
import { checkLeaseOwner } from './architecture/one-owner.ts'
import { checkTidiness } from './architecture/check-tidiness.ts'
import { checkWords } from './architecture/check-words.ts'
import { sourceFiles } from './architecture/count-words.mjs'
import { findCycles } from './architecture/find-cycles.ts'
import { rooms } from './architecture/rooms.ts'

const ROOT_FILES = readdirSync('.').filter((file) =>
  /\.md$|^Dockerfile$|^docker-compose\.yml$|^\.oxlintrc\.json$/.test(file),
)

/** Contain the words that they look for. */
const EXAMPLES: ReadonlySet<string> = new Set([
  'test/architecture/count-words.mjs',
  'test/unit/architecture/check-words.test.ts',
])

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => ({ file, source: readFileSync(`src/${file}`, 'utf8') }))

test('every import obeys the table of rooms', () => {
  expect(files.length).toBeGreaterThan(20)
  expect(files.flatMap(({ file, source }) => checkImports(file, source))).toEqual([])
})

test('every file is tidy', () => {
  expect(files.flatMap(({ file, source }) => checkTidiness(file, source))).toEqual([])
})

test('only Leases can write the lease of a gateway', () => {
  expect(files.flatMap(({ file, source }) => checkLeaseOwner(file, source))).toEqual([])
})

test('no files import each other in a cycle, type imports included', () => {
  const cycles = findCycles(new Map(files.map(({ file, source }) => [file, source])))
  expect(cycles.map((cycle) => cycle.join(', '))).toEqual([])
})

test('comments, strings and documents are plain technical English', () => {
  const paths = ['src', 'test', 'lab', 'bench', 'stack', 'docs', 'deploy', 'config', '.ci', ...ROOT_FILES]
  const texts = paths
    .flatMap(sourceFiles)
    .filter((file) => !EXAMPLES.has(file))
    .map((file) => ({ file, source: readFileSync(file, 'utf8') }))
  expect(texts.length).toBeGreaterThan(500)
  expect(checkWords(texts)).toEqual([])
})

test('the table of rooms is the one in docs/ARCHITECTURE.md', () => {
  const names = (cell: string | undefined) => [...(cell ?? '').matchAll(/`([^`]+)`/g)].map(([, name]) => name)
  const documented = readFileSync('docs/ARCHITECTURE.md', 'utf8')
    .split('\n')
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .filter((cells) => cells.length === 6 && /^`[a-z]+(?:\/[a-z]+)?`$/.test(cells[1] ?? ''))
    .map((cells) => [names(cells[1])[0], { rooms: names(cells[3]), packages: names(cells[4]) }] as const)

  expect(documented.map(([name]) => name)).toEqual(Object.keys(rooms).filter((name) => name !== 'main'))
  for (const [name, room] of documented)
    expect({ [name ?? '']: room }).toEqual({ [name ?? '']: rooms[name ?? ''] })
})

test('docs/ARCHITECTURE.md draws each room once, above the rooms that it imports', () => {
  const document = readFileSync('docs/ARCHITECTURE.md', 'utf8')
  const drawing = /^## Rooms$[^]*?^```text\n([^]*?)^```/m.exec(document)?.[1] ?? ''
  const drawn = drawing.split('\n').flatMap((line, row) =>
    (line.split('│')[0] ?? '')
      .split(/\s+/)
      .filter((name) => rooms[name] !== undefined)
      .map((name) => ({ name, row })),
  )
  expect(drawn.map(({ name }) => name).toSorted()).toEqual(Object.keys(rooms).toSorted())

  const rowOf = new Map(drawn.map(({ name, row }) => [name, row]))
  const notBelow = drawn.flatMap(({ name, row }) =>
    ['core', ...(rooms[name]?.rooms ?? [])]
      .map((imported) => roomOf(imported, rooms))
      .filter((room) => room !== name && (rowOf.get(room) ?? 0) <= row)
      .map((room) => `${room} is not below ${name}`),
  )
  expect(notBelow).toEqual([])
})
