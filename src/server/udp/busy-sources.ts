/**
 * Datagrams of sources that send many, which are answered after those of all others: in the time that is left of each turn of
 * the event loop.
 *
 * Threat: one host announces as fast as it can, within its limits. An announce costs up to a third of a millisecond where it
 * creates a torrent in a full table, so that a few thousand a second take the whole node, and the kernel drops the datagrams of
 * others. A limit that excludes this would refuse the hosts of a site behind one address, which announce together. This
 * order costs them nothing while the node has time.
 *
 * A turn reads 32 datagrams (libuv), which takes four tenths of a millisecond, and answers waiting ones for three tenths:
 * the kernel then drops none of 20,000 a second, also where the node has half of a processor.
 */
import type { Address } from '../../core/address.ts'
import { type Clock, elapsedMs } from '../../core/clock.ts'
import { RecentSources } from './recent-sources.ts'

/** In a tenth of a second. */
const DATAGRAMS_AT_ONCE = 50
/** A source that has more waiting for it than the node answers in some tenths of a second is too fast. */
const WAITING_MAX = 2_000
const TURN_MS = 0.3

export class BusySources {
  readonly #recent: RecentSources
  readonly #afterTurn: (work: () => void) => void
  readonly #waiting: (() => void)[] = []
  #isScheduled = false
  #dropped = 0

  constructor(clock: Clock, afterTurn: (work: () => void) => void = setImmediate) {
    this.#recent = new RecentSources(clock)
    this.#afterTurn = afterTurn
  }

  /** Datagrams that were not answered, because as many as may were waiting. */
  get dropped(): number {
    return this.#dropped
  }

  /** Answers at once, or later for a source that has sent many. */
  take(from: Address, answer: () => void): void {
    if (this.#recent.add(from) <= DATAGRAMS_AT_ONCE) return answer()
    if (this.#waiting.length >= WAITING_MAX) {
      this.#dropped++
      return
    }
    this.#waiting.push(answer)
    this.#schedule()
  }

  #schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#afterTurn(() => this.#answerWaiting())
  }

  #answerWaiting(): void {
    this.#isScheduled = false
    const endMs = elapsedMs() + TURN_MS
    let answered = 0
    for (const answer of this.#waiting) {
      answer()
      answered++
      if (elapsedMs() >= endMs) break
    }
    this.#waiting.splice(0, answered)
    if (this.#waiting.length > 0) this.#schedule()
  }
}
