/**
 * Limits for each source of announces, which is an IPv4 address or the /64 of an IPv6 address.
 *
 * Threat: one compromised host announces as fast as it can, with any infohash and any port. Without limits it takes the
 * CPU of the node and, within minutes, the whole swarm table. Each limit is a part of what the node has, so that several
 * such hosts leave room, and above what the hosts behind one NAT address need.
 */
import type { Address } from '../core/address.ts'
import { Refusal } from '../core/errors.ts'
import { indexHash } from '../swarm/index-hash.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import { LeakyBuckets } from './leaky-buckets.ts'

export interface SourceLimitsInit {
  /** Announces and scrapes a second. */
  readonly requestsPerSecond: number
  /** New torrents a minute: infohashes that no other peer announces. */
  readonly torrentsPerMinute: number
  /** Peers at the same time, in all torrents. */
  readonly peersMax: number
}

export class SourceLimits {
  readonly #limits: SourceLimitsInit
  readonly #requests: LeakyBuckets
  readonly #torrents: LeakyBuckets

  constructor(limits: SourceLimitsInit) {
    const { requestsPerSecond, torrentsPerMinute } = limits
    this.#limits = limits
    this.#requests = new LeakyBuckets({
      perSecond: requestsPerSecond,
      burst: requestsPerSecond,
    })
    this.#torrents = new LeakyBuckets({ perSecond: torrentsPerMinute / 60, burst: torrentsPerMinute })
  }

  /** Counts a request. Throws a `Refusal` above the limit. */
  request(from: Address, nowMs: number): void {
    if (!this.#requests.take(indexHash.source(from), nowMs))
      throw new Refusal('TRK_SOURCE_REQUESTS', `at most ${this.#limits.requestsPerSecond} a second`)
  }

  /** Counts a new peer, and its torrent where that is new too. Throws a `Refusal` above a limit. */
  newPeer(table: SwarmTable, infoHash: Buffer, from: Address, nowMs: number): void {
    const source = indexHash.source(from)
    if (table.sources.of(source) >= this.#limits.peersMax)
      throw new Refusal('TRK_SOURCE_PEERS', `at most ${this.#limits.peersMax}`)
    if (table.swarm(infoHash) === undefined && !this.#torrents.take(source, nowMs))
      throw new Refusal('TRK_SOURCE_TORRENTS', `at most ${this.#limits.torrentsPerMinute} a minute`)
  }
}
