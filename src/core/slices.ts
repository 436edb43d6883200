/** Passes over long lists, in slices between which announces are answered. */
import { setImmediate as nextTurn } from 'node:timers/promises'

/** Half a millisecond. */
export const SLICE_ITEMS = 1_000

export async function filterInSlices<Item>(
  items: readonly Item[],
  isMatch: (item: Item) => boolean,
): Promise<Item[]> {
  const matching: Item[] = []
  for (const [index, item] of items.entries()) {
    if (index % SLICE_ITEMS === SLICE_ITEMS - 1) await nextTurn()
    if (isMatch(item)) matching.push(item)
  }
  return matching
}
