/**
 * The swarm table of this node as one of several replicas: records the announces and decisions of this node for the
 * other nodes of the site, and applies their records here.
 *
 * Records of one turn of the event loop leave as one batch. A node whose log is not shared records nothing. Expired
 * peers are not recorded: every node expires them by itself.
 *
 * The log keeps no more than the last lifetime. Each announce therefore records its peer, the introductions of that
 * peer, and its lease again.
 */
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { NODE_NUMBERS } from '../swarm/lease-version.ts'
import { hashAddress, hashWords } from '../swarm/peer-hash.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import {
  BATCH_BYTES,
  leaseOf,
  refOf,
  type RowContext,
  type Since,
  snapshotRecords,
  writeIntroductions,
  writeObservation,
} from './table-records.ts'
import type { CompletionStore, LogSubscriber, SiteLog } from './site-store.ts'
import { OwnRecords } from './own-records.ts'
import { RecordApplier } from './record-applier.ts'
import { BatchWriter } from './record-codec.ts'
import { readBatch, readBatchHeader } from './record-reader.ts'
import { NODE_ID_BYTES } from './record-layout.ts'
import { CARRIER_HEARTBEAT_MS, SiteCarriers } from './site-carriers.ts'
import { HEARTBEAT_MS, SiteMembers } from './site-members.ts'
import type { CarriageRecord, CarrierNodeRecord, RemovedRecord } from './records.ts'

export interface SwarmReplicaComponents {
  readonly table: SwarmTable
  readonly log: SiteLog
  readonly completions: CompletionStore
  /** The time of the site, in whole milliseconds; also the clock of the tracker. */
  readonly clock: Clock
  readonly random: Random
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  /** Runs this after the current turn of the event loop. */
  readonly afterTurn?: (flush: () => void) => void
}

export class SwarmReplica implements LogSubscriber {
  readonly #table: SwarmTable
  readonly #log: SiteLog
  readonly #completions: CompletionStore
  readonly #clock: Clock
  readonly #topology: CurrentTopology
  readonly #authority: SiteAuthority
  readonly #afterTurn: (flush: () => void) => void
  readonly #node: Buffer
  readonly #writer: BatchWriter
  readonly #applier: RecordApplier
  readonly #ownRecords: OwnRecords
  readonly #members: SiteMembers
  /** Of the site. */
  readonly carriers: SiteCarriers
  #carrierNode: CarrierNodeRecord | undefined
  #carrierWrittenMs = Number.NEGATIVE_INFINITY
  #isFlushScheduled = false
  #writtenMs = Number.NEGATIVE_INFINITY
  #refusedBatches = 0

