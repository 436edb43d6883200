/**
 * Site records of the table: of one row, and a snapshot of all rows in batches that are read lazily. The table may change
 * between two batches; each change is recorded where it is made.
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

/**
 * The size of a stream entry, of a snapshot block and of a slice of work: about 1,500 peers, which are applied in 2 ms.
 */
export const BATCH_BYTES = 65_536

/** The table as of now: times in rows are read as the nearest to it. */
export interface RowContext {
  readonly table: SwarmTable
  readonly nowMs: number
}

export function refOf({ table, nowMs }: RowContext, row: number, announcedAtMs?: number): PeerRef {
  const { rows } = table
  return {
    address: rows.address(row),
    port: rows.port(row),
    announcedAtMs: announcedAtMs ?? rows.lastSeenMs(row, nowMs),
  }
}

/** The lease of a gateway; undefined where it has none, or a tentative one. */
export function leaseOf(context: RowContext, row: number): LeaseRecord | undefined {
  const { table } = context
  const gateway = table.siteOf(row).gatewayOf(row)
  return gateway === undefined || gateway.isTentative ? undefined : leaseRecordOf(context, gateway)
}

/** The lease of a gateway, tentative or not: to other sites, a tentative one is a lease without an upstream. */
export function leaseRecordOf(context: RowContext, gateway: Gateway): LeaseRecord {
  const { row, isTentative, sinceMs, announcedAtMs, upstreamRow, upstreamAnnouncedAtMs, treeRank } = gateway
  const version = isTentative ? VERSIONS_PER_MS * sinceMs : gateway.version
  return {
    infoHash: context.table.swarmOf(row).infoHash,
    peer: refOf(context, row, announcedAtMs),
    sinceMs,
    version,
    endedBy: undefined,
    upstream: upstreamRow < 0 ? undefined : refOf(context, upstreamRow, upstreamAnnouncedAtMs),
    treeRank,
  }
}

/** Writes the observation of a row, if there is one. */
export function writeObservation(sink: RecordSink, { table, nowMs }: RowContext, row: number): void {
  const observation = table.observed.get(row, nowMs)
  if (observation === undefined) return
  const { rows } = table
  const { infoHash } = table.swarmOf(row)
  sink.observation({ infoHash, address: rows.address(row), port: rows.port(row), observation })
}

/** Writes the introductions of a row to the peers that `accepts` accepts. */
export function writeIntroductions(
  sink: RecordSink,
  context: RowContext,
  row: number,
  accepts: (other: number) => boolean,
): void {
  const { table, nowMs } = context
  const { introductions } = table
  for (let index = 0; index < introductions.count(row); index++) {
    const other = introductions.at(row, index)
    if (!accepts(other)) continue
    const [rowAnnouncedAtMs, otherAnnouncedAtMs] = introductions.announcedAtOfBoth(row, other, nowMs)
    const ends = [refOf(context, row, rowAnnouncedAtMs), refOf(context, other, otherAnnouncedAtMs)] as const
    sink.introduction({ infoHash: table.swarmOf(row).infoHash, ends })
  }
}

export interface SnapshotContext {
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly nowMs: () => number
  readonly node: Buffer
  /** The log of this site does not keep the peers of a remote site. */
  readonly authority: SiteAuthority
}

/** Rows scanned between two batches: 2 ms, also where none of them is written. */
const SCANNED_MAX = 20_000

/** `sinceMs` limits a snapshot to what this node itself observed or decided since then. */
export type Since = 'all' | { readonly sinceMs: number }

/**
 * Peers first, locally observed ones before others; then their introductions, leases and counts. `sinceMs` includes
 * records that are in the log already. A batch may be empty, so that the reader can let other work run after each
 * slice, however few records there are.
 */
export function* snapshotRecords(context: SnapshotContext, since: Since): Generator<Buffer> {
  const writer = new BatchWriter(context.node)
  let scanned = 0
  for (const write of [writePeers, writeRelations, writeCompletions])
    for (const rows of write(writer, context, since)) {
      scanned += rows
      if (writer.byteLength < BATCH_BYTES && scanned < SCANNED_MAX) continue
      yield writer.take(context.nowMs())
      scanned = 0
    }
  if (!writer.isEmpty) yield writer.take(context.nowMs())
}

