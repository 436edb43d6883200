/**
 * Applies site records to the table. The result does not depend on their order, nor on how often each is applied.
 *
 * Two rules ensure that. The latest state of a peer, a lease or a count wins. And a record that refers to a peer that is
 * missing, or present only as of an earlier announce, stays pending until that announce arrives: a log is trimmed by
 * age, and introductions outlast that age, so a replay finds some of them before their peers.
 */
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { gatewaysMax } from '../topology/topology.ts'
import { surplusVersion } from '../swarm/lease-version.ts'
import type { Upstream } from '../swarm/leases.ts'
import { indexHash } from '../swarm/index-hash.ts'
import { hashAddress } from '../swarm/peer-hash.ts'
import { flags } from '../swarm/peer-rows.ts'
import { observePeer } from '../swarm/observe-peer.ts'
import type { PeerState } from '../swarm/peer-state.ts'
import { RecentMap } from '../swarm/recent-map.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import type { BatchHeader } from './record-reader.ts'
import type { SiteCarriers } from './site-carriers.ts'
import type {
  CarriageRecord,
  CarrierNodeRecord,
  CompletionRecord,
  GatewayHostRecord,
  IntroductionRecord,
  LeaseRecord,
  PeerRef,
  ObservationRecord,
  RecordSink,
  RemovedRecord,
} from './records.ts'

export interface RecordApplierComponents {
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  /** Called for each lease that ends here because the site has too many, before it ends. */
  readonly onSurplus: (row: number, version: number) => void
  /** Peers of a remote site are replicated by its own nodes only. */
  readonly authority: SiteAuthority
  readonly carriers: SiteCarriers
}

/** A record that is applied once its peer arrives. */
type PendingRecord =
  | { readonly kind: 'introduction'; readonly record: IntroductionRecord }
  | { readonly kind: 'lease'; readonly record: LeaseRecord }

/** Peers with pending records: some tens of megabytes. */
const PENDING_PEERS_MAX = 100_000
/** Pending records of one peer: more than it can have introductions. */
const PENDING_RECORDS_MAX = 32
/** The longest that a log can hold the record of a peer behind that of its introduction: one interval, and slack. */
const PENDING_MS = 3_600_000

/** Instead of a row: the peer has stopped since the record. */
const GONE = -1
/** Instead of a row: the announce that the record refers to has not arrived. */
const MISSING = -2

