/**
 * Sorted lists that change by a few items. A sort compares all of them, which for 100,000 torrents reads each from the memory:
 * 6 to 10 ms in one turn. A copy with a change reads those beside it.
 */

export interface ListChanges<Item> {
  /** Each is in the list. */
  readonly removed: ReadonlySet<Item>
  /** In any order; behind equal ones of the list. */
  readonly added: readonly Item[]
}

/** Each change is a copy of the list; more of them take longer than a sort. */
const COPIES_MAX = 8

export function withChanges<Item>(
  sorted: readonly Item[],
  { removed, added }: ListChanges<Item>,
  compare: (a: Item, b: Item) => number,
): readonly Item[] {
  if (removed.size + added.length > COPIES_MAX) {
    const rest = removed.size === 0 ? sorted : sorted.filter((each) => !removed.has(each))
    return [...rest, ...added].sort(compare)
  }
  let list = sorted
  for (const item of removed) {
    const first = indexOfFirst(list, (each) => compare(each, item) >= 0)
    list = list.toSpliced(list.indexOf(item, first), 1)
  }
  for (const item of added) {
    const behind = indexOfFirst(list, (each) => compare(each, item) > 0)
    list = list.toSpliced(behind, 0, item)
  }
  return list
}

/** Index of the first item from which on `isBehind` holds. */
export function indexOfFirst<Item>(sorted: readonly Item[], isBehind: (item: Item) => boolean): number {
  let [start, end] = [0, sorted.length]
  while (start < end) {
    const middle = (start + end) >>> 1
    if (isBehind(sorted[middle] as Item)) end = middle
    else start = middle + 1
  }
  return start
}
