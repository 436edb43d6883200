/**
 * What a site is to this one: `up` while its stream speaks, `late` while it has just fallen silent and may be back in a
 * moment, `cut` when nobody there can be reached. Only a cut site is decided for here: a node that restarts is no
 * reason to take over its clients, while those of a site whose nodes are all gone must not wait.
 */
import type { Clock } from '../core/clock.ts'

/** Three heartbeats: a busy node skips one. */
const LATE_MS = 3_000
/** What a client waits for its tracker before it tries the next one is several times this. */
const CUT_MS = 5_000

export type RemoteState = 'up' | 'late' | 'cut'

export class RemoteStateMachine {
  readonly #clock: Clock
  #state: RemoteState = 'cut'
  #sinceMs: number
  #lastSeenMs = Number.NEGATIVE_INFINITY
  #isComplete = false
  #reason = 'nothing has been heard of it yet'

  constructor(clock: Clock) {
    this.#clock = clock
    this.#sinceMs = clock.nowMs()
  }

  get state(): RemoteState {
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
  heard(): void {
    this.#lastSeenMs = this.#clock.nowMs()
    if (this.#isComplete) this.#enter('up', 'its stream speaks')
  }

  /** It has said all. */
  complete(): void {
    this.#isComplete = true
    this.heard()
  }

  /** The stream ended, for now. */
  broken(reason: string): void {
    this.#isComplete = false
    if (this.#state === 'cut') this.#reason = reason
    else this.#enter('late', reason)
  }

  /** None of its nodes can be reached. */
  unreachable(reason: string): void {
    this.#isComplete = false
    this.#enter('cut', reason)
    this.#reason = reason
  }

  /** Now and then: silence, too, says something. Returns whether the site has been cut just now. */
  look(): boolean {
    if (this.#state === 'cut') return false
    const silentMs = this.#clock.nowMs() - this.#lastSeenMs
    if (silentMs >= CUT_MS) {
      this.#enter('cut', `silent for ${CUT_MS / 1000} s`)
      return true
    }
    if (silentMs >= LATE_MS) this.#enter('late', `silent for ${LATE_MS / 1000} s`)
    return false
  }

  #enter(state: RemoteState, reason: string): void {
    if (this.#state === state) return
    this.#state = state
    this.#reason = reason
    this.#sinceMs = this.#clock.nowMs()
  }
}
