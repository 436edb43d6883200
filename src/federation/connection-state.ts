/**
 * Liveness of a remote site: `up` while heartbeats arrive, `stale` while they have only just stopped, `down` when none of
 * its nodes is reachable. Only for a site that is down does this node decide: the restart of one node must not make this
 * site take over its clients, while the clients of a site without any live node must not wait.
 */
import type { Clock } from '../core/clock.ts'

/** Three heartbeats: a busy node skips one. */
const STALE_MS = 3_000
/** A client waits several times as long for its tracker before it tries the next one. */
const DOWN_MS = 5_000

export type ConnectionState = 'up' | 'stale' | 'down'

export class ConnectionStateMachine {
  readonly #clock: Clock
  #state: ConnectionState = 'down'
  #sinceMs: number
  #lastSeenMs = Number.NEGATIVE_INFINITY
  #isComplete = false
  #reason = 'no connection yet'

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

  /** The reason of the state, as a clause for people. */
  get reason(): string {
    return this.#reason
  }

  /** Time since the last message; undefined before the first one. */
  get ageSeconds(): number | undefined {
    if (this.#lastSeenMs < 0) return undefined
    return Math.max(0, (this.#clock.nowMs() - this.#lastSeenMs) / 1000)
  }

  /** A message arrived. */
  received(): void {
    this.#lastSeenMs = this.#clock.nowMs()
    if (this.#isComplete) this.#enter('up', 'heartbeats arrive')
  }

  /** The full state of the site has arrived. */
  complete(): void {
    this.#isComplete = true
    this.received()
  }

  /** The stream ended; another one may follow at once. */
  broken(reason: string): void {
    this.#isComplete = false
    if (this.#state === 'down') this.#reason = reason
    else this.#enter('stale', reason)
  }

  /** None of its nodes is reachable. */
  unreachable(reason: string): void {
    this.#isComplete = false
    this.#enter('down', reason)
    this.#reason = reason
  }

  /** Called at intervals, to detect missing heartbeats. Returns true when the site has just gone down. */
  poll(): boolean {
    if (this.#state === 'down') return false
    const silentMs = this.#clock.nowMs() - this.#lastSeenMs
    if (silentMs >= DOWN_MS) {
      this.#enter('down', `no message for ${DOWN_MS / 1000} s`)
      return true
    }
    if (silentMs >= STALE_MS) this.#enter('stale', `no message for ${STALE_MS / 1000} s`)
    return false
  }

  #enter(state: ConnectionState, reason: string): void {
    if (this.#state === state) return
    this.#state = state
    this.#reason = reason
    this.#sinceMs = this.#clock.nowMs()
  }
}
