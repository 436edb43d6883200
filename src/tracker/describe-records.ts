/**
 * What the table holds, as site records: of one row as it is now, and of everything, in batches that are read as
 * they are needed. The table may change between two of them; what changes is recorded by whoever changes it.
 */
import { VERSIONS_PER_MS } from '../swarm/lease-version.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { Gateway, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'
import { BatchWriter } from './site-batch.ts'
import type { LeaseRecord, PeerRef, RecordSink } from './site-records.ts'

/** A stream entry, a block of a snapshot and a slice of work: about 1,500 peers, which are applied in 2 ms. */
export const BATCH_BYTES = 65_536

/** Looks at a row as of now; all times here are within weeks of it. */
export interface Describing {
  readonly table: SwarmTable
  readonly nowMs: number
}

export function refOf({ table, nowMs }: Describing, row: number, asOfMs?: number): PeerRef {
  const { rows } = table
  return {
    address: rows.address(row),
    port: rows.port(row),
    asOfMs: asOfMs ?? rows.heardAtMs(row, nowMs),
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
  const { row, isTentative, sinceMs, asOfMs, upstreamRow, upstreamAsOfMs, treeOrder } = gateway
  const version = isTentative ? VERSIONS_PER_MS * sinceMs : gateway.version
  return {
    infoHash: describing.table.swarmOf(row).infoHash,
    peer: refOf(describing, row, asOfMs),
    sinceMs,
    version,
    endedBy: undefined,
    upstream: upstreamRow < 0 ? undefined : refOf(describing, upstreamRow, upstreamAsOfMs),
    treeOrder,
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
    const [rowAsOfMs, otherAsOfMs] = introductions.asOfBoth(row, other, nowMs)
    const ends = [refOf(describing, row, rowAsOfMs), refOf(describing, other, otherAsOfMs)] as const
    sink.link({ infoHash: table.swarmOf(row).infoHash, ends })
  }
}

export interface Dumping {
  readonly table: SwarmTable
  readonly topology: () => Topology
  readonly nowMs: () => number
  readonly node: Buffer
  /** Whether a site speaks for itself: what is known of its peers is not this site's to keep. */
  readonly isElsewhere: (siteIndex: number) => boolean
}

/**
 * Peers first, those that this node heard before others; then what is said of them: links, leases, counts. With
 * `sinceMs` only what this node itself heard or decided since, in the log or not.
 */
export function* dump(parts: Dumping, since: 'all' | { readonly sinceMs: number }): Generator<Buffer> {
  const { table } = parts
  const writer = new BatchWriter(parts.node)
  const sinceMs = since === 'all' ? Number.NEGATIVE_INFINITY : since.sinceMs
  for (const isHere of since === 'all' ? [true, false] : [true])
    for (const swarm of table.swarms())
      for (const row of rowsOf(table, swarm)) {
        if (!isWanted(parts, row, swarm, isHere, since)) continue
        writer.peer(table.stateOf(row, parts.nowMs()))
        if (writer.byteLength >= BATCH_BYTES) yield writer.take(parts.nowMs())
      }
  for (const swarm of table.swarms())
    for (const row of rowsOf(table, swarm)) {
      if (!isStill(table, row, swarm)) continue
      const describing = { table, nowMs: parts.nowMs() }
      const isRecent = (end: number) => isHeardSince(describing, end, sinceMs)
      const isOurs = since === 'all' || isRecent(row)
      // Each link once: from its lower row, or from its only recent one.
      writeLinks(writer, describing, row, (other) =>
        since === 'all' ? row < other : isOurs && (row < other || !isRecent(other)),
      )
      const lease = leaseOf(describing, row)
      if (lease !== undefined && lease.version >= VERSIONS_PER_MS * sinceMs) writer.lease(lease)
      if (writer.byteLength >= BATCH_BYTES) yield writer.take(parts.nowMs())
    }
  for (const swarm of table.swarms()) {
    writeGatewayHosts(writer, parts, swarm, sinceMs)
    if (writer.byteLength >= BATCH_BYTES) yield writer.take(parts.nowMs())
  }
  for (const completions of table.completions.entries()) {
    if (completions.lastAtMs < sinceMs) continue
    writer.completion(completions)
    if (writer.byteLength >= BATCH_BYTES) yield writer.take(parts.nowMs())
  }
  if (!writer.isEmpty) yield writer.take(parts.nowMs())
}

function isWanted(
  { table, nowMs, isElsewhere }: Dumping,
  row: number,
  swarm: Swarm,
  isHere: boolean,
  since: 'all' | { readonly sinceMs: number },
): boolean {
  if (!isStill(table, row, swarm) || table.rows.isExpired(row, nowMs())) return false
  if (isElsewhere(table.siteIndexOf(row))) return false
  if (since === 'all')
    return table.rows.has(row, flags.heardHere) === isHere && !table.rows.has(row, flags.logged)
  return isHeardSince({ table, nowMs: nowMs() }, row, since.sinceMs)
}

function isHeardSince({ table, nowMs }: Describing, row: number, sinceMs: number): boolean {
  return table.rows.has(row, flags.heardHere) && table.rows.heardAtMs(row, nowMs) >= sinceMs
}

/** Whether a row that was in the swarm is in it still: others had their turn meanwhile. */
function isStill(table: SwarmTable, row: number, swarm: Swarm): boolean {
  return table.rows.isLive(row) && table.swarmOf(row) === swarm
}

function rowsOf(table: SwarmTable, swarm: Swarm): number[] {
  return swarm.sites.flatMap((site) => site.lists.flatMap((list) => [...list.all(table.rows)]))
}

/** Those of hosts without a lease now; the others are in theirs. */
function writeGatewayHosts(writer: BatchWriter, parts: Dumping, swarm: Swarm, sinceMs: number): void {
  const { table, topology } = parts
  for (const site of swarm.sites) {
    const name = topology().sites[site.site]?.name
    if (name === undefined) continue
    const holders = new Set(site.gateways.map(({ row }) => table.leases.hostOf(row)))
    for (const [host, version] of site.gatewayHosts)
      if (!holders.has(host) && version >= VERSIONS_PER_MS * sinceMs)
        writer.gatewayHost({ infoHash: swarm.infoHash, site: name, host, version })
  }
}
