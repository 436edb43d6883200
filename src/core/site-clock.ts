/**
 * The clock of a site: that of Redis, the same for all nodes, or that of the machine of a site with one node. It advances
 * by elapsed time, so that a step of the clock changes no interval between two points in time: a node whose own clock is
 * an hour off, or is set while it runs, still agrees with the others, and does not forget its peers.
 */
import { type Clock, elapsedMs } from './clock.ts'

/** Smaller differences come from the network: a reading is only accurate to half its round trip. */
const NOISE_MS = 5
/** Smaller differences are drift and adjust the clock silently. Larger ones also shift all stored timestamps. */
const DRIFT_MS = 100

export interface TimeReading {
  /** The time of the clock that this one follows. */
  readonly referenceMs: number
  /** By `elapsed`, before the request and after the response. */
  readonly requestedMs: number
  readonly respondedMs: number
}

export class SiteClock implements Clock {
  readonly #elapsed: () => number
  #offsetMs: number
  #lastMs = 0

  /** Before the first reading it starts at the current time of `own` and advances by elapsed time. */
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

  /** Adjusts the clock to a reading. Returns the amount by which stored timestamps must be shifted; usually 0. */
  read({ referenceMs, requestedMs, respondedMs }: TimeReading): number {
    const uncertainMs = (respondedMs - requestedMs) / 2
    const byMs = referenceMs - (requestedMs + uncertainMs) - this.#offsetMs
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
