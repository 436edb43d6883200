/**
 * The records of a batch of another site, as what it says of each torrent: its counts, its contacts, their leases. Times
 * come out in ours.
 */
import { VERSIONS_PER_MS } from '../swarm/lease-version.ts'
import type { PeerState } from '../swarm/peer-state.ts'
import type { LeaseRecord, PeerRef, RecordSink, SiteCountsRecord } from './site-records.ts'

export interface Saying {
  readonly counts: SiteCountsRecord
  readonly peers: PeerState[]
  readonly leases: LeaseRecord[]
}

export class Sayings implements RecordSink {
  readonly list: Saying[] = []
  readonly #behindMs: number

  /** `behindMs`: how much their clock is behind ours. */
  constructor(behindMs: number) {
    this.#behindMs = behindMs
  }

  siteCounts(counts: SiteCountsRecord): void {
    this.list.push({ counts, peers: [], leases: [] })
  }

  peer(state: PeerState): void {
    const shifted = this.#behindMs === 0 ? state : { ...state, heardAtMs: state.heardAtMs + this.#behindMs }
    this.#of(state.infoHash)?.peers.push(shifted)
  }

  lease(record: LeaseRecord): void {
    const { infoHash, peer, upstream, sinceMs } = record
    this.#of(infoHash)?.leases.push({
      ...record,
      peer: this.#shifted(peer),
      upstream: upstream === undefined ? undefined : this.#shifted(upstream),
      sinceMs: sinceMs + this.#behindMs,
      // Of a lease that is held; see `Leases`.
      version: record.version + VERSIONS_PER_MS * this.#behindMs,
    })
  }

  // What the nodes of one site tell each other is no business of another site.
  removed(): void {}
  link(): void {}
  gatewayHost(): void {}
  completion(): void {}

  /** Only what follows the counts of its torrent is of any use. */
  #of(infoHash: Buffer): Saying | undefined {
    const last = this.list.at(-1)
    return last?.counts.infoHash.equals(infoHash) === true ? last : undefined
  }

  #shifted(ref: PeerRef): PeerRef {
    return { ...ref, asOfMs: ref.asOfMs + this.#behindMs }
  }
}
