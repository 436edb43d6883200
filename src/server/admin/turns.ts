/** Divides long work of a request into turns, between which announces are answered. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { elapsedMs } from '../../core/clock.ts'

/**
 * Announces wait no longer than that for the work. In turns of a third of a millisecond, the work waits for announces most of the
 * time.
 */
const TURN_MS = 2

export class Turns {
  readonly #nowMs: () => number
  #sinceMs: number

  constructor(nowMs: () => number = elapsedMs) {
    this.#nowMs = nowMs
    this.#sinceMs = nowMs()
  }

  get isOver(): boolean {
    return this.#nowMs() - this.#sinceMs >= TURN_MS
  }

  async next(): Promise<void> {
    await nextTurn()
    this.#sinceMs = this.#nowMs()
  }
}
