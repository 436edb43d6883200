/**
 * The shape of the source: who may import whom, and the tidiness that a program can check. Each failure prints
 * the line and the rule. If a rule is in the way of something better, change test/architecture/rooms.ts and the
 * table in docs/ARCHITECTURE.md together.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { checkImports } from './architecture/check-imports.ts'
import { checkLeaseOwner } from './architecture/one-owner.ts'
import { checkTidiness } from './architecture/check-tidiness.ts'
import { rooms } from './architecture/rooms.ts'

const files = readdirSync('src', { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
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
