/** Pages of a large collection: every item exactly once, in the fixed order. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { afterParameter, takePage } from '../../../../src/server/admin/page.ts'

interface Item {
  readonly rank: number
  readonly infoHash: Buffer
}

const item = (rank: number, digit: number): Item => ({ rank, infoHash: Buffer.alloc(20, digit) })
const position = ({ rank, infoHash }: Item) => ({ rank, infoHash })
const nameOf = ({ rank, infoHash }: Item) => `${rank}-${infoHash[0]}`

function allPages(items: readonly Item[], limit: number, order: 'ascending' | 'descending'): string[][] {
  const pages: string[][] = []
  let after: Item | undefined
  for (;;) {
    const page = takePage(items, position, { limit, after, order })
    expect(page.total).toBe(items.length)
    pages.push(page.items.map(nameOf))
    if (page.next === undefined) return pages
    const parsed = afterParameter().parse(page.next)
    expect(parsed).toBeDefined()
    after = parsed
  }
}

describe('pages', () => {
  it('have the greatest rank first, and equal ranks by infohash', () => {
    const items = [item(1, 1), item(3, 2), item(3, 1), item(2, 9)]
    expect(allPages(items, 3, 'descending')).toEqual([['3-1', '3-2', '2-9'], ['1-1']])
    expect(allPages(items, 3, 'ascending')).toEqual([['1-1', '2-9', '3-1'], ['3-2']])
  })

  it('end without an empty one', () => {
    expect(allPages([item(1, 1), item(1, 2)], 2, 'descending')).toEqual([['1-1', '1-2']])
    expect(allPages([], 2, 'descending')).toEqual([[]])
  })

  it('have each item once, for any collection, order and size', () => {
    const items = fc.uniqueArray(fc.tuple(fc.nat(5), fc.nat(255)), {
      maxLength: 60,
      selector: ([, digit]) => digit,
    })
    fc.assert(
      fc.property(items, fc.integer({ min: 1, max: 9 }), fc.boolean(), (pairs, limit, isAscending) => {
        const all = pairs.map(([rank, digit]) => item(rank, digit))
        const sign = isAscending ? 1 : -1
        const sorted = all.toSorted((a, b) => sign * (a.rank - b.rank) || a.infoHash.compare(b.infoHash))
        const pages = allPages(all, limit, isAscending ? 'ascending' : 'descending')
        expect(pages.flat()).toEqual(sorted.map(nameOf))
        for (const page of pages.slice(0, -1)) expect(page).toHaveLength(limit)
      }),
    )
  })

  it('do not shift when an item of an earlier page leaves', () => {
    const items = [item(3, 1), item(2, 1), item(1, 1)]
    const first = takePage(items, position, { limit: 2, after: undefined, order: 'descending' })
    const after = afterParameter().parse(first.next)
    const second = takePage(items.slice(1), position, { limit: 2, after, order: 'descending' })
    expect(second.items.map(nameOf)).toEqual(['1-1'])
  })

  it.each(['', 'x', '1-', `1-${'0'.repeat(39)}`, `-1-${'0'.repeat(40)}`, `1-${'G'.repeat(40)}`])(
    'do not accept the cursor %s',
    (cursor) => {
      expect(afterParameter().safeParse(cursor).success).toBe(false)
    },
  )
})
