/** A queue of due items agrees with a list that is searched, for any sequence of moves. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { type DueItem, DueQueue } from '../../src/observers/due-queue.ts'

it('gives the item that is due first, after any sequence of additions, moves and removals', () => {
  const step = fc.record({
    kind: fc.constantFrom('put' as const, 'put' as const, 'remove' as const, 'take' as const),
    item: fc.nat({ max: 14 }),
    dueMs: fc.nat({ max: 30 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const queue = new DueQueue<DueItem>()
      const items: DueItem[] = Array.from({ length: 15 }, () => ({ dueMs: 0, queueIndex: -1 }))
      const model = new Map<DueItem, number>()
      for (const { kind, item, dueMs } of steps) {
        const chosen = items[item] as DueItem
        if (kind === 'put') {
          queue.put(chosen, dueMs)
          model.set(chosen, dueMs)
        } else if (kind === 'remove') {
          queue.remove(chosen)
          model.delete(chosen)
        } else {
          const taken = queue.takeDue(dueMs)
          const earliestMs = Math.min(...model.values())
          if (earliestMs > dueMs) expect(taken).toBeUndefined()
          else {
            expect(model.get(taken as DueItem)).toBe(earliestMs)
            model.delete(taken as DueItem)
          }
        }
        expect(queue.size).toBe(model.size)
        for (const each of items) expect(each.queueIndex >= 0).toBe(model.has(each))
      }
    }),
    { numRuns: 3_000 },
  )
})
