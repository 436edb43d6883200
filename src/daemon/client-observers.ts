/**
 * Joins the observers and the carriers to the tracker: the clients of this node's own site go in, their observations come
 * out.
 *
 * A node that is not federated answers for all sites and observes the clients of all; a federated one observes its own
 * site. The live nodes of a site divide its clients. The clients of a carried torrent, or of one that is relayed for a
 * while, are linked by its carrier, and not observed beside that: clients accept one connection per address.
 */
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import { dialTcp } from '../observers/client-socket.ts'
import type { Priority } from '../observers/observation.ts'
import type { ClientUpdate } from '../observers/observed-client.ts'
import { Observers } from '../observers/observers.ts'
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import { flags, LEFT_UNKNOWN } from '../swarm/peer-rows.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { ReachabilityCheck } from '../tracker/ports.ts'
import type { Tracker } from '../tracker/tracker.ts'
import { RelayedSites } from './carriage/relayed-sites.ts'

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
  /** Without it, this node carries nothing. */
  readonly carriers?: ClientCarriers
}

/** Takes the clients of carried torrents in place of the observers. */
export interface ClientCarriers {
  /** `elsewhere`: on another node of the site. undefined: the torrent is not carried there, or not for leechers. */
  carrierOf(infoHash: Buffer, siteIndex: number, isLeecher: boolean): 'here' | 'elsewhere' | undefined
  /** Indexes of the sites with gateways to which a torrent may be relayed for a while. */
  readonly relayable: ReadonlySet<number>
  /** Where such a torrent is relayed. undefined: it is not. */
  relayOf(infoHash: Buffer): 'here' | 'elsewhere' | undefined
  /** `site`: its name. */
  update(site: string, client: ClientUpdate): void
  remove(site: string, client: ClientUpdate): void
}

/** A client as it was passed on for its row. */
interface PassedClient {
  readonly update: ClientUpdate
  readonly site: string
  readonly to: 'observers' | 'carriers'
}

export interface ClientCensus {
  readonly clients: number
  /** Of these, those that the carriers of this node link. */
  readonly carried: number
  readonly reachable: number
  readonly unreachable: number
}

export class ClientObservers implements ReachabilityCheck {
  readonly observers: Observers
  readonly #init: ClientObserversInit
  /** The client that was passed on for a row, which may hold another one by now. */
  readonly #passed = new Map<number, PassedClient>()
  readonly #relayed: RelayedSites
  readonly #timers: NodeJS.Timeout[] = []
  #scanRow = 0
  #isStopped = false

