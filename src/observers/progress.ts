/**
 * Completion of one client over time: its rate, and the time since the last new piece.
 */

/** The rate is a mean over about this time, so that it does not jump with each piece. */
const MEAN_MS = 10_000
/** Shorter steps are added up first: two chunks of one piece burst give no rate. */
const STEP_MS = 1_000
/**
 * A client that lacks pieces and gets none for this time is stalled. Longer than a piece of 4 MiB takes at 4 Mbit/s,
 * and than one unchoke round of Transmission (10 s).
 */
const STALLED_AFTER_MS = 12_000

export class Progress {
  /** Undefined until the client has shown its pieces. */
  share: number | undefined
  /** Time of the last new piece. */
  progressedMs: number | undefined
  /** Since when the client has been observed, or the time of its last new piece. */
  #stillSinceMs: number | undefined
  #rate = 0
  #stepMs = 0
  #stepShare = 0

  /** Returns whether the share changed. */
  record(share: number | undefined, nowMs: number): boolean {
    const previous = this.share
    if (share === undefined) return false
    this.share = share
    if (previous === undefined) {
      this.#stillSinceMs = nowMs
      this.#stepMs = nowMs
      this.#stepShare = share
      return true
    }
    if (share > previous) {
      this.progressedMs = nowMs
      this.#stillSinceMs = nowMs
    }
    this.#step(nowMs)
    return share !== previous
  }

  /** Completion per second. Falls while there is no progress. */
  rateAt(nowMs: number): number {
    if (this.share === undefined) return 0
    this.#step(nowMs)
    return this.#rate
  }

  /** Time at which the client counts as stalled if it gets no further piece. */
  stallsAtMs(): number {
    return this.#stillSinceMs === undefined ? Infinity : this.#stillSinceMs + STALLED_AFTER_MS
  }

  #step(nowMs: number): void {
    const tookMs = nowMs - this.#stepMs
    if (tookMs < STEP_MS) return
    const gained = Math.max(0, (this.share ?? 0) - this.#stepShare)
    const weight = 1 - Math.exp(-tookMs / MEAN_MS)
    this.#rate += weight * ((gained / tookMs) * 1_000 - this.#rate)
    this.#stepMs = nowMs
    this.#stepShare = this.share ?? 0
  }
}
