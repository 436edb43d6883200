/**
 * Site records of the table: of one row, and a snapshot of all rows in batches that are read lazily. The table may change
 * between two batches; each change is recorded where it is made.
 */
import { VERSIONS_PER_MS } from '../swarm/lease-version.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { Gateway } from '../swarm/gateway.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import { BatchWriter } from './record-codec.ts'
import type { LeaseRecord, PeerRef, RecordSink } from './records.ts'
import { RowWindow, WINDOW_ROWS } from './row-windows.ts'

/**
 * The size of a stream entry, of a snapshot block and of a slice of work: some 90 to 180 peers, which are applied in half a
 * millisecond, and nearly always in less than 3 (bench/pauses.ts).
 */
export const BATCH_BYTES = 8_192

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

/** Rows and swarms scanned between two batches: 2 ms, also where none of them is written. */
const SCANNED_MAX = WINDOW_ROWS

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
  const window = new RowWindow()
  // Where the log is not shared, no row is marked as locally observed.
  for (const isLocal of since === 'all' ? [true, false] : [true])
    for (let start = 0; start < table.rows.end; start += WINDOW_ROWS) {
      const rowContext = { table, nowMs: context.nowMs() }
      const accepts = (row: number) => isIncluded(context, rowContext, row, isLocal, since)
      yield window.read(table, start, accepts)
      for (let index = 0; index < window.length; index++) {
        const row = window.row(index)
        // Other work may have run since the window was read.
        if (table.rows.isLive(row) && accepts(row)) {
          writer.peer(table.stateOf(row, rowContext.nowMs))
          writeObservation(writer, rowContext, row)
        }
        yield 1
      }
    }
}

function* writeRelations(writer: BatchWriter, context: SnapshotContext, since: Since): Generator<number> {
  yield* writeLeases(writer, context, since)
  const { table } = context
  const window = new RowWindow()
  // Two seeds are never introduced, so each introduction has an incomplete end. Where both ends are incomplete, the
  // lower row writes it.
  const accepts = (row: number) => table.rows.linkCount(row) > 0 && !table.rows.has(row, flags.seed)
  for (let start = 0; start < table.rows.end; start += WINDOW_ROWS) {
    const rowContext = { table, nowMs: context.nowMs() }
    const isRecent = (end: number) => since === 'all' || isObservedSince(rowContext, end, since.sinceMs)
    yield window.read(table, start, accepts)
    for (let index = 0; index < window.length; index++) {
      const row = window.row(index)
      if (table.rows.isLive(row) && accepts(row))
        writeIntroductions(writer, rowContext, row, (other) => {
          const isWriter = row < other || table.rows.has(other, flags.seed)
          return isWriter && (isRecent(row) || isRecent(other))
        })
      yield 1
    }
  }
}

function* writeLeases(writer: BatchWriter, context: SnapshotContext, since: Since): Generator<number> {
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
  }
}

function* writeCompletions(writer: BatchWriter, { table }: SnapshotContext, since: Since): Generator<number> {
  for (const completions of table.completions.entries()) {
    if (since === 'all' || completions.lastAtMs >= since.sinceMs) writer.completion(completions)
    yield 1
  }
}

function isIncluded(
  { authority }: SnapshotContext,
  rowContext: RowContext,
  row: number,
  isLocal: boolean,
  since: Since,
): boolean {
  const { table, nowMs } = rowContext
  if (table.rows.isExpired(row, nowMs)) return false
  if (authority.isRemote(table.siteIndexOf(row))) return false
  if (since === 'all')
    return table.rows.has(row, flags.locallyObserved) === isLocal && !table.rows.logged.has(row)
  return isObservedSince(rowContext, row, since.sinceMs)
}

function isObservedSince({ table, nowMs }: RowContext, row: number, sinceMs: number): boolean {
  return table.rows.has(row, flags.locallyObserved) && table.rows.lastSeenMs(row, nowMs) >= sinceMs
}

/** Writes the hosts without a current lease; a lease record contains its own host. */
function writeGatewayHosts(
  writer: BatchWriter,
  { table, topology }: SnapshotContext,
  swarm: Swarm,
  sinceMs: number,
): void {
  for (const site of swarm.sites) {
    if (site.gatewayHostsEver === 0) continue
    const name = topology.value.sites[site.site]?.name
    if (name === undefined) continue
    const holders = new Set(site.gateways.map(({ row }) => table.leases.hostOf(row)))
    for (const [host, version] of site.gatewayHosts)
      if (!holders.has(host) && version >= VERSIONS_PER_MS * sinceMs)
        writer.gatewayHost({ infoHash: swarm.infoHash, site: name, host, version })
  }
}
