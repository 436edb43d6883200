/**
 * Draws rows from a row list: the best of a bounded sample, so that a choice in a swarm of a hundred thousand
 * costs what one in a swarm of fifty does.
 */
import type { Random } from '../core/random.ts'
import type { RowList } from '../swarm/row-list.ts'

/** Lists up to this length are looked at whole; of longer ones, so many random rows. */
const SAMPLE = 48

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

  const seen = new Set<number>()
  for (const list of lists) {
    if (list.length <= SAMPLE)
      for (let position = 0; position < list.length; position++) consider(list.at(position))
    else
      for (let draw = 0; draw < SAMPLE; draw++) {
        const row = list.at(random.below(list.length))
        if (seen.has(row)) continue
        seen.add(row)
        consider(row)
      }
  }
  return best.map((entry) => entry.row)
}
