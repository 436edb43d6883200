/**
 * Announces whose response is deferred. Beside them, only an election may delay a response.
 *
 * rtorrent uses the peers of one response for 300 s, so a response that comes too early is worth nothing to it. It
 * waits 120 s for a tracker (0.13.8; 60 s in 0.16), and after a failure announces again after 5, 10, 20, 40 … s (BEP 3
 * clients differ here; observed). Its announce is kept for some time, and then answered with a failure.
 */
import type { AnnounceReply } from '../core/announce.ts'
import type { Clock } from '../core/clock.ts'
import { Refusal } from '../core/errors.ts'

/** Below the tracker timeout of every client. */
const DEFERRED_MS_MAX = 45_000
/** Each costs a connection and a decision per tick. Beyond this, an announce is answered with a failure at once. */
const DEFERRED_MAX = 5_000

/** The response, or undefined while it is too early. `waitedMs`: since the announce. Throws a `Refusal`. */
export type Attempt = (waitedMs: number) => AnnounceReply | Promise<AnnounceReply> | undefined

interface Deferred {
  readonly attempt: Attempt
  readonly sinceMs: number
  readonly resolve: (reply: AnnounceReply | Promise<AnnounceReply>) => void
  readonly reject: (error: unknown) => void
}

export class DeferredAnnounces {
  readonly #clock: Clock
  #deferred: Deferred[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#deferred.length
  }

  /** Resolves to the response of `attempt` once it gives one. Rejects with a `Refusal` after `DEFERRED_MS_MAX`. */
  async defer(attempt: Attempt): Promise<AnnounceReply> {
    if (this.#deferred.length >= DEFERRED_MAX) throw new Refusal('TRK_TOO_EARLY')
    return new Promise((resolve, reject) => {
      this.#deferred.push({ attempt, sinceMs: this.#clock.nowMs(), resolve, reject })
    })
  }

  /** Attempts all again, the oldest first. Called about twice a second. */
  tick(): void {
    const nowMs = this.#clock.nowMs()
    this.#deferred = this.#deferred.filter((deferred) => !this.#isAnswered(deferred, nowMs))
  }

  /** Answers all with a failure, so that their clients try another node. */
  close(): void {
    for (const { reject } of this.#deferred.splice(0)) reject(new Refusal('TRK_TOO_EARLY'))
  }

  #isAnswered({ attempt, sinceMs, resolve, reject }: Deferred, nowMs: number): boolean {
    try {
      const reply = attempt(nowMs - sinceMs)
      if (reply !== undefined) resolve(reply)
      else if (nowMs - sinceMs >= DEFERRED_MS_MAX) reject(new Refusal('TRK_TOO_EARLY'))
      else return false
    } catch (error) {
      reject(error)
    }
    return true
  }
}
