/**
 * Updates in a batch of a remote site: for each torrent its counts, its advertised peers, and their leases. Times are
 * converted to the time of this site.
 */
import { VERSIONS_PER_MS } from '../swarm/lease-version.ts'
import type { PeerState } from '../swarm/peer-state.ts'
import type { LeaseRecord, PeerRef, RecordSink, SiteCountsRecord } from '../replication/records.ts'

/** A held lease of the torrent of the update. */
export type HeldLease = Omit<LeaseRecord, 'infoHash' | 'endedBy'>

export interface SiteUpdate {
  readonly counts: SiteCountsRecord
  readonly peers: PeerState[]
  readonly leases: HeldLease[]
}

export class SiteUpdateReader implements RecordSink {
  readonly list: SiteUpdate[] = []
  readonly #behindMs: number

  /** `behindMs`: the clock of the remote site is this much behind ours. */
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
      // The version of a held lease contains a time; see `Leases`.
      version: version + VERSIONS_PER_MS * this.#behindMs,
      treeRank,
    })
  }

  // Records between nodes of one site; a remote site must not send them.
  removed(): void {}
  introduction(): void {}
  gatewayHost(): void {}
  completion(): void {}
  observation(): void {}
  carrierNode(): void {}
  carriage(): void {}

  /**
   * Ignores records without the counts of their torrent before them. All records of a torrent share one infohash view.
   */
  #of(infoHash: Buffer): SiteUpdate | undefined {
    const last = this.list.at(-1)
    return last?.counts.infoHash === infoHash ? last : undefined
  }

  #shifted(ref: PeerRef): PeerRef {
    return { ...ref, announcedAtMs: ref.announcedAtMs + this.#behindMs }
  }
}
