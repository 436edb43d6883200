import { expect, test } from 'vitest'
import { RowBits } from '../../../src/swarm/row-bits.ts'

const ROWS = [0, 1, 31, 32, 16_383, 16_384, 16_777_213]

test('a bit of a row is independent of those of all other rows', () => {
  const bits = new RowBits()
  for (const row of ROWS) bits.set(row, true)
  bits.set(31, false)
  expect(ROWS.filter((row) => bits.has(row))).toEqual(ROWS.filter((row) => row !== 31))
  expect([2, 30, 33, 16_382, 16_385].some((row) => bits.has(row))).toBe(false)
})

test('rows without a bit cost nothing, and neither does clearing one that has none', () => {
  const bits = new RowBits()
  bits.set(9_000_000, false)
  expect(bits.bytes).toBe(0)
  expect(bits.has(9_000_000)).toBe(false)
  for (const row of ROWS) bits.set(row, true)
  expect(bits.bytes).toBe(3 * 2_048)
  bits.clear()
  expect(ROWS.some((row) => bits.has(row))).toBe(false)
})
