/** Deferred announces of the simulation: it attempts each of them itself, in virtual time and in one turn of the event loop. */
import { assert } from '../core/assert.ts'
import type { AnnounceReply } from '../core/announce.ts'
import type { Clock } from '../core/clock.ts'
import type { Attempt, Deferral } from '../tracker/deferred-announces.ts'

interface Deferred {
  readonly attempt: Attempt
  readonly sinceMs: number
}

export class SimulatedDeferral implements Deferral {
  readonly #clock: Clock
  readonly #byHost = new Map<number, Deferred>()
  #last: Attempt | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  hasRoom(): boolean {
    return true
  }

  /** Called by the tracker. `keep` follows in the same turn. */
  defer(attempt: Attempt): Promise<AnnounceReply> {
    this.#last = attempt
    return new Promise(() => {})
  }

  /** The announce that was just deferred is that of this host. */
  keep(host: number): void {
    assert(this.#last !== undefined, 'a response that is not there yet was deferred')
    this.#byHost.set(host, { attempt: this.#last, sinceMs: this.#clock.nowMs() })
    this.#last = undefined
  }

  attempt(host: number): AnnounceReply | undefined {
    const deferred = this.#byHost.get(host)
    if (deferred === undefined) return undefined
    const reply = deferred.attempt(this.#clock.nowMs() - deferred.sinceMs)
    if (reply === undefined) return undefined
    assert(!(reply instanceof Promise), 'a tracker without other nodes responds synchronously')
    this.#byHost.delete(host)
    return reply
  }

  tick(): void {}

  close(): void {
    this.#byHost.clear()
  }
}
