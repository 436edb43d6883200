/**
 * Times at which peers stopped. An earlier record of such a peer that arrives late from another node does not restore
 * it.
 *
 * The key is a 32-bit hash with a secret of the process. A peer that shares it with one that stopped loses only a record from before that time, and
 * is recorded again with its next announce.
 */
import type { Address } from '../core/address.ts'
import { indexHash } from './index-hash.ts'
import { LIFETIME_SECONDS_MAX } from './peer-rows.ts'
import { RecentMap } from './recent-map.ts'

/**
 * About 40 MB. At least half of them are kept: the last 100 s at five thousand stops a second, while nodes lag
 * fractions of a second behind each other.
 */
const TOMBSTONES_MAX = 1_000_000

export class Tombstones {
  readonly #stoppedAtMs = new RecentMap<number, number>({
    entriesMax: TOMBSTONES_MAX,
    // Older states have expired.
    keptMs: LIFETIME_SECONDS_MAX * 1000,
  })
  /** Added to the times in the map. */
  #shiftedMs = 0

  /** Time of the peer's last stop; before all times if it is unknown. */
  of(infoHash: Buffer, address: Address, port: number): number {
    if (this.#stoppedAtMs.size === 0) return Number.NEGATIVE_INFINITY
    const stoppedAtMs = this.#stoppedAtMs.get(indexHash.peer(infoHash, address, port))
    return stoppedAtMs === undefined ? Number.NEGATIVE_INFINITY : stoppedAtMs + this.#shiftedMs
  }

  add(
    peer: { readonly infoHash: Buffer; readonly address: Address; readonly port: number },
    atMs: number,
  ): void {
    const key = indexHash.peer(peer.infoHash, peer.address, peer.port)
    const keptMs = atMs - this.#shiftedMs
    this.#stoppedAtMs.set(key, Math.max(keptMs, this.#stoppedAtMs.get(key) ?? keptMs), keptMs)
  }

  /** The clock was shifted by this much, and all times are. */
  shiftTime(byMs: number): void {
    this.#shiftedMs += byMs
  }
}
