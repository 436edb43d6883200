/**
 * The port through which the program reads the time, so that tests and the simulator can control it.
 */

export interface Clock {
  /** Milliseconds since 1970, UTC. May step when the clock of the machine is set. */
  nowMs(): number
}

export const systemClock: Clock = { nowMs: () => Date.now() }

/** Milliseconds of a monotonic clock: for durations, not for points in time. */
export const elapsedMs = (): number => performance.now()

/** A clock that moves only by `advanceMs`. */
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
