/**
 * How often each torrent was completed, and when last. Outlives the swarm, which is forgotten with its last peer,
 * while people expect `downloaded` to only ever grow.
 */

import { infoHashKey } from '../core/info-hash.ts'

/** Beyond this the torrent counted longest ago is forgotten: 150 MB of counts is enough. */
const TORRENTS_MAX = 1_000_000

export interface Completions {
  readonly count: number
  /** 0 where only the count is known. */
  readonly lastAtMs: number
}

const NONE: Completions = { count: 0, lastAtMs: 0 }

export class CompletionCounts {
  readonly #byTorrent = new Map<string, Completions>()

  get(infoHash: Buffer): Completions {
    return this.#byTorrent.get(infoHashKey(infoHash)) ?? NONE
  }

  /** Neither the count nor the time ever gets smaller. Returns what holds now. */
  raise(infoHash: Buffer, { count, lastAtMs }: Completions): Completions {
    const key = infoHashKey(infoHash)
    const before = this.#byTorrent.get(key) ?? NONE
    const after = {
      count: Math.max(before.count, count),
      lastAtMs: Math.max(before.lastAtMs, lastAtMs),
    }
    this.#byTorrent.delete(key)
    this.#byTorrent.set(key, after)
    if (this.#byTorrent.size > TORRENTS_MAX)
      this.#byTorrent.delete(this.#byTorrent.keys().next().value as string)
    return after
  }

  *entries(): Generator<Completions & { readonly infoHash: Buffer }> {
    for (const [key, completions] of this.#byTorrent)
      yield { infoHash: Buffer.from(key, 'latin1'), ...completions }
  }

  shiftTime(byMs: number): void {
    for (const [key, { count, lastAtMs }] of this.#byTorrent)
      if (lastAtMs > 0) this.#byTorrent.set(key, { count, lastAtMs: lastAtMs + byMs })
  }
}
