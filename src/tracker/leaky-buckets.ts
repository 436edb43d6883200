/**
 * Rates per source in constant memory: leaky buckets in a fixed table.
 *
 * A source has two buckets, by the halves of a keyed hash, and is over its rate only if both are full. A source that shares
 * one bucket with a flood is not affected, and a host cannot choose the buckets of another one. There is no object for each
 * source, so that a flood from many addresses costs no memory.
 */
const BUCKETS = 1 << 16

export interface Rate {
  readonly perSecond: number
  /** Units above the rate that a source may use at once. */
  readonly burst: number
}

export class LeakyBuckets {
  readonly #levels = new Float64Array(2 * BUCKETS)
  readonly #leakedAtMs = new Float64Array(2 * BUCKETS)
  readonly #rate: Rate

  constructor(rate: Rate) {
    this.#rate = rate
  }

  /** Adds one unit. False, without adding it, if the source is over its rate. `source`: the hash of `IndexHash.source`. */
  take(source: number, nowMs: number): boolean {
    const first = source >>> 16
    const second = BUCKETS + (source & 0xffff)
    const least = Math.min(this.#leak(first, nowMs), this.#leak(second, nowMs))
    if (least + 1 > this.#rate.burst) return false
    this.#levels[first] = (this.#levels[first] as number) + 1
    this.#levels[second] = (this.#levels[second] as number) + 1
    return true
  }

  /** The level after the time since the last call. A clock that was set back leaks nothing. */
  #leak(bucket: number, nowMs: number): number {
    const elapsedMs = Math.max(0, nowMs - (this.#leakedAtMs[bucket] as number))
    const level = Math.max(0, (this.#levels[bucket] as number) - (elapsedMs * this.#rate.perSecond) / 1000)
    this.#levels[bucket] = level
    this.#leakedAtMs[bucket] = nowMs
    return level
  }
}
