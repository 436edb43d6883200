/** Completion counts of a site with one node. The node keeps them over a restart in its snapshot. */
import type { Clock } from '../../core/clock.ts'
import { infoHashKey } from '../../core/info-hash.ts'
import type { CompletionStore, LogSubscriber } from '../site-store.ts'

const ONCE_PER_MS = 60 * 60 * 1000

export class MemoryCompletions implements CompletionStore {
  readonly #clock: Clock
  readonly #counts = new Map<string, number>()
  /** Torrent and client → until when it is not counted again. Oldest first, because the period is the same for all. */
  readonly #counted = new Map<string, number>()
  #subscriber: LogSubscriber | undefined
  /** What the clock was shifted by: the times above do not change. */
  #shiftedMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  open(subscriber: LogSubscriber): void {
    this.#subscriber = subscriber
    // From the snapshot, which is complete: no other node counts.
    for (const { infoHash, count } of subscriber.completionCounts())
      this.#counts.set(infoHashKey(infoHash), count)
  }

  add(infoHash: Buffer, client: number): void {
    const nowMs = this.#clock.nowMs() - this.#shiftedMs
    for (const [key, untilMs] of this.#counted) {
      if (untilMs > nowMs) break
      this.#counted.delete(key)
    }
    const torrent = infoHashKey(infoHash)
    const key = `${torrent}${client >>> 0}`
    if (this.#counted.has(key)) return
    this.#counted.set(key, nowMs + ONCE_PER_MS)
    const count = (this.#counts.get(torrent) ?? 0) + 1
    this.#counts.set(torrent, count)
    this.#subscriber?.completed(infoHash, count)
  }

  shiftTime(byMs: number): void {
    this.#shiftedMs += byMs
  }
}
