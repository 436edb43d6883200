/**
 * Announces that are better answered a little later: the only ones that wait, beside those that make a gateway.
 *
 * rtorrent uses what one answer tells it for 300 s, so an answer that comes too early is worth nothing to it. It
 * waits 120 s for a tracker (0.13.8; 60 s in 0.16), and, turned away, comes back after 5, 10, 20, 40 … s (BEP 3
 * clients differ here; observed). So it is kept for a while, and then told to come back.
 */
import type { AnnounceReply } from '../core/announce.ts'
import type { Clock } from '../core/clock.ts'
import { Refusal } from '../core/errors.ts'

/** Less than any client's patience with a tracker. */
const WAIT_MS_MAX = 45_000
/** Each costs a connection and a decision at every look. Whoever finds the room full is told to come back at once. */
const WAITING_MAX = 5_000

/** The answer, or undefined while there is none. `waitedMs`: since the announce came. Throws a `Refusal`. */
export type Attempt = (waitedMs: number) => AnnounceReply | Promise<AnnounceReply> | undefined

interface Waiting {
  readonly attempt: Attempt
  readonly sinceMs: number
  readonly resolve: (reply: AnnounceReply | Promise<AnnounceReply>) => void
  readonly reject: (error: unknown) => void
}

export class DeferredAnnounces {
  readonly #clock: Clock
  #waiting: Waiting[] = []

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get size(): number {
    return this.#waiting.length
  }

  /** Resolves to what `attempt` answers once it does. Rejects with a `Refusal` after a while. */
  async wait(attempt: Attempt): Promise<AnnounceReply> {
    if (this.#waiting.length >= WAITING_MAX) throw new Refusal('TRK_TOO_EARLY')
    return new Promise((resolve, reject) => {
      this.#waiting.push({ attempt, sinceMs: this.#clock.nowMs(), resolve, reject })
    })
  }

  /** Tries everybody again, whoever waits longest first. Called about twice a second. */
  tick(): void {
    const nowMs = this.#clock.nowMs()
    this.#waiting = this.#waiting.filter((waiting) => !this.#isAnswered(waiting, nowMs))
  }

  /** Sends everybody away, to come back to whoever is there then. */
  close(): void {
    for (const { reject } of this.#waiting.splice(0)) reject(new Refusal('TRK_TOO_EARLY'))
  }

  #isAnswered({ attempt, sinceMs, resolve, reject }: Waiting, nowMs: number): boolean {
    try {
      const reply = attempt(nowMs - sinceMs)
      if (reply !== undefined) resolve(reply)
      else if (nowMs - sinceMs >= WAIT_MS_MAX) reject(new Refusal('TRK_TOO_EARLY'))
      else return false
    } catch (error) {
      reject(error)
    }
    return true
  }
}
