/**
 * Time comes in through this port, so that tests and the simulator can own it.
 */

export interface Clock {
  /** Milliseconds since 1970, UTC. May step when the operator's machine is corrected. */
  nowMs(): number
}

export const systemClock: Clock = { nowMs: () => Date.now() }

/** Milliseconds since some moment, never stepping: for how long something took, not for when it was. */
export const elapsedMs = (): number => performance.now()

/** A clock that stands still until it is told to move. */
export class ManualClock implements Clock {
  #nowMs: number

  constructor(startMs = 1_700_000_000_000) {
    this.#nowMs = startMs
  }

  nowMs(): number {
    return this.#nowMs
  }

  advanceMs(byMs: number): void {
    this.#nowMs += byMs
  }
}
