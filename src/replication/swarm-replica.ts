/**
 * The swarm table of this node as one of several copies: tells the other nodes of the site what this one hears and
 * decides, and makes true here what they tell.
 *
 * What is recorded in one turn of the event loop goes out as one batch. A node that shares its log with nobody
 * records nothing. Peers whose time is over are not recorded: every node sees that by itself.
 *
 * Each announce says again what the log must not forget of its peer, its links and its lease: the log keeps no more
 * than the last lifetime.
 */
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { NODE_NUMBERS } from '../swarm/lease-version.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import { BATCH_BYTES, dump, leaseOf, refOf, writeLinks } from './table-records.ts'
import type { CompletionStore, LogSubscriber, SiteLog } from './site-store.ts'
import { RecordApplier } from './record-applier.ts'
import { BatchWriter, NODE_ID_BYTES, readBatch } from './record-codec.ts'
import type { RemovedRecord } from './records.ts'

export interface SwarmReplicaComponents {
  readonly table: SwarmTable
  readonly log: SiteLog
  readonly completions: CompletionStore
  /** The time of the site, in whole milliseconds; the tracker's clock too. */
  readonly clock: Clock
  readonly random: Random
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  /** Runs this after the current turn of the event loop. */
  readonly afterTurn?: (flush: () => void) => void
}

export class SwarmReplica implements LogSubscriber {
  readonly #parts: SwarmReplicaComponents
  readonly #node: Buffer
  readonly #writer: BatchWriter
  readonly #applier: RecordApplier
  #isFlushAsked = false
  #refusedBatches = 0

  constructor(parts: SwarmReplicaComponents) {
    this.#parts = parts
    this.#node = Buffer.from(Array.from({ length: NODE_ID_BYTES }, () => parts.random.below(256)))
    this.#writer = new BatchWriter(this.#node)
    parts.table.leases.decideAs(parts.random.below(NODE_NUMBERS))
    this.#applier = new RecordApplier({
      table: parts.table,
      topology: parts.topology,
      onSurplus: (row, version) => this.#writeLeaseEnd(row, 'surplus', version),
      authority: parts.authority,
    })
  }

  /** Batches that could not be read, or not whole, since the start. */
  get refusedBatches(): number {
    return this.#refusedBatches
  }

  apply(batch: Buffer): void {
    this.#applier.begin(this.#parts.clock.nowMs(), this.#parts.log.isShared)
    if (!readBatch(batch, this.#applier)) this.#refusedBatches++
  }

  dump(since: 'all' | { readonly sinceMs: number }): Iterable<Buffer> {
    const { table, topology, authority, clock } = this.#parts
    return dump({ table, topology, nowMs: () => clock.nowMs(), node: this.#node, authority }, since)
  }

  forgetLogged(): void {
    const { rows } = this.#parts.table
    for (let row = 0; row < rows.end; row++) if (rows.isLive(row)) rows.setFlag(row, flags.logged, false)
  }

  shiftTime(byMs: number): void {
    this.flush()
    this.#parts.table.shiftTime(byMs)
  }

  completed(infoHash: Buffer, count: number): void {
    this.#parts.table.complete(infoHash, { count, lastAtMs: 0 })
  }

  completionCounts(): Iterable<{ readonly infoHash: Buffer; readonly count: number }> {
    return this.#parts.table.completions.entries()
  }

  /** A peer that is in the table just now: what others said of it before it was known holds from now on. */
  applyPending(row: number): void {
    this.#applier.applyPending(row)
  }

  /** This node heard the peer itself and has answered it, with all that followed from it. */
  recordPeer(row: number): void {
    const { table, log } = this.#parts
    if (!log.isShared) return
    const { rows, introductions } = table
    rows.setFlag(row, flags.locallyObserved, true)
    rows.setFlag(row, flags.logged, false)
    const describing = this.#describing()
    // It was told of all of them once more: from now on they go back to this announce.
    introductions.renew(row)
    const site = table.siteOf(row)
    const gateway = site.gatewayOf(row)
    if (gateway !== undefined) table.leases.refresh(gateway, describing.nowMs)
    this.#writer.peer(table.stateOf(row, describing.nowMs))
    writeLinks(this.#writer, describing, row, () => true)
    const lease = leaseOf(describing, row)
    const host = site.gatewayHostsEver > 0 ? table.leases.hostOf(row) : 0
    const version = site.gatewayHosts.get(host)
    const name = this.#parts.topology.value.sites[site.site]?.name
    const { infoHash } = table.swarmOf(row)
    if (lease !== undefined) this.#writer.lease(lease)
    else if (version !== undefined && name !== undefined)
      this.#writer.gatewayHost({ infoHash, site: name, host, version })
    this.#written()
  }

  /** This node changed something of the lease of a gateway, such as whom it fetches from. */
  recordLease(row: number): void {
    if (!this.#parts.log.isShared) return
    const lease = leaseOf(this.#describing(), row)
    if (lease === undefined) return
    this.#writer.lease(lease)
    this.#written()
  }

  /** This node ended a lease; the peer must still be in the table. */
  recordLeaseEnd(row: number, cause: ElectionCause): void {
    if (!this.#parts.log.isShared) return
    const { table } = this.#parts
    this.#writeLeaseEnd(row, cause, table.leases.versionOf(table.leaseOf(row)))
  }

  recordRemoval(record: RemovedRecord): void {
    if (!this.#parts.log.isShared) return
    this.#writer.removed(record)
    this.#written()
  }

  /** A client that this node heard has finished; `client` is the hash of its identity. */
  recordCompletion(infoHash: Buffer, client: number): void {
    const { table, log, completions } = this.#parts
    completions.add(infoHash, client)
    if (!log.isShared) return
    this.#writer.completion({ infoHash, ...table.completions.get(infoHash) })
    this.#written()
  }

  /** Hands over what was recorded. Called by itself after each turn; by whoever stops the node, before it closes the store. */
  flush(): void {
    this.#isFlushAsked = false
    if (this.#writer.isEmpty) return
    this.#parts.log.append(this.#writer.take(this.#parts.clock.nowMs()))
  }

  #describing() {
    return { table: this.#parts.table, nowMs: this.#parts.clock.nowMs() }
  }

  #writeLeaseEnd(row: number, endedBy: ElectionCause, version: number): void {
    if (!this.#parts.log.isShared) return
    const describing = this.#describing()
    const { infoHash } = describing.table.swarmOf(row)
    const sinceMs = describing.nowMs
    const peer = refOf(describing, row)
    this.#writer.lease({ infoHash, peer, sinceMs, version, endedBy, upstream: undefined, treeRank: 0 })
    this.#written()
  }

  #written(): void {
    if (this.#writer.byteLength >= BATCH_BYTES) return this.flush()
    if (this.#isFlushAsked) return
    this.#isFlushAsked = true
    const { afterTurn = setImmediate } = this.#parts
    afterTurn(() => this.flush())
  }
}
