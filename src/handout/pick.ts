/**
 * Picks rows from row lists: the best of the first few of each, so that a choice in a swarm of a hundred thousand peers
 * costs as much as one in a swarm of fifty.
 */
import type { Random } from '../core/random.ts'
import type { PeerRows } from '../swarm/peer-rows.ts'
import type { RowList } from '../swarm/row-list.ts'

/** Rows that are scanned in one list, from its head on. */
export const SCANNED_MAX = 48
/** Rows that are scanned in all lists: enough for ten bubbles. With more, each scan begins at a random one. */
export const SCANNED_TOTAL_MAX = 10 * SCANNED_MAX

/** Rows of one list that a scan passes at most, with those that it does not count. */
export const WALKED_MAX = 1_024

/**
 * A new row is added behind all others. A list that is longer than a scan therefore rotates faster than it grows: when
 * it rotated by one row, the second half of a flash crowd was never handed out and became leaves of a tree, which
 * upload to no peer (a third of 1,000 hosts; the last one complete after 2.6 instead of 1.9 times the least time).
 */
const ROTATIONS_OF_LONG_LIST = 8

/**
 * splitmix32 (Steele, Lea, Flood 2014, in 32 bits). Seeded for each decision, so that a decision depends on its context
 * alone: every node, and `explain`, gets the same result.
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

/** The rows with the lowest ranks so far, equals in random order. */
export class BestRows {
  readonly rows: number[] = []
  readonly #ranks: number[] = []
  readonly #count: number
  readonly #random: Random

  /** Keeps up to `count` rows, at least one. */
  constructor(count: number, random: Random) {
    this.#count = count
    this.#random = random
  }

  /** `whole`: an integer from 0. */
  consider(row: number, whole: number): void {
    const { rows } = this
    const ranks = this.#ranks
    const rank = whole + this.#random.below(1 << 20) / (1 << 20)
    let at = rows.length
    if (at === this.#count) {
      at--
      if (rank >= (ranks[at] as number)) return
    }
    for (; at > 0 && (ranks[at - 1] as number) > rank; at--) {
      rows[at] = rows[at - 1] as number
      ranks[at] = ranks[at - 1] as number
    }
    rows[at] = row
    ranks[at] = rank
  }
}

/**
 * Up to `count` rows with the lowest `rank`, equals in random order. `rank` returns an integer from 0, or -1 for a row
 * that is not eligible and does not count as scanned: hundreds of ports of one host do not hide the others.
 */
export function pick(
  rows: PeerRows,
  lists: readonly RowList[],
  count: number,
  random: Random,
  rank: (row: number) => number,
): readonly number[] {
  if (count <= 0) return []
  const best = new BestRows(count, random)
  const start = lists.length * SCANNED_MAX > SCANNED_TOTAL_MAX ? random.below(lists.length) : 0
  let total = SCANNED_TOTAL_MAX
  for (let index = 0; index < lists.length && total > 0; index++) {
    const list = lists[(start + index) % lists.length] as RowList
    let row = list.head
    let left = Math.min(SCANNED_MAX, total)
    for (let walked = Math.min(list.length, WALKED_MAX); walked > 0 && left > 0; walked--) {
      const whole = rank(row)
      if (whole >= 0) {
        best.consider(row, whole)
        left--
        total--
      }
      row = rows.next(row)
    }
  }
  return best.rows
}

/** Moves other rows to the front, for the next request. */
export function rotate(rows: PeerRows, list: RowList): void {
  for (let steps = list.length > SCANNED_MAX ? ROTATIONS_OF_LONG_LIST : 1; steps > 0; steps--)
    list.rotate(rows)
}

/** The first `count` accepted rows, for a choice without a rank. */
export function take(
  rows: PeerRows,
  lists: readonly RowList[],
  count: number,
  accepts: (row: number) => boolean,
): number[] {
  const taken: number[] = []
  for (const list of lists) {
    let row = list.head
    for (let left = Math.min(list.length, SCANNED_MAX); left > 0 && taken.length < count; left--) {
      if (accepts(row)) taken.push(row)
      row = rows.next(row)
    }
  }
  return taken
}
