/**
 * What a site is to this one: `up` while its stream speaks, `stale` while it has just fallen silent and may be back in a
 * moment, `down` when nobody there can be reached. Only a cut site is decided for here: a node that restarts is no
 * reason to take over its clients, while those of a site whose nodes are all gone must not wait.
 */
import type { Clock } from '../core/clock.ts'

/** Three heartbeats: a busy node skips one. */
const STALE_MS = 3_000
/** What a client waits for its tracker before it tries the next one is several times this. */
const DOWN_MS = 5_000

export type ConnectionState = 'up' | 'stale' | 'down'

export class ConnectionStateMachine {
  readonly #clock: Clock
  #state: ConnectionState = 'down'
  #sinceMs: number
  #lastSeenMs = Number.NEGATIVE_INFINITY
  #isComplete = false
  #reason = 'nothing has been heard of it yet'

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock.nowMs()
  }

  get state(): ConnectionState {
    return this.#state
  }

  get sinceMs(): number {
    return this.#sinceMs
  }

  /** One clause for people. */
  get reason(): string {
    return this.#reason
  }

  /** How long it has been silent; undefined where it never spoke. */
  get ageSeconds(): number | undefined {
    if (this.#lastSeenMs < 0) return undefined
    return Math.max(0, (this.#clock.nowMs() - this.#lastSeenMs) / 1000)
  }

  /** Something came. */
  received(): void {
    this.#lastSeenMs = this.#clock.nowMs()
    if (this.#isComplete) this.#enter('up', 'its stream speaks')
  }

  /** It has said all. */
  complete(): void {
    this.#isComplete = true
    this.received()
  }

  /** The stream ended, for now. */
  broken(reason: string): void {
    this.#isComplete = false
    if (this.#state === 'down') this.#reason = reason
    else this.#enter('stale', reason)
  }

  /** None of its nodes can be reached. */
  unreachable(reason: string): void {
    this.#isComplete = false
    this.#enter('down', reason)
    this.#reason = reason
  }

  /** Now and then: silence, too, says something. Returns whether the site has been cut just now. */
  poll(): boolean {
    if (this.#state === 'down') return false
    const silentMs = this.#clock.nowMs() - this.#lastSeenMs
    if (silentMs >= DOWN_MS) {
      this.#enter('down', `silent for ${DOWN_MS / 1000} s`)
      return true
    }
    if (silentMs >= STALE_MS) this.#enter('stale', `silent for ${STALE_MS / 1000} s`)
    return false
  }

  #enter(state: ConnectionState, reason: string): void {
    if (this.#state === state) return
    this.#state = state
    this.#reason = reason
    this.#sinceMs = this.#clock.nowMs()
  }
}
