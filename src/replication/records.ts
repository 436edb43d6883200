/**
 * What the nodes of a site tell each other, as records: plain values, whose bytes are in `site-batch.ts`.
 *
 * Each may be applied in any order and twice. What says something of a peer names the announce of that peer which
 * it goes back to, because a peer that stopped and came back is another one as far as links and leases go.
 */
import type { Address } from '../core/address.ts'
import type { ElectionCause } from '../core/tracker-metrics.ts'
import type { PeerState } from '../swarm/peer-state.ts'

/** One peer of the torrent that the record is about, as of one of its announces. */
export interface PeerRef {
  readonly address: Address
  readonly port: number
  readonly announcedAtMs: number
}

export interface RemovedRecord {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
  readonly atMs: number
}

/** Two peers were introduced to each other. */
export interface LinkRecord {
  readonly infoHash: Buffer
  readonly ends: readonly [PeerRef, PeerRef]
}

/** The lease of one peer for its site; the latest version of a host and site stays. */
export interface LeaseRecord {
  readonly infoHash: Buffer
  readonly peer: PeerRef
  readonly sinceMs: number
  /** See `lease-version.ts`. */
  readonly version: number
  /** undefined while it is held. */
  readonly endedBy: ElectionCause | undefined
  /** Whom it fetches from, if anybody. */
  readonly upstream: PeerRef | undefined
  /** See `treeRank`. */
  readonly treeRank: number
}

/** A host was gateway of its site once; what is left of a lease when its peer is gone. */
export interface GatewayHostRecord {
  readonly infoHash: Buffer
  /** Name of the site: nodes number their sites as their own topology does. */
  readonly site: string
  /** See `hashAddress`. */
  readonly host: number
  readonly version: number
}

/** How often the torrent was completed by then, over all nodes as far as the writer knows. */
export interface CompletionRecord {
  readonly infoHash: Buffer
  readonly count: number
  readonly lastAtMs: number
}

/**
 * How many clients a site has in a torrent, and how much they still lack. In what sites tell each other it opens all
 * that the site says of the torrent.
 */
export interface SiteCountsRecord {
  readonly infoHash: Buffer
  readonly seeds: number
  readonly leechers: number
  readonly partial: number
  readonly leftKib: number
  /** How often clients of the site completed it. */
  readonly downloaded: number
}

/** Takes records: the writer of a batch, and whoever applies one. */
export interface RecordSink {
  peer(state: PeerState): void
  removed(record: RemovedRecord): void
  link(record: LinkRecord): void
  lease(record: LeaseRecord): void
  gatewayHost(record: GatewayHostRecord): void
  completion(record: CompletionRecord): void
  siteCounts(record: SiteCountsRecord): void
}
