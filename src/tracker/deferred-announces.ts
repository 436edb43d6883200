/**
 * Announces whose response is deferred. Beside them, only an election may delay a response.
 *
 * rtorrent uses the peers of one response for 300 s, so a response that comes too early is worth nothing to it. It
 * waits 120 s for a tracker (0.13.8; 60 s in 0.16), and after a failure announces again after 5, 10, 20, 40 … s (BEP 3
 * clients differ here; observed). Its announce is kept for some time, and then answered with a failure.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceReply } from '../core/announce.ts'
import type { Clock } from '../core/clock.ts'
import { Refusal } from '../core/errors.ts'
import { indexHash } from '../swarm/index-hash.ts'

/** Below the tracker timeout of every client. */
const DEFERRED_MS_MAX = 45_000
/** Each costs a connection and a decision per tick. Beyond this, an announce is answered with a failure at once. */
const DEFERRED_MAX = 5_000
/** Of one source: a tenth, so that one host does not take the place of all others. */
const DEFERRED_PER_SOURCE_MAX = 500
/** Attempts in one turn of the event loop: 10 ms where each decision takes 40 µs. */
const ATTEMPTS_PER_TURN = 250

/** The response, or undefined while it is too early. `waitedMs`: since the announce. Throws a `Refusal`. */
export type Attempt = (waitedMs: number) => AnnounceReply | Promise<AnnounceReply> | undefined

/** Keeps announces until their attempt has a response. */
export interface Deferral {
  /** False if `defer` would reject an announce of this source. */
  hasRoom(from: Address): boolean
  defer(attempt: Attempt, from: Address): Promise<AnnounceReply>
  tick(): void
  close(): void
}

interface Deferred {
  readonly attempt: Attempt
  readonly source: number
  readonly sinceMs: number
  readonly resolve: (reply: AnnounceReply | Promise<AnnounceReply>) => void
  readonly reject: (error: unknown) => void
}

export class DeferredAnnounces implements Deferral {
  readonly #clock: Clock
  readonly #afterTurn: (work: () => void) => void
  /** The oldest first. */
  readonly #deferred = new Set<Deferred>()
  readonly #bySource = new Map<number, number>()
  #isTicking = false

  constructor(clock: Clock, afterTurn: (work: () => void) => void = setImmediate) {
    this.#clock = clock
    this.#afterTurn = afterTurn
  }

  get size(): number {
    return this.#deferred.size
  }

  hasRoom(from: Address): boolean {
    if (this.#deferred.size === 0) return true
    const ofSource = this.#bySource.get(indexHash.source(from)) ?? 0
    return this.#deferred.size < DEFERRED_MAX && ofSource < DEFERRED_PER_SOURCE_MAX
  }

  /**
   * Resolves to the response of `attempt` once it gives one. Rejects with a `Refusal` after `DEFERRED_MS_MAX`, and at once
   * if there are too many.
   */
  async defer(attempt: Attempt, from: Address): Promise<AnnounceReply> {
    if (!this.hasRoom(from)) throw new Refusal('TRK_TOO_EARLY')
    const source = indexHash.source(from)
    this.#bySource.set(source, (this.#bySource.get(source) ?? 0) + 1)
    return new Promise((resolve, reject) => {
      this.#deferred.add({ attempt, source, sinceMs: this.#clock.nowMs(), resolve, reject })
    })
  }

  /** Attempts all again, in several turns of the event loop if there are many. Called about twice a second. */
  tick(): void {
    if (this.#isTicking) return
    this.#isTicking = true
    this.#attemptSome([...this.#deferred], 0)
  }

  /** Answers all with a failure, so that their clients try another node. */
  close(): void {
    for (const { reject } of this.#deferred) reject(new Refusal('TRK_TOO_EARLY'))
    this.#deferred.clear()
    this.#bySource.clear()
  }

  #attemptSome(round: readonly Deferred[], from: number): void {
    const nowMs = this.#clock.nowMs()
    const end = Math.min(round.length, from + ATTEMPTS_PER_TURN)
    for (const deferred of round.slice(from, end))
      if (this.#deferred.has(deferred) && this.#isAnswered(deferred, nowMs)) this.#remove(deferred)
    if (end < round.length) this.#afterTurn(() => this.#attemptSome(round, end))
    else this.#isTicking = false
  }

  #remove(deferred: Deferred): void {
    this.#deferred.delete(deferred)
    const ofSource = (this.#bySource.get(deferred.source) ?? 1) - 1
    if (ofSource === 0) this.#bySource.delete(deferred.source)
    else this.#bySource.set(deferred.source, ofSource)
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