  constructor(components: SwarmReplicaComponents) {
    this.#table = components.table
    this.#log = components.log
    this.#completions = components.completions
    this.#clock = components.clock
    this.#topology = components.topology
    this.#authority = components.authority
    this.#afterTurn = components.afterTurn ?? setImmediate
    this.#node = Buffer.from(Array.from({ length: NODE_ID_BYTES }, () => components.random.below(256)))
    this.#writer = new BatchWriter(this.#node)
    this.#members = new SiteMembers(this.#node)
    this.carriers = new SiteCarriers(this.#node)
    components.table.leases.decideAs(components.random.below(NODE_NUMBERS))
    this.#applier = new RecordApplier({
      table: components.table,
      topology: components.topology,
      onSurplus: (row, version) => this.#writeLeaseEnd(row, 'surplus', version),
      authority: components.authority,
      carriers: this.carriers,
    })
    this.#ownRecords = new OwnRecords(components.table, this.#applier)
  }

  /** 8 bytes, chosen at random by each process. */
  get nodeId(): Buffer {
    return this.#node
  }

  /** Batches that could not be decoded completely, since the start. */
  get refusedBatches(): number {
    return this.#refusedBatches
  }

  apply(batch: Buffer): void {
    const nowMs = this.#clock.nowMs()
    const writer = readBatchHeader(batch)
    this.#applier.begin(nowMs, this.#log.isShared, writer)
    if (writer !== undefined) {
      this.#members.note(writer.node, writer.atMs, nowMs)
      this.carriers.note(writer.node, writer.atMs, nowMs)
    }
    const isOwn = this.#log.isShared && writer?.node.equals(this.#node) === true
    if (!readBatch(batch, isOwn ? this.#ownRecords : this.#applier)) this.#refusedBatches++
  }

  snapshotRecords(since: Since): Iterable<Buffer> {
    return snapshotRecords(
      {
        table: this.#table,
        topology: this.#topology,
        nowMs: () => this.#clock.nowMs(),
        node: this.#node,
        authority: this.#authority,
      },
      since,
    )
  }

  forgetLogged(): void {
    this.#table.rows.logged.clear()
  }

  shiftTime(byMs: number): void {
    this.flush()
    this.#table.shiftTime(byMs)
  }

  completed(infoHash: Buffer, count: number): void {
    this.#table.complete(infoHash, { count, lastAtMs: 0 })
  }

  completionCounts(): Iterable<{ readonly infoHash: Buffer; readonly count: number }> {
    return this.#table.completions.entries()
  }

  /** Whether this node observes the client of a row. The live nodes of the site divide them. */
  observes(row: number): boolean {
    if (!this.#log.isShared) return true
    const { rows } = this.#table
    // A hash that all nodes compute alike; the indexes of each node have a key of their own.
    const key = hashWords(
      hashAddress(rows.address(row)),
      rows.port(row),
      this.#table.swarmOf(row).infoHash.readUInt32BE(0),
      0,
    )
    return this.#members.owns(key, this.#clock.nowMs())
  }

  /** Whether this node writes the shared documents of a torrent. The live nodes of the site divide the torrents. */
  ownsTorrent(infoHash: Buffer): boolean {
    return !this.#log.isShared || this.#members.owns(infoHash.readInt32BE(4), this.#clock.nowMs())
  }

  /** Shows the other nodes that this one is alive. Called at least once a second. */
  tick(): void {
    if (!this.#log.isShared) return
    const nowMs = this.#clock.nowMs()
    if (this.#carrierNode !== undefined && nowMs - this.#carrierWrittenMs >= CARRIER_HEARTBEAT_MS) {
      this.#carrierWrittenMs = nowMs
      this.#writer.carrierNode(this.#carrierNode)
    } else if (nowMs - this.#writtenMs < HEARTBEAT_MS) return
    this.#writtenMs = nowMs
    this.#log.append(this.#writer.take(nowMs))
  }

  /** From now on part of the heartbeat of this node. */
  describeCarrier(record: CarrierNodeRecord): void {
    this.carriers.isCarrying = record.isCarrying
    this.#carrierNode = record
    this.#carrierWrittenMs = Number.NEGATIVE_INFINITY
    this.tick()
  }

  /** This node carries a torrent, or does not any more. */
  recordCarriage(record: CarriageRecord): void {
    if (!this.#log.isShared) return
    this.#writer.carriage(record)
    this.#scheduleFlush()
  }

  /** The peer has been added to the table: applies the records that arrived before it. */
  applyPending(row: number): void {
    this.#applier.applyPending(row)
  }

  /** This node received an announce of the peer, and has applied the decisions of its response. */
  recordPeer(row: number): void {
    if (!this.#log.isShared) return
    const { rows, introductions } = this.#table
    rows.setFlag(row, flags.locallyObserved, true)
    rows.logged.set(row, false)
    const context = this.#rowContext()
    // The response contained all of them again: from now on they are based on this announce.
    introductions.renew(row)
    const site = this.#table.siteOf(row)
    const gateway = site.gatewayOf(row)
    if (gateway !== undefined) this.#table.leases.refresh(gateway, context.nowMs)
    this.#writer.peer(this.#table.stateOf(row, context.nowMs))
    writeIntroductions(this.#writer, context, row, () => true)
    writeObservation(this.#writer, context, row)
    const lease = leaseOf(context, row)
    const host = site.gatewayHostsEver > 0 ? this.#table.leases.hostOf(row) : 0
    const version = site.gatewayHosts.get(host)
    const name = this.#topology.value.sites[site.site]?.name
    const { infoHash } = this.#table.swarmOf(row)
    if (lease !== undefined) this.#writer.lease(lease)
    else if (version !== undefined && name !== undefined)
      this.#writer.gatewayHost({ infoHash, site: name, host, version })
    this.#scheduleFlush()
  }

  /** This node changed the lease of a gateway, for example its upstream. */
  recordLease(row: number): void {
    if (!this.#log.isShared) return
    const lease = leaseOf(this.#rowContext(), row)
    if (lease === undefined) return
    this.#writer.lease(lease)
    this.#scheduleFlush()
  }

  /** This node ended a lease; the peer must still be in the table. */
  recordLeaseEnd(row: number, cause: ElectionCause): void {
    if (!this.#log.isShared) return
    this.#writeLeaseEnd(row, cause, this.#table.leases.versionOf(this.#table.leaseOf(row)))
  }

  /** This node observed the peer. */
  recordObservation(row: number): void {
    if (!this.#log.isShared) return
    writeObservation(this.#writer, this.#rowContext(), row)
    this.#scheduleFlush()
  }

  recordRemoval(record: RemovedRecord): void {
    if (!this.#log.isShared) return
    this.#writer.removed(record)
    this.#scheduleFlush()
  }

  /** A client of this node has completed the torrent; `client` is the hash of its identity. */
  recordCompletion(infoHash: Buffer, client: number): void {
    this.#completions.add(infoHash, client)
    if (!this.#log.isShared) return
    this.#writer.completion({ infoHash, ...this.#table.completions.get(infoHash) })
    this.#scheduleFlush()
  }

  /**
   * Appends the pending records to the log. Runs after each turn; a stopping node calls it before it closes the store.
   */
  flush(): void {
    this.#isFlushScheduled = false
    if (this.#writer.isEmpty) return
    const nowMs = this.#clock.nowMs()
    this.#writtenMs = nowMs
    this.#log.append(this.#writer.take(nowMs))
  }

  #rowContext(): RowContext {
    return { table: this.#table, nowMs: this.#clock.nowMs() }
  }

  #writeLeaseEnd(row: number, endedBy: ElectionCause, version: number): void {
    if (!this.#log.isShared) return
    const context = this.#rowContext()
    const { infoHash } = context.table.swarmOf(row)
    const sinceMs = context.nowMs
    const peer = refOf(context, row)
    this.#writer.lease({ infoHash, peer, sinceMs, version, endedBy, upstream: undefined, treeRank: 0 })
    this.#scheduleFlush()
  }

  #scheduleFlush(): void {
    if (this.#writer.byteLength >= BATCH_BYTES) return this.flush()
    if (this.#isFlushScheduled) return
    this.#isFlushScheduled = true
    this.#afterTurn(() => this.flush())
  }
}
