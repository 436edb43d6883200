/**
 * Records what a node observed of a client between two of its announces: reachability and progress beside the peer's
 * row, completion as an announce in the client's name, and the end of a gateway that is gone or stalled. A deferred
 * leecher of its site replaces it at once.
 */
import type { Address } from '../core/address.ts'
import type { Clock } from '../core/clock.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { TrackerMetrics } from '../core/tracker-metrics.ts'
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import { expectBitfield, observePeer } from '../swarm/observe-peer.ts'
import type { PeerObservation } from '../swarm/observed-peers.ts'
import { LEFT_UNKNOWN } from '../swarm/peer-rows.ts'
import { RecentMap } from '../swarm/recent-map.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import { type AnnounceRecorder, isGateway } from './announce-recorder.ts'
import { endpointOf } from './endpoint.ts'
import type { GatewayLoss } from './ports.ts'

export interface ObservedClient extends PeerObservation {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
  /** The client was reachable, and now its port is closed or its host does not answer. */
  readonly isGone: boolean
}

/** Progress is recorded as an announce in tenths, because each is replicated and advertised to other sites. */
const PROGRESS_STEPS = 10
/** The first step: with less, a client has hardly any piece to give. */
const BEGUN_SHARE = 0.02
/** Steps in which the other nodes of the site get the progress of a client. */
const REPLICATED_STEP = 0.01
const REPLICATED_EVERY_MS = 5_000
/** A gateway's upstream that is ahead by less has nothing that the gateway is late for. */
const LEAD = 0.02

/** A seed that shows no bitfield for this time cannot be observed, such as one that requires encryption. */
const BITFIELD_MS_MAX = 6_000

/** Losses whose replacement is awaited: more than sites and torrents are likely to lose in an hour. */
const LOSSES_MAX = 10_000
const LOSS_KEPT_MS = 3_600_000

interface ExpectedBitfield {
  readonly row: number
  readonly key: number
  readonly untilMs: number
}

export interface ObservationRecorderComponents {
  readonly table: SwarmTable
  readonly clock: Clock
  readonly metrics: TrackerMetrics
  readonly recorder: AnnounceRecorder
  readonly replica?: SwarmReplica
  /** Attempts deferred announces again: the gateway or a neighbour that they wait for may have made progress. */
  readonly attemptDeferred: () => void
  readonly onGatewayLost?: (loss: GatewayLoss) => void
}

export class ObservationRecorder {
  readonly #table: SwarmTable
  readonly #clock: Clock
  readonly #recorder: AnnounceRecorder
  readonly #replica: SwarmReplica | undefined
  readonly #attemptDeferred: () => void
  readonly #expected: ExpectedBitfield[] = []
  /** By torrent and site: when the gateway was lost. */
  readonly #lostMs = new RecentMap<string, number>({ entriesMax: LOSSES_MAX, keptMs: LOSS_KEPT_MS })
  readonly #metrics: TrackerMetrics
  readonly #onGatewayLost: ((loss: GatewayLoss) => void) | undefined

  constructor(components: ObservationRecorderComponents) {
    const { table, clock, metrics, recorder, replica, attemptDeferred, onGatewayLost } = components
    this.#table = table
    this.#clock = clock
    this.#metrics = metrics
    this.#recorder = recorder
    this.#replica = replica
    this.#attemptDeferred = attemptDeferred
    this.#onGatewayLost = onGatewayLost
  }

