/**
 * When peers said that they stop. A record of such a peer from before, which another node sends late, does not
 * bring it back.
 *
 * Kept by 32 bits of a hash: a peer that shares them with one that stopped only loses a record that is older than
 * that moment, and is back with its next announce.
 */
import type { Address } from '../core/address.ts'
import { hashPeer } from './peer-hash.ts'
import { LIFETIME_SECONDS_MAX } from './peer-rows.ts'
import { RecentMap } from './recent-map.ts'

/**
 * About 40 MB. Half of them are kept for certain: those of the last 100 s when five thousand a second stop, while
 * nodes are fractions of a second behind each other.
 */
const TOMBSTONES_MAX = 1_000_000

export class Tombstones {
  readonly #stoppedAtMs = new RecentMap<number, number>({
    entriesMax: TOMBSTONES_MAX,
    // What was recorded earlier has expired.
    keptMs: LIFETIME_SECONDS_MAX * 1000,
  })

  /** When the peer stopped last; before all times where that is not known. */
  of(infoHash: Buffer, address: Address, port: number): number {
    if (this.#stoppedAtMs.size === 0) return Number.NEGATIVE_INFINITY
    return this.#stoppedAtMs.get(hashPeer(infoHash, address, port)) ?? Number.NEGATIVE_INFINITY
  }

  add(
    peer: { readonly infoHash: Buffer; readonly address: Address; readonly port: number },
    atMs: number,
  ): void {
    const key = hashPeer(peer.infoHash, peer.address, peer.port)
    this.#stoppedAtMs.set(key, Math.max(atMs, this.#stoppedAtMs.get(key) ?? atMs), atMs)
  }

  shiftTime(byMs: number): void {
    this.#stoppedAtMs.replace((atMs) => atMs + byMs)
  }
}
