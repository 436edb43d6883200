/**
 * Picks rows from row lists: the best of the first few of each, so that a choice in a swarm of a hundred thousand
 * costs what one in a swarm of fifty does.
 */
import type { Random } from '../core/random.ts'
import type { PeerRows } from '../swarm/peer-rows.ts'
import type { RowList } from '../swarm/row-list.ts'

/** So many rows are looked at, from wherever the ring of a list stands. */
const LOOKED_AT_MAX = 48
/** In all lists together: a site of ten bubbles in full, one of a thousand from another bubble on each time. */
const LOOKED_AT_TOTAL_MAX = 10 * LOOKED_AT_MAX

/**
 * Whoever joins a ring waits behind all others. A ring longer than what is looked at therefore turns faster than it
 * grows: turning by one, it showed the half of a flash crowd that came last to nobody, and that half became a tree
 * of leaves that give to no one (a third of 1,000 hosts, last done after 2.6 times the least time instead of 1.9).
 */
const ROTATIONS_OF_LONG_LIST = 8

/**
 * splitmix32 (Steele, Lea, Flood 2014, in 32 bits). Seeded anew for each decision, so that a decision depends on
 * nothing but its situation: every node, and `explain`, comes to the same.
 */
export class DecisionRandom implements Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  below(bound: number): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let value = this.#state ^ (this.#state >>> 16)
    value = Math.imul(value, 0x21f0aaad)
    value ^= value >>> 15
    value = Math.imul(value, 0x735a2d97)
    value ^= value >>> 15
    return Math.floor(((value >>> 0) / 0x1_0000_0000) * bound)
  }
}

/**
 * Up to `count` rows with the lowest `rank`, chance between equals. `rank` gives a whole number from 0, or -1
 * for a row that is not wanted at all.
 */
export function pick(
  rows: PeerRows,
  lists: readonly RowList[],
  count: number,
  random: Random,
  rank: (row: number) => number,
): number[] {
  if (count <= 0) return []
  const best: { readonly row: number; readonly rank: number }[] = []
  const consider = (row: number) => {
    const whole = rank(row)
    if (whole < 0) return
    const entry = { row, rank: whole + random.below(1 << 20) / (1 << 20) }
    if (best.length === count && entry.rank >= (best[count - 1] as { rank: number }).rank) return
    let at = best.length
    while (at > 0 && (best[at - 1] as { rank: number }).rank > entry.rank) at--
    best.splice(at, 0, entry)
    if (best.length > count) best.pop()
  }

  const start = lists.length * LOOKED_AT_MAX > LOOKED_AT_TOTAL_MAX ? random.below(lists.length) : 0
  let total = LOOKED_AT_TOTAL_MAX
  for (let index = 0; index < lists.length && total > 0; index++) {
    const list = lists[(start + index) % lists.length] as RowList
    let row = list.head
    for (let left = Math.min(list.length, LOOKED_AT_MAX, total); left > 0; left--) {
      consider(row)
      row = rows.next(row)
      total--
    }
  }
  return best.map((entry) => entry.row)
}

/** Brings other rows to the front for the next one who asks. */
export function rotate(rows: PeerRows, list: RowList): void {
  for (let turns = list.length > LOOKED_AT_MAX ? ROTATIONS_OF_LONG_LIST : 1; turns > 0; turns--)
    list.rotate(rows)
}

/** The first `count` rows that are accepted, where one is as good as another. */
export function take(
  rows: PeerRows,
  lists: readonly RowList[],
  count: number,
  accepts: (row: number) => boolean,
): number[] {
  const taken: number[] = []
  for (const list of lists) {
    let row = list.head
    for (let left = Math.min(list.length, LOOKED_AT_MAX); left > 0 && taken.length < count; left--) {
      if (accepts(row)) taken.push(row)
      row = rows.next(row)
    }
  }
  return taken
}
