/**
 * What the table holds, as site records: of one row as it is now, and of everything, in batches that are read as
 * they are needed. The table may change between two of them; what changes is recorded by whoever changes it.
 */
import { VERSIONS_PER_MS } from '../swarm/lease-version.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { Role } from '../swarm/peer-state.ts'
import type { Gateway, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import { BatchWriter } from './record-codec.ts'
import type { LeaseRecord, PeerRef, RecordSink } from './records.ts'

/** A stream entry, a block of a snapshot and a slice of work: about 1,500 peers, which are applied in 2 ms. */
export const BATCH_BYTES = 65_536

/** Looks at a row as of now; all times here are within weeks of it. */
export interface Describing {
  readonly table: SwarmTable
  readonly nowMs: number
}

export function refOf({ table, nowMs }: Describing, row: number, announcedAtMs?: number): PeerRef {
  const { rows } = table
  return {
    address: rows.address(row),
    port: rows.port(row),
    announcedAtMs: announcedAtMs ?? rows.lastSeenMs(row, nowMs),
  }
}

/** The lease of a gateway; undefined where it has none that counts. */
export function leaseOf(describing: Describing, row: number): LeaseRecord | undefined {
  const { table } = describing
  const gateway = table.siteOf(row).gatewayOf(row)
  return gateway === undefined || gateway.isTentative ? undefined : leaseRecordOf(describing, gateway)
}

/** The same of one that may be tentative: to other sites it looks like one that has no upstream yet. */
export function leaseRecordOf(describing: Describing, gateway: Gateway): LeaseRecord {
  const { row, isTentative, sinceMs, announcedAtMs, upstreamRow, upstreamAnnouncedAtMs, treeRank } = gateway
  const version = isTentative ? VERSIONS_PER_MS * sinceMs : gateway.version
  return {
    infoHash: describing.table.swarmOf(row).infoHash,
    peer: refOf(describing, row, announcedAtMs),
    sinceMs,
    version,
    endedBy: undefined,
    upstream: upstreamRow < 0 ? undefined : refOf(describing, upstreamRow, upstreamAnnouncedAtMs),
    treeRank,
  }
}

/** The links of a row to those others that are wanted. */
export function writeLinks(
  sink: RecordSink,
  describing: Describing,
  row: number,
  isTold: (other: number) => boolean,
): void {
  const { table, nowMs } = describing
  const { introductions } = table
  for (let index = 0; index < introductions.count(row); index++) {
    const other = introductions.at(row, index)
    if (!isTold(other)) continue
    const [rowAnnouncedAtMs, otherAnnouncedAtMs] = introductions.announcedAtOfBoth(row, other, nowMs)
    const ends = [
      refOf(describing, row, rowAnnouncedAtMs),
      refOf(describing, other, otherAnnouncedAtMs),
    ] as const
    sink.link({ infoHash: table.swarmOf(row).infoHash, ends })
  }
}

export interface Dumping {
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly nowMs: () => number
  readonly node: Buffer
  /** The log of this site does not keep the peers of a remote site. */
  readonly authority: SiteAuthority
}

/** Rows looked at between two batches: 2 ms, also where nothing in them is to be told. */
const LOOKED_AT_MAX = 20_000

/**
 * Peers first, those that this node heard before others; then what is said of them: links, leases, counts. With
 * `sinceMs` only what this node itself heard or decided since, in the log or not. A batch may be empty: who reads
 * them one by one can let others run in between, however little there is to tell.
 */
export function* dump(parts: Dumping, since: 'all' | { readonly sinceMs: number }): Generator<Buffer> {
  const writer = new BatchWriter(parts.node)
  let lookedAt = 0
  for (const written of [writePeers, writeRelations, writeCompletions])
    for (const rows of written(writer, parts, since)) {
      lookedAt += rows
      if (writer.byteLength < BATCH_BYTES && lookedAt < LOOKED_AT_MAX) continue
      yield writer.take(parts.nowMs())
      lookedAt = 0
    }
  if (!writer.isEmpty) yield writer.take(parts.nowMs())
}

type Since = 'all' | { readonly sinceMs: number }

/** Each yields how many rows it has looked at since the last time. */
function* writePeers(writer: BatchWriter, parts: Dumping, since: Since): Generator<number> {
  const { table } = parts
  // Where nobody shares the log, no row is known to be heard here.
  for (const isHere of since === 'all' ? [true, false] : [true])
    for (const swarm of table.swarms())
      for (const row of rowsOf(table, swarm)) {
        if (isWanted(parts, row, swarm, isHere, since)) writer.peer(table.stateOf(row, parts.nowMs()))
        yield 1
      }
}

function* writeRelations(writer: BatchWriter, parts: Dumping, since: Since): Generator<number> {
  const { table } = parts
  const sinceMs = since === 'all' ? Number.NEGATIVE_INFINITY : since.sinceMs
  for (const swarm of table.swarms()) {
    for (const { gateways } of swarm.sites)
      for (const { row } of gateways) {
        const lease = leaseOf({ table, nowMs: parts.nowMs() }, row)
        if (lease !== undefined && lease.version >= VERSIONS_PER_MS * sinceMs) writer.lease(lease)
      }
    writeGatewayHosts(writer, parts, swarm, sinceMs)
    yield 1
    // Two complete peers have no link, so each link has an end that is none; from its lower one if both are none.
    for (const row of rowsOf(table, swarm, (role) => role !== 'seed')) {
      if (!isStill(table, row, swarm)) continue
      const describing = { table, nowMs: parts.nowMs() }
      const isRecent = (end: number) => since === 'all' || isHeardSince(describing, end, sinceMs)
      writeLinks(writer, describing, row, (other) => {
        const isFromHere = row < other || table.rows.has(other, flags.seed)
        return isFromHere && (isRecent(row) || isRecent(other))
      })
      yield 1
    }
  }
}

function* writeCompletions(writer: BatchWriter, { table }: Dumping, since: Since): Generator<number> {
  for (const completions of table.completions.entries()) {
    if (since === 'all' || completions.lastAtMs >= since.sinceMs) writer.completion(completions)
    yield 1
  }
}

function isWanted(
  { table, nowMs, authority }: Dumping,
  row: number,
  swarm: Swarm,
  isHere: boolean,
  since: Since,
): boolean {
  if (!isStill(table, row, swarm) || table.rows.isExpired(row, nowMs())) return false
  if (authority.isRemote(table.siteIndexOf(row))) return false
  if (since === 'all')
    return table.rows.has(row, flags.locallyObserved) === isHere && !table.rows.has(row, flags.logged)
  return isHeardSince({ table, nowMs: nowMs() }, row, since.sinceMs)
}

function isHeardSince({ table, nowMs }: Describing, row: number, sinceMs: number): boolean {
  return table.rows.has(row, flags.locallyObserved) && table.rows.lastSeenMs(row, nowMs) >= sinceMs
}

/** Whether a row that was in the swarm is in it still: others had their turn meanwhile. */
function isStill(table: SwarmTable, row: number, swarm: Swarm): boolean {
  return table.rows.isLive(row) && table.swarmOf(row) === swarm
}

function rowsOf(table: SwarmTable, swarm: Swarm, isOfInterest = (_role: Role) => true): number[] {
  const rows: number[] = []
  for (const { lists } of swarm.sites)
    for (const list of lists)
      if (isOfInterest(list.role)) for (const row of list.all(table.rows)) rows.push(row)
  return rows
}

/** Those of hosts without a lease now; the others are in theirs. */
function writeGatewayHosts(writer: BatchWriter, parts: Dumping, swarm: Swarm, sinceMs: number): void {
  const { table, topology } = parts
  for (const site of swarm.sites) {
    const name = topology.value.sites[site.site]?.name
    if (name === undefined) continue
    const holders = new Set(site.gateways.map(({ row }) => table.leases.hostOf(row)))
    for (const [host, version] of site.gatewayHosts)
      if (!holders.has(host) && version >= VERSIONS_PER_MS * sinceMs)
        writer.gatewayHost({ infoHash: swarm.infoHash, site: name, host, version })
  }
}
