import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { withChanges } from '../../../src/core/sorted-list.ts'

interface Item {
  readonly rank: number
  readonly name: string
}

const compare = (a: Item, b: Item) => a.rank - b.rank
const items = (ranks: readonly number[], prefix: string): Item[] =>
  ranks.map((rank, index) => ({ rank, name: `${prefix}${index}` }))

describe('a sorted list with changes', () => {
  it('is the same as after a sort, with few or many changes', () => {
    const rank = fc.nat(300)
    fc.assert(
      fc.property(
        fc.array(rank, { maxLength: 400, size: 'max' }),
        fc.array(rank, { maxLength: 5 }),
        fc.array(fc.nat(399), { maxLength: 5 }),
        (ranks, addedRanks, removedAt) => {
          const sorted = items(ranks, 'old').sort(compare)
          const removed = new Set(removedAt.flatMap((index) => sorted[index] ?? []))
          const added = items(addedRanks, 'new')
          const expected = [...sorted.filter((item) => !removed.has(item)), ...added].sort(compare)
          expect(withChanges(sorted, { removed, added }, compare)).toEqual(expected)
        },
      ),
    )
  })

  it('leaves the list as it was', () => {
    const sorted = items(
      Array.from({ length: 200 }, (_, index) => index),
      'old',
    )
    const copy = [...sorted]
    withChanges(sorted, { removed: new Set([sorted[5] as Item]), added: items([7], 'new') }, compare)
    expect(sorted).toEqual(copy)
  })
})
