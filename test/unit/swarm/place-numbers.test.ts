import { expect, test } from 'vitest'
import { Address } from '../../../src/core/address.ts'
import { renumberRows } from '../../../src/swarm/new-places.ts'
import { PeerRows } from '../../../src/swarm/peer-rows.ts'
import { PlaceNumbers } from '../../../src/swarm/place-numbers.ts'

test('a number keeps its row at the place of the same name over any number of changes', () => {
  const numbers = new PlaceNumbers()
  const number = numbers.numberOf(2)
  expect(numbers.replace(Int32Array.of(3, 2, 0), 4)).toBe(true)
  expect(numbers.placeOf(number)).toBe(0)
  expect(numbers.replace(Int32Array.of(1, 0, 2, 3), 4)).toBe(true)
  expect(numbers.placeOf(number)).toBe(1)
  expect([0, 1, 2, 3].map((place) => numbers.placeOf(numbers.numberOf(place)))).toEqual([0, 1, 2, 3])
})

test('a place that became part of another one frees its number when no row has it', () => {
  const numbers = new PlaceNumbers()
  numbers.replace(Int32Array.of(0, 0), 1)
  expect([numbers.placeOf(0), numbers.placeOf(1)]).toEqual([0, 0])
  numbers.settle()
  numbers.replace(Int32Array.of(0), 2)
  expect(numbers.numberOf(1)).toBe(1)
})

test('two topologies with more places than there are numbers', () => {
  const rows = new PeerRows()
  const places = 40_000
  const added = Array.from({ length: places }, (_, place) => {
    const row = rows.allocate(Address.v4(place), 6881, 1)
    rows.setPlace(row, place)
    return row
  })
  // The second half gets new names, and stays at the first place; the first one is in reverse.
  const half = places / 2
  const after = Int32Array.from({ length: places }, (_, place) => (place < half ? half - 1 - place : 0))
  for (let change = 0; change < 2; change++) renumberRows(rows, after, 65_535)
  expect(added.slice(0, half).map((row) => rows.place(row))).toEqual(added.slice(0, half))
  expect(new Set(added.slice(half).map((row) => rows.place(row)))).toEqual(new Set([half - 1]))
  rows.setPlace(0, 65_534)
  expect(rows.place(0)).toBe(65_534)
})
