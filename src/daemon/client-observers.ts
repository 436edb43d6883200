/**
 * Joins the observers to the tracker: the clients of this node's own site go in, their observations come out.
 *
 * A node that is not federated answers for all sites and observes the clients of all; a federated one observes its own
 * site. The live nodes of a site divide its clients.
 */
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import { dialTcp } from '../observers/client-socket.ts'
import type { Priority } from '../observers/observation.ts'
import type { ClientUpdate } from '../observers/observed-client.ts'
import { Observers } from '../observers/observers.ts'
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { ReachabilityCheck } from '../tracker/ports.ts'
import type { Tracker } from '../tracker/tracker.ts'

/** Changed rows are passed on this often. */
const DRAIN_MS = 50
/** Clients move between nodes when a node joins or leaves the site: all rows are compared this often, in slices. */
const REBALANCE_MS = 5_000
const SLICE_ROWS = 2_000
/** The first announce of a leecher waits for its dial no longer than this. */
const CHECK_MS_MAX = 250
/** Seeds beyond this number are spares: they are polled in turn, not held. */
const SOURCES_PER_SITE = 4

export interface ClientObserversInit {
  readonly connections: number
  /** The site of the node; undefined where it answers for all sites. */
  readonly site: string | undefined
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly replica: SwarmReplica
  readonly clock: Clock
  readonly random: Random
  readonly tracker: () => Tracker
  /** Exact number of pieces of a torrent, if it is known. */
  readonly pieces: (infoHash: Buffer) => number | undefined
}

export class ClientObservers implements ReachabilityCheck {
  readonly observers: Observers
  readonly #init: ClientObserversInit
  /** The client that was passed on for a row, which may hold another one by now. */
  readonly #passed = new Map<number, ClientUpdate>()
  readonly #timers: NodeJS.Timeout[] = []
  #scanRow = 0

  constructor(init: ClientObserversInit) {
    this.#init = init
    init.table.changedRows.follow()
    this.observers = new Observers({
      connections: init.connections,
      clock: init.clock,
      random: init.random,
      dial: dialTcp,
      onObservations: (batch) => {
        for (const observation of batch) init.tracker().observations.record(observation)
      },
    })
  }

  start(): void {
    this.observers.start()
    this.#timers.push(
      setInterval(() => this.#drain(), DRAIN_MS),
      setInterval(() => this.#rebalance(), REBALANCE_MS / 10),
    )
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    this.observers.stop()
  }

  async check(peer: Parameters<ReachabilityCheck['check']>[0]): Promise<void> {
    const { table, tracker, clock } = this.#init
    const swarm = table.swarm(peer.infoHash)
    const row = swarm === undefined ? -1 : table.find(swarm, peer.address, peer.port)
    if (row < 0 || !this.#isObserved(row)) return
    const update = this.#updateOf(row)
    this.#passed.set(row, update)
    const reachability = await this.observers.checkReachability(update, CHECK_MS_MAX)
    if (reachability === 'unknown') return
    tracker().observations.record({
      ...peer,
      reachability,
      share: undefined,
      isComplete: false,
      isStalled: false,
      isGone: false,
      observedAtMs: clock.nowMs(),
      sharePerSecond: 0,
      // The engine may know more than the outcome of the dial.
      ...this.observers.observationOf(peer),
    })
  }

  /** Observed clients by the index of their site. */
  bySite(): ReadonlyMap<
    number,
    { readonly observed: number; readonly unreachable: number; readonly falseSeeds: number }
  > {
    const { table } = this.#init
    const sites = new Map<number, { observed: number; unreachable: number; falseSeeds: number }>()
    for (const row of this.#passed.keys()) {
      if (!table.rows.isLive(row)) continue
      const index = table.siteIndexOf(row)
      const counts = sites.get(index) ?? { observed: 0, unreachable: 0, falseSeeds: 0 }
      counts.observed++
      if (table.observed.isUnreachable(row)) counts.unreachable++
      if (table.roleOf(row) === 'seed' && table.observed.isIncomplete(row)) counts.falseSeeds++
      sites.set(index, counts)
    }
    return sites
  }

  #drain(): void {
    for (const row of this.#init.table.changedRows.drain()) this.#pass(row)
  }

  #rebalance(): void {
    const { rows } = this.#init.table
    const slices = Math.max(1, Math.ceil(rows.end / 10))
    for (let left = Math.min(SLICE_ROWS, slices); left > 0; left--) {
      if (this.#scanRow >= rows.end) this.#scanRow = 0
      this.#pass(this.#scanRow++)
    }
  }

  #pass(row: number): void {
    const { table, tracker } = this.#init
    const before = this.#passed.get(row)
    const isObserved = row < table.rows.end && table.rows.isLive(row) && this.#isObserved(row)
    if (before !== undefined && (!isObserved || !this.#isSame(row, before))) {
      this.observers.remove(before)
      this.#passed.delete(row)
    }
    if (!isObserved) return
    const update = this.#updateOf(row)
    const isNew = !this.#passed.has(row)
    this.#passed.set(row, update)
    this.observers.update(update)
    if (isNew && update.isAnnouncedComplete && !table.rows.has(row, flags.verifiedSeed))
      tracker().observations.expectBitfield(row)
  }

  #isObserved(row: number): boolean {
    const { table, topology, site, replica } = this.#init
    const own = site === undefined ? undefined : topology.value.siteNamed(site)?.index
    return (
      (site === undefined || table.siteIndexOf(row) === own) &&
      !table.rows.isExpired(row, this.#init.clock.nowMs()) &&
      replica.observes(row)
    )
  }

  #isSame(row: number, { infoHash, address, port }: ClientUpdate): boolean {
    const { table } = this.#init
    return (
      table.rows.port(row) === port &&
      table.rows.isAt(row, address) &&
      table.swarmOf(row).infoHash.equals(infoHash)
    )
  }

  #updateOf(row: number): ClientUpdate {
    const { table, clock, pieces } = this.#init
    const { rows } = table
    const nowMs = clock.nowMs()
    const { infoHash } = table.swarmOf(row)
    const announcedMs = rows.lastSeenMs(row, nowMs)
    return {
      infoHash,
      address: rows.address(row),
      port: rows.port(row),
      priority: this.#priorityOf(row),
      isAnnouncedComplete: table.roleOf(row) === 'seed',
      firstSeenMs: this.#passed.get(row)?.firstSeenMs ?? nowMs,
      announcedMs,
      pieces: pieces(infoHash),
    }
  }

  #priorityOf(row: number): Priority {
    const { table } = this.#init
    if (table.rows.has(row, flags.gateway)) return 'gateway'
    if (table.roleOf(row) !== 'seed') return 'other'
    const isFew = table.siteOf(row).seeds <= SOURCES_PER_SITE
    const feeds = table
      .swarmOf(row)
      .sites.some(({ gateways }) => gateways.some(({ upstreamRow }) => upstreamRow === row))
    return isFew || feeds ? 'source' : 'other'
  }
}
