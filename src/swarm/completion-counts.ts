/**
 * Completions of each torrent: their number and the time of the last one. They outlive the swarm, which ends with its
 * last peer, because users expect `downloaded` never to shrink.
 */

import { infoHashKey } from '../core/info-hash.ts'

/** About 150 MB. Beyond it, the torrent with the oldest update is dropped. */
const TORRENTS_MAX = 1_000_000

export interface Completions {
  readonly count: number
  /** 0 where only the count is known. */
  readonly lastAtMs: number
}

/** `lastAtMs` without the shifts of the clock, and before all times where it is unknown. */
const NONE: Completions = { count: 0, lastAtMs: Number.NEGATIVE_INFINITY }

export class CompletionCounts {
  readonly #byTorrent = new Map<string, Completions>()
  /** Added to the times in the map. */
  #shiftedMs = 0

  get(infoHash: Buffer): Completions {
    return this.#shifted(this.#byTorrent.get(infoHashKey(infoHash)) ?? NONE)
  }

  /** Neither the count nor the time ever decreases. Returns the current values. */
  raise(infoHash: Buffer, { count, lastAtMs }: Completions): Completions {
    const key = infoHashKey(infoHash)
    const before = this.#byTorrent.get(key) ?? NONE
    const after = {
      count: Math.max(before.count, count),
      lastAtMs: lastAtMs > 0 ? Math.max(before.lastAtMs, lastAtMs - this.#shiftedMs) : before.lastAtMs,
    }
    this.#byTorrent.delete(key)
    this.#byTorrent.set(key, after)
    if (this.#byTorrent.size > TORRENTS_MAX)
      this.#byTorrent.delete(this.#byTorrent.keys().next().value as string)
    return this.#shifted(after)
  }

  *entries(): Generator<Completions & { readonly infoHash: Buffer }> {
    for (const [key, completions] of this.#byTorrent)
      yield { infoHash: Buffer.from(key, 'latin1'), ...this.#shifted(completions) }
  }

  /** The clock was shifted by this much, and all times are. */
  shiftTime(byMs: number): void {
    this.#shiftedMs += byMs
  }

  #shifted({ count, lastAtMs }: Completions): Completions {
    return { count, lastAtMs: Number.isFinite(lastAtMs) ? lastAtMs + this.#shiftedMs : 0 }
  }
}