/** Yields the number of rows scanned since the previous value, as the other writers do. */
function* writePeers(writer: BatchWriter, context: SnapshotContext, since: Since): Generator<number> {
  const { table } = context
  // Where the log is not shared, no row is marked as locally observed.
  for (const isLocal of since === 'all' ? [true, false] : [true])
    for (const swarm of table.swarms())
      for (const row of rowsOf(table, swarm)) {
        if (isIncluded(context, row, swarm, isLocal, since)) {
          writer.peer(table.stateOf(row, context.nowMs()))
          writeObservation(writer, { table, nowMs: context.nowMs() }, row)
        }
        yield 1
      }
}

function* writeRelations(writer: BatchWriter, context: SnapshotContext, since: Since): Generator<number> {
  const { table } = context
  const sinceMs = since === 'all' ? Number.NEGATIVE_INFINITY : since.sinceMs
  for (const swarm of table.swarms()) {
    for (const { gateways } of swarm.sites)
      for (const { row } of gateways) {
        const lease = leaseOf({ table, nowMs: context.nowMs() }, row)
        if (lease !== undefined && lease.version >= VERSIONS_PER_MS * sinceMs) writer.lease(lease)
      }
    writeGatewayHosts(writer, context, swarm, sinceMs)
    yield 1
    // Two seeds are never introduced, so each introduction has an incomplete end. Where both ends are incomplete, the
    // lower row writes it.
    for (const row of rowsOf(table, swarm, (role) => role !== 'seed')) {
      if (!isStillIn(table, row, swarm)) continue
      const rowContext = { table, nowMs: context.nowMs() }
      const isRecent = (end: number) => since === 'all' || isObservedSince(rowContext, end, sinceMs)
      writeIntroductions(writer, rowContext, row, (other) => {
        const isWriter = row < other || table.rows.has(other, flags.seed)
        return isWriter && (isRecent(row) || isRecent(other))
      })
      yield 1
    }
  }
}

function* writeCompletions(writer: BatchWriter, { table }: SnapshotContext, since: Since): Generator<number> {
  for (const completions of table.completions.entries()) {
    if (since === 'all' || completions.lastAtMs >= since.sinceMs) writer.completion(completions)
    yield 1
  }
}

function isIncluded(
  { table, nowMs, authority }: SnapshotContext,
  row: number,
  swarm: Swarm,
  isLocal: boolean,
  since: Since,
): boolean {
  if (!isStillIn(table, row, swarm) || table.rows.isExpired(row, nowMs())) return false
  if (authority.isRemote(table.siteIndexOf(row))) return false
  if (since === 'all')
    return table.rows.has(row, flags.locallyObserved) === isLocal && !table.rows.has(row, flags.logged)
  return isObservedSince({ table, nowMs: nowMs() }, row, since.sinceMs)
}

function isObservedSince({ table, nowMs }: RowContext, row: number, sinceMs: number): boolean {
  return table.rows.has(row, flags.locallyObserved) && table.rows.lastSeenMs(row, nowMs) >= sinceMs
}

/** Checks that the row was not removed from the swarm since it was listed: other work ran in between. */
function isStillIn(table: SwarmTable, row: number, swarm: Swarm): boolean {
  return table.rows.isLive(row) && table.swarmOf(row) === swarm
}

function rowsOf(table: SwarmTable, swarm: Swarm, hasRole = (_role: Role) => true): number[] {
  const rows: number[] = []
  for (const { lists } of swarm.sites)
    for (const list of lists) if (hasRole(list.role)) for (const row of list.all(table.rows)) rows.push(row)
  return rows
}

/** Writes the hosts without a current lease; a lease record contains its own host. */
function writeGatewayHosts(
  writer: BatchWriter,
  { table, topology }: SnapshotContext,
  swarm: Swarm,
  sinceMs: number,
): void {
  for (const site of swarm.sites) {
    const name = topology.value.sites[site.site]?.name
    if (name === undefined) continue
    const holders = new Set(site.gateways.map(({ row }) => table.leases.hostOf(row)))
    for (const [host, version] of site.gatewayHosts)
      if (!holders.has(host) && version >= VERSIONS_PER_MS * sinceMs)
        writer.gatewayHost({ infoHash: swarm.infoHash, site: name, host, version })
  }
}
