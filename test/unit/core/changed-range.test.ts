/** The range covers each difference of two lists, and only the elements between the first and the last one. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { changedRange } from '../../../src/core/changed-range.ts'

it.each([
  [[1, 2, 3], [1, 2, 3], { start: 3, endBefore: 3, endAfter: 3 }],
  [[1, 2, 3], [1, 2, 9, 3], { start: 2, endBefore: 2, endAfter: 3 }],
  [[1, 2, 3], [1, 3], { start: 1, endBefore: 2, endAfter: 1 }],
  [[1, 1, 1], [1, 1], { start: 2, endBefore: 3, endAfter: 2 }],
  [[], [1], { start: 0, endBefore: 0, endAfter: 1 }],
])('%j and %j differ in %j', (before, after, range) => {
  expect(changedRange(before, after)).toEqual(range)
})

it('the new range in place of the old one gives the new list', () => {
  const list = fc.array(fc.nat(3), { maxLength: 8 })
  fc.assert(
    fc.property(list, list, (before, after) => {
      const { start, endBefore, endAfter } = changedRange(before, after)
      expect(before.toSpliced(start, endBefore - start, ...after.slice(start, endAfter))).toEqual(after)
    }),
  )
})