  constructor(init: ClientObserversInit) {
    this.#init = init
    init.table.changedRows.follow()
    this.#relayed = new RelayedSites({
      ...init,
      relayable: () => init.carriers?.relayable ?? NONE,
      remoteLeechers: (infoHash, siteIndex) => init.tracker().countsOf(infoHash, siteIndex)?.leechers,
    })
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
    this.#isStopped = true
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
    this.observers.stop()
  }

  async check(peer: Parameters<ReachabilityCheck['check']>[0]): Promise<void> {
    const { tracker, clock } = this.#init
    const row = this.#rowOf(peer)
    if (row < 0) return
    const to = this.#receiverOf(row)
    if (to !== 'observers') return to === undefined ? undefined : this.#checkCarried(row)
    const update = this.#updateOf(row)
    this.#put(row, update, to)
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

  /** The carrier dials the client, here or on another node of the site, which replicates the outcome. */
  #checkCarried(row: number): Promise<void> {
    this.#pass(row)
    const { observed } = this.#init.table
    if (observed.isChecked(row)) return Promise.resolve()
    return new Promise((resolve) => {
      const endWait = observed.outcomes.wait(row, () => {
        clearTimeout(deadline)
        resolve()
      })
      const deadline = setTimeout(() => {
        endWait()
        resolve()
      }, CHECK_MS_MAX)
    })
  }

  #rowOf({ infoHash, address, port }: Parameters<ReachabilityCheck['check']>[0]): number {
    const { table } = this.#init
    const swarm = table.swarm(infoHash)
    return swarm === undefined ? -1 : table.find(swarm, address, port)
  }

  /** The clients of a torrent have another carrier, or none. */
  passTorrent(infoHash: Buffer): void {
    const { table } = this.#init
    const rows: number[] = []
    for (const { lists } of table.swarm(infoHash)?.sites ?? [])
      for (const list of lists)
        for (let row = list.head, left = list.length; left > 0; row = table.rows.next(row), left--)
          rows.push(row)
    for (const row of rows) this.#pass(row)
  }

  /** Another site has sent its state of a torrent. */
  noteRemote(infoHash: Buffer): void {
    if ((this.#init.carriers?.relayable.size ?? 0) > 0) this.#passRelayed([infoHash])
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

  /** Clients of this node, those that its carriers link included. Reads all of them. */
  census(): ClientCensus {
    const { table } = this.#init
    const census = { clients: this.#passed.size, carried: 0, reachable: 0, unreachable: 0 }
    for (const [row, { to }] of this.#passed) {
      if (to === 'carriers') census.carried++
      if (table.observed.isUnreachable(row)) census.unreachable++
      else if (table.observed.isReachable(row)) census.reachable++
    }
    return census
  }

  #drain(): void {
    const { table, carriers } = this.#init
    const changed = table.changedRows.drain()
    if ((carriers?.relayable.size ?? 0) > 0 || this.#relayed.isActive) this.#updateRelays(changed)
    for (const row of changed) this.#pass(row)
  }

  /** Passes the clients of a torrent on again where other clients of it are relayed to. */
  #updateRelays(changed: Iterable<number>): void {
    const torrents = this.#relayed.note(changed)
    // The row of a removed peer may hold another one.
    for (const row of changed) {
      const passed = this.#passed.get(row)
      if (passed !== undefined && !this.#isSame(row, passed.update)) torrents.push(passed.update.infoHash)
    }
    this.#passRelayed(torrents)
  }

  #passRelayed(torrents: readonly Buffer[]): void {
    for (const infoHash of torrents) if (this.#relayed.update(infoHash)) this.passTorrent(infoHash)
  }

  #rebalance(): void {
    const { rows } = this.#init.table
    this.#passRelayed(this.#relayed.tick())
    const slices = Math.max(1, Math.ceil(rows.end / 10))
    for (let left = Math.min(SLICE_ROWS, slices); left > 0; left--) {
      if (this.#scanRow >= rows.end) this.#scanRow = 0
      this.#pass(this.#scanRow++)
    }
  }

  #pass(row: number): void {
    if (this.#isStopped) return
    const { table, tracker } = this.#init
    const before = this.#passed.get(row)
    const to = this.#receiverOf(row)
    if (before !== undefined && (to !== before.to || !this.#isSame(row, before.update))) {
      if (before.to === 'carriers') this.#init.carriers?.remove(before.site, before.update)
      else this.observers.remove(before.update)
      this.#passed.delete(row)
    }
    if (to === undefined || to === 'elsewhere') return
    const update = this.#updateOf(row)
    const isNew = !this.#passed.has(row)
    const site = this.#put(row, update, to)
    if (to === 'carriers') this.#init.carriers?.update(site, update)
    else this.observers.update(update)
    if (isNew && update.isAnnouncedComplete && !table.rows.has(row, flags.verifiedSeed))
      tracker().observations.expectBitfield(row)
  }

  /** Returns the name of the site. */
  #put(row: number, update: ClientUpdate, to: PassedClient['to']): string {
    const { table, topology } = this.#init
    const site = topology.value.sites[table.siteIndexOf(row)]?.name ?? ''
    this.#passed.set(row, { update, site, to })
    return site
  }

  /** undefined for a row that this node neither observes nor carries; `elsewhere`: another node carries it. */
  #receiverOf(row: number): PassedClient['to'] | 'elsewhere' | undefined {
    const { table, topology, site, replica, carriers, clock } = this.#init
    if (row >= table.rows.end || !table.rows.isLive(row)) return undefined
    const own = site === undefined ? undefined : topology.value.siteNamed(site)?.index
    const index = table.siteIndexOf(row)
    if ((site !== undefined && index !== own) || table.rows.isExpired(row, clock.nowMs())) return undefined
    const { infoHash } = table.swarmOf(row)
    const isLeecher = table.roleOf(row) === 'leecher'
    const carrier =
      carriers?.carrierOf(infoHash, index, isLeecher) ??
      (this.#relayed.includes(row) ? carriers?.relayOf(infoHash) : undefined)
    if (carrier !== undefined) return carrier === 'here' ? 'carriers' : 'elsewhere'
    return replica.observes(row) ? 'observers' : undefined
  }

  #isSame(row: number, { infoHash, address, port }: ClientUpdate): boolean {
    const { table } = this.#init
    return (
      table.rows.isLive(row) &&
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
    const leftKib = rows.leftKib(row)
    return {
      infoHash,
      address: rows.address(row),
      port: rows.port(row),
      priority: this.#priorityOf(row),
      isAnnouncedComplete: table.roleOf(row) === 'seed',
      leftKib: leftKib === LEFT_UNKNOWN ? undefined : leftKib,
      firstSeenMs: this.#passed.get(row)?.update.firstSeenMs ?? nowMs,
      announcedMs,
      wasAlive: table.observed.isReachable(row),
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

const NONE: ReadonlySet<number> = new Set()