export class RecordApplier implements RecordSink {
  readonly #table: SwarmTable
  readonly #topology: CurrentTopology
  readonly #onSurplus: (row: number, version: number) => void
  readonly #authority: SiteAuthority
  readonly #carriers: SiteCarriers
  readonly #pending = new RecentMap<number, PendingRecord[]>({
    entriesMax: PENDING_PEERS_MAX,
    keptMs: PENDING_MS,
  })
  #nowMs = 0
  #isLogged = false
  #writer: BatchHeader | undefined

  constructor(components: RecordApplierComponents) {
    this.#table = components.table
    this.#topology = components.topology
    this.#onSurplus = components.onSurplus
    this.#authority = components.authority
    this.#carriers = components.carriers
  }

  /** Precedes the records of one batch. `isLogged`: they come from the log. `writer`: undefined where it is not known. */
  begin(nowMs: number, isLogged: boolean, writer: BatchHeader | undefined): void {
    this.#nowMs = nowMs
    this.#isLogged = isLogged
    this.#writer = writer
  }

  peer(state: PeerState): void {
    if (state.lastSeenMs + state.lifetimeSeconds * 1000 < this.#nowMs) return
    const place = this.#topology.value.locate(state.address)
    if (place < 0 || this.#authority.isRemote(this.#topology.value.places[place]?.site.index ?? -1)) return
    const { rows } = this.#table
    const swarm = this.#table.swarm(state.infoHash)
    const known = swarm === undefined ? -1 : this.#table.find(swarm, state.address, state.port)
    const isOtherAnnounce = known < 0 || rows.lastSeenMs(known, state.lastSeenMs) !== state.lastSeenMs
    const row = this.#table.put(state, place, known)
    if (row < 0) return
    if (isOtherAnnounce) rows.setFlag(row, flags.locallyObserved, false)
    rows.logged.set(row, this.#isLogged)
    this.applyPending(row)
  }

  removed({ infoHash, address, port, atMs }: RemovedRecord): void {
    this.#table.stop({ infoHash, address, port }, atMs)
  }

  introduction(record: IntroductionRecord): void {
    const { infoHash, ends } = record
    const row = this.#resolve(infoHash, ends[0])
    const other = this.#resolve(infoHash, ends[1])
    if (row === GONE || other === GONE) return
    if (row === MISSING) return this.#defer(infoHash, ends[0], { kind: 'introduction', record })
    if (other === MISSING) return this.#defer(infoHash, ends[1], { kind: 'introduction', record })
    if (row === other || (this.#table.rows.has(row, flags.seed) && this.#table.rows.has(other, flags.seed)))
      return
    this.#table.introductions.linkAt(row, other, ends[0].announcedAtMs, ends[1].announcedAtMs)
  }

  lease(record: LeaseRecord): void {
    const { infoHash, peer, version, endedBy } = record
    const site = this.#topology.value.places[this.#topology.value.locate(peer.address)]?.site
    if (site === undefined) return
    const host = hashAddress(peer.address)
    if (version < this.#table.gatewayVersion(infoHash, site.index, host)) return
    this.#table.rememberGatewayHost(infoHash, site.index, { host, version })
    if (endedBy !== undefined) return this.#endLease(record, endedBy)

    const row = this.#resolve(infoHash, peer)
    if (row === MISSING) this.#defer(infoHash, peer, { kind: 'lease', record })
    if (row < 0 || this.#table.roleOf(row) !== 'leecher')
      return this.#endSuperseded(infoHash, site.index, host, version)
    this.#merge(row, record)
    this.#endSurplus(row, gatewaysMax(this.#topology.value, site.index))
  }

  gatewayHost({ infoHash, site, host, version }: GatewayHostRecord): void {
    const index = this.#topology.value.siteNamed(site)?.index
    if (index === undefined || version < this.#table.gatewayVersion(infoHash, index, host)) return
    this.#endSuperseded(infoHash, index, host, version)
    this.#table.rememberGatewayHost(infoHash, index, { host, version })
  }

  /** Sent between sites only. */
  siteCounts(): void {}

  /** Dropped for an unknown peer: the node that observes it records the observation again with each announce. */
  observation({ infoHash, address, port, observation }: ObservationRecord): void {
    const table = this.#table
    const swarm = table.swarm(infoHash)
    const row = swarm === undefined ? -1 : table.find(swarm, address, port)
    if (row >= 0) observePeer(table, row, observation)
  }

  completion({ infoHash, count, lastAtMs }: CompletionRecord): void {
    this.#table.complete(infoHash, { count, lastAtMs })
  }

  carrierNode(record: CarrierNodeRecord): void {
    if (this.#writer !== undefined)
      this.#carriers.noteNode(this.#writer.node, record, this.#writer.atMs, this.#nowMs)
  }

  carriage(record: CarriageRecord): void {
    if (this.#writer !== undefined)
      this.#carriers.noteCarriage(this.#writer.node, record, this.#writer.atMs, this.#nowMs)
  }

  /** Applies the pending records of this peer. */
  applyPending(row: number): void {
    if (this.#pending.size === 0) return
    const key = this.#table.keyOf(row)
    const pending = this.#pending.get(key)
    if (pending === undefined) return
    this.#pending.delete(key)
    for (const each of pending)
      if (each.kind === 'introduction') this.introduction(each.record)
      else this.lease(each.record)
  }

  /** The row of the peer as of that announce or a later one; `GONE` or `MISSING`. */
  #resolve(infoHash: Buffer, { address, port, announcedAtMs }: PeerRef): number {
    if (this.#table.tombstones.of(infoHash, address, port) >= announcedAtMs) return GONE
    const swarm = this.#table.swarm(infoHash)
    const row = swarm === undefined ? -1 : this.#table.find(swarm, address, port)
    return row < 0 || this.#table.rows.lastSeenMs(row, announcedAtMs) < announcedAtMs ? MISSING : row
  }

  #defer(infoHash: Buffer, peer: PeerRef, pending: PendingRecord): void {
    const key = indexHash.peer(infoHash, peer.address, peer.port)
    const before = this.#pending.get(key) ?? []
    const after = [...before.slice(-PENDING_RECORDS_MAX + 1), withOwnInfoHash(pending)]
    this.#pending.set(key, after, this.#nowMs)
  }

  #endLease({ infoHash, peer, version }: LeaseRecord, cause: ElectionCause): void {
    const swarm = this.#table.swarm(infoHash)
    const row = swarm === undefined ? -1 : this.#table.find(swarm, peer.address, peer.port)
    if (row >= 0) this.#table.leases.end(this.#table.leaseOf(row), cause, version)
  }

  /** Ends the lease that an older decision gave the host: by a later one, the host does not hold it here. */
  #endSuperseded(infoHash: Buffer, siteIndex: number, host: number, version: number): void {
    const site = this.#table.swarm(infoHash)?.site(siteIndex)
    const gateway = site?.gateways.find(({ row }) => this.#table.leases.hostOf(row) === host)
    if (gateway === undefined || gateway.isTentative || gateway.version >= version) return
    this.#table.leases.end(this.#table.leaseOf(gateway.row), 'stopped')
  }

  #merge(row: number, record: LeaseRecord): void {
    const { sinceMs, version, peer, treeRank } = record
    const upstream = this.#upstreamOf(record)
    const decision = { sinceMs, version, announcedAtMs: peer.announcedAtMs, treeRank, upstream }
    this.#table.leases.merge(this.#table.leaseOf(row), decision)
    this.#table.touch(row)
  }

  /** undefined where the record has no upstream, or where that is not in the table; a missing one defers the record. */
  #upstreamOf(record: LeaseRecord): Upstream | undefined {
    const { infoHash, upstream } = record
    if (upstream === undefined) return undefined
    const row = this.#resolve(infoHash, upstream)
    if (row === MISSING) this.#defer(infoHash, upstream, { kind: 'lease', record })
    return row < 0 ? undefined : { row, announcedAtMs: upstream.announcedAtMs }
  }

  /** Every node ends the same leases, with the same version. */
  #endSurplus(row: number, leasesMax: number): void {
    for (const gateway of this.#table.leases.surplus(this.#table.siteOf(row), leasesMax)) {
      const version = surplusVersion(gateway.version)
      this.#onSurplus(gateway.row, version)
      this.#table.leases.end(this.#table.leaseOf(gateway.row), 'surplus', version)
    }
  }
}

/** The infohash of a record is a view into its batch; a copy keeps the batch out of memory. */
function withOwnInfoHash(pending: PendingRecord): PendingRecord {
  const infoHash = Buffer.from(pending.record.infoHash)
  return pending.kind === 'introduction'
    ? { kind: 'introduction', record: { ...pending.record, infoHash } }
    : { kind: 'lease', record: { ...pending.record, infoHash } }
}
