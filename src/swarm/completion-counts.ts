/**
 * How often each torrent was completed. Outlives the swarm, which is forgotten with its last peer, while people
 * expect `downloaded` to only ever grow.
 */

import { infoHashKey } from '../core/info-hash.ts'

/** Beyond this the torrent counted longest ago is forgotten: 100 MB of counts is enough. */
const TORRENTS_MAX = 1_000_000

export class CompletionCounts {
  readonly #counts = new Map<string, number>()

  get(infoHash: Buffer): number {
    return this.#counts.get(infoHashKey(infoHash)) ?? 0
  }

  /** Counts one more, and returns the new count. */
  add(infoHash: Buffer): number {
    const count = this.get(infoHash) + 1
    this.set(infoHash, count)
    return count
  }

  set(infoHash: Buffer, count: number): void {
    const key = infoHashKey(infoHash)
    this.#counts.delete(key)
    this.#counts.set(key, count)
    if (this.#counts.size > TORRENTS_MAX) this.#counts.delete(this.#counts.keys().next().value as string)
  }

  *entries(): Generator<{ readonly infoHash: Buffer; readonly count: number }> {
    for (const [key, count] of this.#counts) yield { infoHash: Buffer.from(key, 'latin1'), count }
  }
}
