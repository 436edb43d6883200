/**
 * Number of rows of each source, which is an IPv4 address or the /64 of an IPv6 address.
 *
 * Two counters of a fixed table are added to for each row, and the smaller one is the count: a count-min sketch of depth
 * two. It is never too small, and too large by what shares both counters: about a hundred in a table of nine million
 * rows. An entry for each source would cost more memory than the rows. The places follow from a keyed hash, so that a
 * host cannot raise the count of another one.
 */
const CELLS = 1 << 16

export class SourceCounts {
  readonly #high = new Uint32Array(CELLS)
  readonly #low = new Uint32Array(CELLS)

  /** `source`: the hash of `IndexHash.source`. */
  add(source: number, by: 1 | -1): void {
    const high = source >>> 16
    const low = source & 0xffff
    this.#high[high] = (this.#high[high] as number) + by
    this.#low[low] = (this.#low[low] as number) + by
  }

  of(source: number): number {
    return Math.min(this.#high[source >>> 16] as number, this.#low[source & 0xffff] as number)
  }

  get bytes(): number {
    return this.#high.byteLength + this.#low.byteLength
  }
}
