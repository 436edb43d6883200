/**
 * The part in which two lists of the same order differ: everything between the elements that both have at the start and
 * at the end. A change of a few elements in a list of 100,000 costs a comparison of references for each of them.
 */

export interface ChangedRange {
  readonly start: number
  /** Behind the last element that differs, in each list. */
  readonly endBefore: number
  readonly endAfter: number
}

export function changedRange<Item>(before: readonly Item[], after: readonly Item[]): ChangedRange {
  const shorter = Math.min(before.length, after.length)
  let start = 0
  while (start < shorter && before[start] === after[start]) start++
  let same = 0
  while (same < shorter - start && before[before.length - 1 - same] === after[after.length - 1 - same]) same++
  return { start, endBefore: before.length - same, endAfter: after.length - same }
}
