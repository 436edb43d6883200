/**
 * Values in Redis that no node wrote, such as those of an operator, of another program or of an attacker.
 *
 * Threat: Redis holds any bytes. Each value is checked like a packet where it is read; an invalid one is skipped, counted
 * and logged, and neither ends the session nor hides the valid ones.
 */
import type { Log } from '../../core/log.ts'

/** One line for each kind of value in this time. */
const LOG_INTERVAL_MS = 60_000

export type StoredValue = 'secrets' | 'completions' | 'torrents' | 'overrides' | 'documents' | 'log'

export type OnInvalidValue = (value: StoredValue, problem: string) => void

export class InvalidValues {
  readonly #log: Log
  readonly #elapsedMs: () => number
  readonly #loggedAtMs = new Map<StoredValue, number>()
  #count = 0

  constructor(log: Log, elapsedMs: () => number) {
    this.#log = log
    this.#elapsedMs = elapsedMs
  }

  /** Since the start. */
  get count(): number {
    return this.#count
  }

  note(value: StoredValue, problem: string): void {
    this.#count++
    const nowMs = this.#elapsedMs()
    if (nowMs - (this.#loggedAtMs.get(value) ?? -Infinity) < LOG_INTERVAL_MS) return
    this.#loggedAtMs.set(value, nowMs)
    this.#log.warn(
      { event: 'store-value-invalid', value, problem },
      'a value in the store is invalid and was skipped',
    )
  }
}
