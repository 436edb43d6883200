/**
 * Makes site records true in the table. In whatever order they come, and however often, the table is the same.
 *
 * Two things make it so: the later state of a peer, a lease or a count stays; and what says something of a peer that
 * is not known yet, or only as it was before, waits for it. A log is trimmed by age while links last, so a node that
 * replays it finds some of them before their ends.
 */
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { gatewaysMax } from '../topology/topology.ts'
import { surplusVersion } from '../swarm/lease-version.ts'
import type { Upstream } from '../swarm/leases.ts'
import { hashAddress, hashPeer } from '../swarm/peer-hash.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { PeerState } from '../swarm/peer-state.ts'
import { RecentMap } from '../swarm/recent-map.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import type {
  CompletionRecord,
  GatewayHostRecord,
  LeaseRecord,
  LinkRecord,
  PeerRef,
  RecordSink,
  RemovedRecord,
} from './records.ts'

export interface RecordApplierParts {
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  /** Called for each lease that ends here because the site has too many, while it can still be described. */
  readonly onSurplus: (row: number, version: number) => void
  /** Peers of a remote site are replicated by its own nodes only. */
  readonly authority: SiteAuthority
}

/** A record that waits for a peer. */
type Waiting =
  | { readonly kind: 'link'; readonly record: LinkRecord }
  | { readonly kind: 'lease'; readonly record: LeaseRecord }

/** Peers that something waits for: some tens of megabytes. */
const AWAITED_MAX = 100_000
/** Records that wait for one peer: more than it can have links. */
const WAITING_MAX = 32
/** As long as a log may hold the record of a peer behind that of its link: one interval of the longest, and slack. */
const WAITING_MS = 3_600_000

/** Instead of a row: the peer stopped since, or is not known as the record knows it. */
const GONE = -1
const AWAITED = -2

export class RecordApplier implements RecordSink {
  readonly #parts: RecordApplierParts
  readonly #waiting = new RecentMap<number, Waiting[]>({ entriesMax: AWAITED_MAX, keptMs: WAITING_MS })
  #nowMs = 0
  #isLogged = false

  constructor(parts: RecordApplierParts) {
    this.#parts = parts
  }

  /** Before the records of one batch. `isLogged`: they come from the log. */
  begin(nowMs: number, isLogged: boolean): void {
    this.#nowMs = nowMs
    this.#isLogged = isLogged
  }

