/**
 * Records that the nodes of a site replicate: plain values; `record-codec.ts` has their bytes.
 *
 * Records may be applied in any order, and twice. A reference to a peer contains the time of the announce on which the
 * record is based: a peer that stopped and started again has none of its former introductions and leases.
 */
import type { Address } from '../core/address.ts'
import type { ElectionCause } from '../core/tracker-metrics.ts'
import type { PeerObservation } from '../swarm/observed-peers.ts'
import type { PeerState } from '../swarm/peer-state.ts'

/** One peer of the record's torrent, as of one of its announces. */
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
export interface IntroductionRecord {
  readonly infoHash: Buffer
  readonly ends: readonly [PeerRef, PeerRef]
}

/** The lease of one peer for its site; of a host and site, the latest version wins. */
export interface LeaseRecord {
  readonly infoHash: Buffer
  readonly peer: PeerRef
  readonly sinceMs: number
  /** See `lease-version.ts`. */
  readonly version: number
  /** undefined while it is held. */
  readonly endedBy: ElectionCause | undefined
  /** The peer that it fetches from, if there is one. */
  readonly upstream: PeerRef | undefined
  /** See `treeRank`. */
  readonly treeRank: number
}

/** A host was a gateway of its site once: the part of a lease that outlives its peer. */
export interface GatewayHostRecord {
  readonly infoHash: Buffer
  /** Name of the site: nodes number their sites as their own topology does. */
  readonly site: string
  /** See `hashAddress`. */
  readonly host: number
  readonly version: number
}

/** Completions of the torrent over all nodes, as far as the writer knows. */
export interface CompletionRecord {
  readonly infoHash: Buffer
  readonly count: number
  readonly lastAtMs: number
}

/**
 * Clients of a site in a torrent, and the bytes that they lack. In updates between sites it precedes the other records.
 */
export interface SiteCountsRecord {
  readonly infoHash: Buffer
  readonly seeds: number
  readonly leechers: number
  readonly partial: number
  readonly leftKib: number
  /** Completions by clients of the site. */
  readonly downloaded: number
}

/** The latest observation of a peer by the node that observes it. */
export interface ObservationRecord {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
  readonly observation: PeerObservation
}

/** The writer of the batch as a carrier. Part of its heartbeat while it carries. */
export interface CarrierNodeRecord {
  /** For people. */
  readonly name: string
  readonly isCarrying: boolean
  /** Addresses at which clients of the site connect to it, at most one of each family. */
  readonly endpoints: readonly CarrierEndpoint[]
}

export interface CarrierEndpoint {
  readonly address: Address
  readonly port: number
}

/**
 * `carried`: the content reaches the site through the writer of the batch. `settling`: the writer is about to find a
 * carrier to fetch from. `direct`: it found none, and gateways fetch. `ended`: another node may carry the torrent, in all
 * sites.
 */
export type CarriageState = 'carried' | 'settling' | 'direct' | 'ended'

/** The writer of the batch carries the torrent for a site. Repeated every few seconds. */
export interface CarriageRecord {
  readonly infoHash: Buffer
  readonly site: string
  readonly state: CarriageState
}

/** Receives records: the writer of a batch, and the reader that applies one. */
export interface RecordSink {
  peer(state: PeerState): void
  removed(record: RemovedRecord): void
  introduction(record: IntroductionRecord): void
  lease(record: LeaseRecord): void
  gatewayHost(record: GatewayHostRecord): void
  completion(record: CompletionRecord): void
  siteCounts(record: SiteCountsRecord): void
  observation(record: ObservationRecord): void
  carrierNode(record: CarrierNodeRecord): void
  carriage(record: CarriageRecord): void
}
