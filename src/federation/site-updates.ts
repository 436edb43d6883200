/**
 * The records of a batch of another site, as what it says of each torrent: its counts, its contacts, their leases. Times
 * come out in ours.
 */
import { VERSIONS_PER_MS } from '../swarm/lease-version.ts'
import type { PeerState } from '../swarm/peer-state.ts'
import type { LeaseRecord, PeerRef, RecordSink, SiteCountsRecord } from '../replication/records.ts'

/** A lease that is held, of the torrent that the update is about. */
export type HeldLease = Omit<LeaseRecord, 'infoHash' | 'endedBy'>

export interface SiteUpdate {
  readonly counts: SiteCountsRecord
  readonly peers: PeerState[]
  readonly leases: HeldLease[]
}

export class SiteUpdateReader implements RecordSink {
  readonly list: SiteUpdate[] = []
  readonly #behindMs: number

  /** `behindMs`: how much their clock is behind ours. */
  constructor(behindMs: number) {
    this.#behindMs = behindMs
  }

  siteCounts(counts: SiteCountsRecord): void {
    this.list.push({ counts, peers: [], leases: [] })
  }

  peer(state: PeerState): void {
    const shifted = this.#behindMs === 0 ? state : { ...state, lastSeenMs: state.lastSeenMs + this.#behindMs }
    this.#of(state.infoHash)?.peers.push(shifted)
  }

  lease({ infoHash, peer, upstream, sinceMs, version, treeRank, endedBy }: LeaseRecord): void {
    if (endedBy !== undefined) return
    this.#of(infoHash)?.leases.push({
      peer: this.#shifted(peer),
      upstream: upstream === undefined ? undefined : this.#shifted(upstream),
      sinceMs: sinceMs + this.#behindMs,
      // Of a lease that is held; see `Leases`.
      version: version + VERSIONS_PER_MS * this.#behindMs,
      treeRank,
    })
  }

  // What the nodes of one site tell each other is no business of another site.
  removed(): void {}
  introduction(): void {}
  gatewayHost(): void {}
  completion(): void {}

  /** Only what follows the counts of its torrent is of any use. A reader names a torrent by one view for all its records. */
  #of(infoHash: Buffer): SiteUpdate | undefined {
    const last = this.list.at(-1)
    return last?.counts.infoHash === infoHash ? last : undefined
  }

  #shifted(ref: PeerRef): PeerRef {
    return { ...ref, announcedAtMs: ref.announcedAtMs + this.#behindMs }
  }
}
