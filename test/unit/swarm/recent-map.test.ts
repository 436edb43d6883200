import { expect, test } from 'vitest'
import { RecentMap } from '../../../src/swarm/recent-map.ts'

test('an entry stays for the time it is kept, and at most as long again', () => {
  const map = new RecentMap<string, number>({ entriesMax: 100, keptMs: 1_000 })
  map.set('early', 1, 0)
  map.set('later', 2, 1_000)
  expect(map.get('early')).toBe(1)
  map.set('last', 3, 2_000)
  expect([map.get('early'), map.get('later'), map.get('last')]).toEqual([undefined, 2, 3])
})

test('the map never exceeds its number of entries, and keeps the youngest half', () => {
  const map = new RecentMap<number, number>({ entriesMax: 10, keptMs: 1_000 })
  for (let key = 0; key < 100; key++) {
    map.set(key, key, 0)
    expect(map.size).toBeLessThanOrEqual(10)
  }
  expect([95, 96, 97, 98, 99].map((key) => map.get(key))).toEqual([95, 96, 97, 98, 99])
})

test('an entry that is set again becomes young, and exists once', () => {
  const map = new RecentMap<string, number>({ entriesMax: 100, keptMs: 1_000 })
  map.set('a', 1, 0)
  map.set('b', 1, 1_000)
  map.set('a', 2, 1_500)
  map.set('c', 1, 2_100)
  expect([map.get('a'), map.size]).toEqual([2, 3])
})
