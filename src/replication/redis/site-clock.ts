/**
 * Time as Redis counts it, the same for all nodes of a site, on a base that nobody sets: a node whose own clock is an
 * hour off, or is set while it runs, counts like the others.
 */
import { type Clock, elapsedMs } from '../../core/clock.ts'

/** Below it, differences are the network's: the time of a reading is only known to within half its round trip. */
const NOISE_MS = 5
/** Smaller ones are drift: they are taken without a word. Larger ones move what was noted along. */
const DRIFT_MS = 100

export interface TimeReading {
  /** What Redis said. */
  readonly redisMs: number
  /** By `elapsed`, before the question and after the answer. */
  readonly askedMs: number
  readonly answeredMs: number
}

export class SiteClock implements Clock {
  readonly #elapsed: () => number
  #offsetMs: number
  #lastMs = 0

  /** Until Redis was asked, `own` is believed: what it says now, and the time that passes from then on. */
  constructor(own: Clock, elapsed: () => number = elapsedMs) {
    this.#elapsed = elapsed
    this.#offsetMs = own.nowMs() - elapsed()
  }

  /** Whole milliseconds. */
  nowMs(): number {
    this.#lastMs = Math.max(this.#lastMs, Math.floor(this.#elapsed() + this.#offsetMs))
    return this.#lastMs
  }

  /** For `TimeReading`. */
  elapsed(): number {
    return this.#elapsed()
  }

  /** Takes Redis's time. Returns by how much everything that was noted has to be moved; 0 mostly. */
  read({ redisMs, askedMs, answeredMs }: TimeReading): number {
    const uncertainMs = (answeredMs - askedMs) / 2
    const byMs = redisMs - (askedMs + uncertainMs) - this.#offsetMs
    if (Math.abs(byMs) <= Math.max(NOISE_MS, uncertainMs)) return 0
    if (Math.abs(byMs) < DRIFT_MS) {
      this.#offsetMs += byMs
      return 0
    }
    const wholeMs = Math.round(byMs)
    this.#offsetMs += wholeMs
    this.#lastMs = 0
    return wholeMs
  }
}
