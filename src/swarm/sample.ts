/**
 * Indexes that are spread over a table: a linear congruential generator of full period (Numerical Recipes).
 *
 * A range would not do: the rows and torrents that a host announces are next to each other, so that a range is often of
 * one host alone.
 */
export class Sample {
  #state = 0

  /** From 0 up to `bound`, exclusive. */
  below(bound: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((this.#state / 0x1_0000_0000) * bound)
  }
}