  /** A new seed of a site that this node observes: it counts as unverified until its bitfield is there. */
  expectBitfield(row: number): void {
    const nowMs = this.#clock.nowMs()
    expectBitfield(this.#table, row, true, nowMs)
    this.#expected.push({ row, key: this.#table.keyOf(row), untilMs: nowMs + BITFIELD_MS_MAX })
  }

  /** Stops waiting for bitfields that did not arrive. Called about twice a second. */
  tick(): void {
    const table = this.#table
    const nowMs = this.#clock.nowMs()
    while ((this.#expected[0]?.untilMs ?? Infinity) <= nowMs) {
      const { row, key } = this.#expected.shift() as ExpectedBitfield
      if (table.rows.isLive(row) && table.keyOf(row) === key) expectBitfield(table, row, false, nowMs)
    }
  }

  /** An observation of a peer that left in the meantime is dropped. */
  record(observed: ObservedClient): void {
    const table = this.#table
    const swarm = table.swarm(observed.infoHash)
    const row = swarm === undefined ? -1 : table.find(swarm, observed.address, observed.port)
    if (swarm === undefined || row < 0) return
    if (observed.isGone) {
      const wasGateway = isGateway(table, row)
      if (wasGateway) this.#noteLoss(row, 'gone')
      this.#recorder.stop(observed, this.#clock.nowMs())
      if (wasGateway) this.#attemptDeferred()
      return
    }
    const before = table.observed.get(row, observed.observedAtMs)
    if (!observePeer(table, row, observed)) return
    if (before === undefined || isNews(before, observed)) this.#replica?.recordObservation(row)
    if (table.roleOf(row) === 'leecher') this.#recordProgress(row, swarm.sizeKib, observed)
    if (isFirst(before, observed)) this.#attemptDeferred()
    if ((observed.share ?? 0) > (before?.share ?? 1) && isGateway(table, row)) this.#noteReplacement(row)
    if (observed.isStalled && isGateway(table, row)) this.#replaceStalled(row)
  }

  #recordProgress(row: number, sizeKib: number, { share, isComplete }: PeerObservation): void {
    const { rows } = this.#table
    const before = rows.leftKib(row)
    if (share === undefined || (!isComplete && (sizeKib === 0 || before === LEFT_UNKNOWN))) return
    const leftKib = isComplete ? 0 : Math.max(1, Math.round((1 - share) * sizeKib))
    const hasBegun = rows.downloadedKib(row) > 0
    const isStep = stepOf(share) > stepOf(1 - before / sizeKib) || (!hasBegun && share >= BEGUN_SHARE)
    if (isComplete || isStep) this.#recorder.recordObserved(row, { leftKib, isComplete }, this.#clock.nowMs())
  }

  /** The gateway gets nothing although its upstream has pieces that it lacks. */
  #replaceStalled(row: number): void {
    const table = this.#table
    const site = table.siteOf(row)
    const upstreamRow = site.gatewayOf(row)?.upstreamRow ?? -1
    if (upstreamRow < 0 || site.leechers < 2) return
    const sizeKib = table.swarmOf(row).sizeKib
    const isAhead =
      table.roleOf(upstreamRow) === 'seed' ||
      table.rows.leftKib(row) - table.rows.leftKib(upstreamRow) > LEAD * sizeKib
    if (!isAhead) return
    this.#noteLoss(row, 'stalled')
    this.#recorder.endLeases({ leaseEnds: [{ row, cause: 'stalled' }] }, this.#clock.nowMs())
    this.#attemptDeferred()
  }

  #noteLoss(row: number, cause: GatewayLoss['cause']): void {
    const table = this.#table
    this.#onGatewayLost?.({
      infoHash: table.swarmOf(row).infoHash,
      siteIndex: table.siteIndexOf(row),
      ...endpointOf(table, row),
      cause,
    })
    this.#lostMs.set(this.#siteKeyOf(row), this.#clock.nowMs(), this.#clock.nowMs())
  }

  /** A gateway of a site that had lost one got a new piece. */
  #noteReplacement(row: number): void {
    const key = this.#siteKeyOf(row)
    const lostMs = this.#lostMs.get(key)
    if (lostMs === undefined) return
    this.#lostMs.delete(key)
    this.#metrics.gatewayReplaced((this.#clock.nowMs() - lostMs) / 1000)
  }

  #siteKeyOf(row: number): string {
    const table = this.#table
    return `${infoHashKey(table.swarmOf(row).infoHash)}${table.siteIndexOf(row)}`
  }
}

function stepOf(share: number): number {
  return Math.floor(share * PROGRESS_STEPS + 1e-6)
}

function isNews(before: PeerObservation, after: PeerObservation): boolean {
  return (
    before.reachability !== after.reachability ||
    before.isComplete !== after.isComplete ||
    before.isStalled !== after.isStalled ||
    (before.refusesNode ?? false) !== (after.refusesNode ?? false) ||
    Math.abs((before.share ?? -1) - (after.share ?? -1)) >= REPLICATED_STEP ||
    after.observedAtMs - before.observedAtMs >= REPLICATED_EVERY_MS
  )
}

/** The first outcome of a dial, the first piece, or the last one. */
function isFirst(before: PeerObservation | undefined, after: PeerObservation): boolean {
  return (
    (before?.reachability ?? 'unknown') !== after.reachability ||
    ((before?.share ?? 0) === 0 && (after.share ?? 0) > 0) ||
    before?.isComplete !== after.isComplete
  )
}