  peer(state: PeerState): void {
    const { table, topology, authority } = this.#parts
    if (state.lastSeenMs + state.lifetimeSeconds * 1000 < this.#nowMs) return
    const place = topology.value.locate(state.address)
    if (place < 0 || authority.isRemote(topology.value.places[place]?.site.index ?? -1)) return
    const { rows } = table
    const swarm = table.swarm(state.infoHash)
    const known = swarm === undefined ? -1 : table.find(swarm, state.address, state.port)
    const isNews = known < 0 || rows.lastSeenMs(known, state.lastSeenMs) !== state.lastSeenMs
    const row = table.put(state, place, known)
    if (row < 0) return
    if (isNews) rows.setFlag(row, flags.locallyObserved, false)
    rows.setFlag(row, flags.logged, this.#isLogged)
    this.applyPending(row)
  }

  removed({ infoHash, address, port, atMs }: RemovedRecord): void {
    this.#parts.table.stop({ infoHash, address, port }, atMs)
  }

  link(record: LinkRecord): void {
    const { table } = this.#parts
    const { infoHash, ends } = record
    const row = this.#resolve(infoHash, ends[0])
    const other = this.#resolve(infoHash, ends[1])
    if (row === GONE || other === GONE) return
    if (row === AWAITED) return this.#wait(infoHash, ends[0], { kind: 'link', record })
    if (other === AWAITED) return this.#wait(infoHash, ends[1], { kind: 'link', record })
    if (row === other || (table.rows.has(row, flags.seed) && table.rows.has(other, flags.seed))) return
    table.introductions.linkAt(row, other, ends[0].announcedAtMs, ends[1].announcedAtMs)
  }

  lease(record: LeaseRecord): void {
    const { table, topology } = this.#parts
    const { infoHash, peer, version, endedBy } = record
    const site = topology.value.places[topology.value.locate(peer.address)]?.site
    if (site === undefined) return
    const host = hashAddress(peer.address)
    if (version < table.gatewayVersion(infoHash, site.index, host)) return
    table.rememberGatewayHost(infoHash, site.index, { host, version })
    if (endedBy !== undefined) return this.#endLease(record, endedBy)

    const row = this.#resolve(infoHash, peer)
    if (row === AWAITED) this.#wait(infoHash, peer, { kind: 'lease', record })
    if (row < 0 || table.roleOf(row) !== 'leecher')
      return this.#endSuperseded(infoHash, site.index, host, version)
    this.#merge(row, record)
    this.#endSurplus(row, gatewaysMax(topology.value, site.index))
  }

  gatewayHost({ infoHash, site, host, version }: GatewayHostRecord): void {
    const { table, topology } = this.#parts
    const index = topology.value.siteNamed(site)?.index
    if (index === undefined || version < table.gatewayVersion(infoHash, index, host)) return
    this.#endSuperseded(infoHash, index, host, version)
    table.rememberGatewayHost(infoHash, index, { host, version })
  }

  /** Only sites tell each other of these. */
  siteCounts(): void {}

  completion({ infoHash, count, lastAtMs }: CompletionRecord): void {
    this.#parts.table.complete(infoHash, { count, lastAtMs })
  }

  /** Applies what waited for this peer. */
  applyPending(row: number): void {
    if (this.#waiting.size === 0) return
    const { table } = this.#parts
    const key = table.keyOf(row)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return
    this.#waiting.delete(key)
    for (const each of waiting)
      if (each.kind === 'link') this.link(each.record)
      else this.lease(each.record)
  }

  /** The row of a peer as the record knows it or later, `GONE` or `AWAITED`. */
  #resolve(infoHash: Buffer, { address, port, announcedAtMs }: PeerRef): number {
    const { table } = this.#parts
    if (table.tombstones.of(infoHash, address, port) >= announcedAtMs) return GONE
    const swarm = table.swarm(infoHash)
    const row = swarm === undefined ? -1 : table.find(swarm, address, port)
    return row < 0 || table.rows.lastSeenMs(row, announcedAtMs) < announcedAtMs ? AWAITED : row
  }

  #wait(infoHash: Buffer, peer: PeerRef, waiting: Waiting): void {
    const key = hashPeer(infoHash, peer.address, peer.port)
    const before = this.#waiting.get(key) ?? []
    const after = [...before.slice(-WAITING_MAX + 1), keep(waiting)]
    this.#waiting.set(key, after, this.#nowMs)
  }

  #endLease({ infoHash, peer, version }: LeaseRecord, cause: ElectionCause): void {
    const { table } = this.#parts
    const swarm = table.swarm(infoHash)
    const row = swarm === undefined ? -1 : table.find(swarm, peer.address, peer.port)
    if (row >= 0) table.leases.end(table.leaseOf(row), cause, version)
  }

  /** A later decision about the host's lease is known, and by that one it holds none here. */
  #endSuperseded(infoHash: Buffer, siteIndex: number, host: number, version: number): void {
    const { table } = this.#parts
    const site = table.swarm(infoHash)?.site(siteIndex)
    const gateway = site?.gateways.find(({ row }) => table.leases.hostOf(row) === host)
    if (gateway === undefined || gateway.isTentative || gateway.version >= version) return
    table.leases.end(table.leaseOf(gateway.row), 'stopped')
  }

  #merge(row: number, record: LeaseRecord): void {
    const { table } = this.#parts
    const { sinceMs, version, peer, treeRank } = record
    const upstream = this.#upstreamOf(record)
    const decision = { sinceMs, version, announcedAtMs: peer.announcedAtMs, treeRank, upstream }
    table.leases.merge(table.leaseOf(row), decision)
    table.touch(row)
  }

  /** undefined where it names none, or one that is not here: a peer that is not known yet is awaited. */
  #upstreamOf(record: LeaseRecord): Upstream | undefined {
    const { infoHash, upstream } = record
    if (upstream === undefined) return undefined
    const row = this.#resolve(infoHash, upstream)
    if (row === AWAITED) this.#wait(infoHash, upstream, { kind: 'lease', record })
    return row < 0 ? undefined : { row, announcedAtMs: upstream.announcedAtMs }
  }

  /** Every node ends the same ones, with the same version. */
  #endSurplus(row: number, leasesMax: number): void {
    const { table, onSurplus } = this.#parts
    for (const gateway of table.leases.surplus(table.siteOf(row), leasesMax)) {
      const version = surplusVersion(gateway.version)
      onSurplus(gateway.row, version)
      table.leases.end(table.leaseOf(gateway.row), 'surplus', version)
    }
  }
}

/** For later: the infohash is a view into a batch that is not to stay in memory for it. */
function keep(waiting: Waiting): Waiting {
  const infoHash = Buffer.from(waiting.record.infoHash)
  return waiting.kind === 'link'
    ? { kind: 'link', record: { ...waiting.record, infoHash } }
    : { kind: 'lease', record: { ...waiting.record, infoHash } }
}
