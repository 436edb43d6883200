/**
 * Bytes per second, as a mean of about a second: long enough for bursts of one piece, and short enough that a window
 * which grows with the rate doubles several times a second.
 */

const MEAN_MS = 1_000
/** Shorter steps are added up first. */
const STEP_MS = 50

export class TransferRate {
  #rate = 0
  #stepMs: number
  #stepBytes = 0

  constructor(nowMs: number) {
    this.#stepMs = nowMs
  }

  add(bytes: number, nowMs: number): void {
    this.#stepBytes += bytes
    this.#step(nowMs)
  }

  /** Falls while nothing is added. */
  at(nowMs: number): number {
    this.#step(nowMs)
    return this.#rate
  }

  #step(nowMs: number): void {
    const tookMs = nowMs - this.#stepMs
    if (tookMs < STEP_MS) return
    const weight = 1 - Math.exp(-tookMs / MEAN_MS)
    this.#rate += weight * ((this.#stepBytes / tookMs) * 1_000 - this.#rate)
    this.#stepMs = nowMs
    this.#stepBytes = 0
  }
}
