/** Pages of a large collection: every item exactly once, in the fixed order. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { afterParameter, pageOfSorted, takePage } from '../../../../src/server/admin/page.ts'

interface Item {
  readonly rank: number
  readonly infoHash: Buffer
}

const item = (rank: number, digit: number): Item => ({ rank, infoHash: Buffer.alloc(20, digit) })
const position = ({ rank, infoHash }: Item) => ({ rank, infoHash })
const nameOf = ({ rank, infoHash }: Item) => `${rank}-${infoHash[0]}`

async function allPages(
  items: readonly Item[],
  limit: number,
  order: 'ascending' | 'descending',
): Promise<string[][]> {
  const pages: string[][] = []
  let after: Item | undefined
  for (;;) {
    const page = await takePage(items, position, { limit, after, order })
    expect(page.total).toBe(items.length)
    pages.push(page.items.map(nameOf))
    if (page.next === undefined) return pages
    const parsed = afterParameter().parse(page.next)
    expect(parsed).toBeDefined()
    after = parsed
  }
}

describe('pages', () => {
  it('have the greatest rank first, and equal ranks by infohash', async () => {
    const items = [item(1, 1), item(3, 2), item(3, 1), item(2, 9)]
    expect(await allPages(items, 3, 'descending')).toEqual([['3-1', '3-2', '2-9'], ['1-1']])
    expect(await allPages(items, 3, 'ascending')).toEqual([['1-1', '2-9', '3-1'], ['3-2']])
  })

  it('end without an empty one', async () => {
    expect(await allPages([item(1, 1), item(1, 2)], 2, 'descending')).toEqual([['1-1', '1-2']])
    expect(await allPages([], 2, 'descending')).toEqual([[]])
  })

  it('have each item once, for any collection, order and size', async () => {
    const items = fc.uniqueArray(fc.tuple(fc.nat(5), fc.nat(255)), {
      maxLength: 60,
      selector: ([, digit]) => digit,
    })
    await fc.assert(
      fc.asyncProperty(
        items,
        fc.integer({ min: 1, max: 9 }),
        fc.boolean(),
        async (pairs, limit, isAscending) => {
          const all = pairs.map(([rank, digit]) => item(rank, digit))
          const sign = isAscending ? 1 : -1
          const sorted = all.toSorted((a, b) => sign * (a.rank - b.rank) || a.infoHash.compare(b.infoHash))
          const pages = await allPages(all, limit, isAscending ? 'ascending' : 'descending')
          expect(pages.flat()).toEqual(sorted.map(nameOf))
          for (const page of pages.slice(0, -1)) expect(page).toHaveLength(limit)
        },
      ),
    )
  })

  it('of a sorted list are the same as those of a search for it', async () => {
    const pairs = fc.uniqueArray(fc.tuple(fc.nat(5), fc.nat(255)), {
      maxLength: 60,
      selector: ([, digit]) => digit,
    })
    const cursorOf = fc.tuple(fc.nat(6), fc.nat(255))
    await fc.assert(
      fc.asyncProperty(
        pairs,
        fc.integer({ min: 1, max: 9 }),
        fc.option(cursorOf),
        async (given, limit, cursor) => {
          const all = given.map(([rank, digit]) => item(rank, digit))
          const sorted = all.toSorted((a, b) => a.rank - b.rank || a.infoHash.compare(b.infoHash))
          const after = cursor === null ? undefined : item(...cursor)
          expect(pageOfSorted(sorted, position, { limit, after, order: 'ascending' })).toEqual(
            await takePage(all, position, { limit, after, order: 'ascending' }),
          )
        },
      ),
    )
  })

  it('of a sorted collection are the same backwards', () => {
    const number = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 3 }))
    fc.assert(
      fc.property(
        fc.uniqueArray(number, { selector: String }),
        fc.integer({ min: 1, max: 5 }),
        (given, limit) => {
          const sorted = given
            .map(([rank, digit]) => item(rank, digit))
            .toSorted((a, b) => a.rank - b.rank || a.infoHash.compare(b.infoHash))
          const seen: string[] = []
          let after: Item | undefined
          for (;;) {
            const page = pageOfSorted(sorted, position, { limit, after, order: 'descending' })
            expect(page.total).toBe(sorted.length)
            seen.push(...page.items.map(nameOf))
            if (page.next === undefined) break
            after = page.items.at(-1)
          }
          expect(seen).toEqual(sorted.map(nameOf).toReversed())
        },
      ),
    )
  })

  it('are taken in slices, between which other work runs', async () => {
    const items = Array.from({ length: 20_000 }, (_, index) => item(index, index & 255))
    let turns = 0
    const other = { isRunning: true }
    const count = () => {
      turns++
      if (other.isRunning) setImmediate(count)
    }
    setImmediate(count)
    let readings = 0
    const { total } = await takePage(
      items,
      position,
      { limit: 10, order: 'descending', isMatch: ({ rank }) => rank % 2 === 0 },
      () => readings++,
    )
    other.isRunning = false
    expect(total).toBe(10_000)
    expect(turns).toBeGreaterThan(15)
  })

  it('do not shift when an item of an earlier page leaves', async () => {
    const items = [item(3, 1), item(2, 1), item(1, 1)]
    const first = await takePage(items, position, { limit: 2, after: undefined, order: 'descending' })
    const after = afterParameter().parse(first.next)
    const second = await takePage(items.slice(1), position, { limit: 2, after, order: 'descending' })
    expect(second.items.map(nameOf)).toEqual(['1-1'])
  })

  it.each(['', 'x', '1-', `1-${'0'.repeat(39)}`, `-1-${'0'.repeat(40)}`, `1-${'G'.repeat(40)}`])(
    'do not accept the cursor %s',
    (cursor) => {
      expect(afterParameter().safeParse(cursor).success).toBe(false)
    },
  )
})
