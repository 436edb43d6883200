/**
 * The rollouts of all registered torrents, as this node knows them. It measures its own site, and each site that has no
 * nodes; the nodes of a remote site send the report of that site.
 *
 * A torrent costs nothing until a client announces it. After that it is measured at most once a second, while its peers
 * change or a host waits, and no more rows are read in one turn than an announce can wait for.
 */
import { changedRange } from '../core/changed-range.ts'
import type { Clock } from '../core/clock.ts'
import { infoHashKey } from '../core/info-hash.ts'
import { withChanges } from '../core/sorted-list.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { SwarmTableWatcher } from '../swarm/table-watcher.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import { expectedAt, type ExpectedHosts } from './expected-hosts.ts'
import type { Carriage, Holds } from './ports.ts'
import { type Expectation, Rollout, type RolloutTorrent, stateOf } from './rollout.ts'
import type { RolloutState } from './rollout-states.ts'
import { startOf, viewOf } from './rollout-view.ts'
import type { SiteReport } from './site-report.ts'
import type { MeasuredHost } from './measured-hosts.ts'
import type { MeasureContext, MeasuredTorrent } from './site-rollout.ts'

const MEASURE_INTERVAL_MS = 1_000
/** Hosts measured in one tick, about 10 ms; a larger rollout is measured as a whole. */
const HOSTS_PER_TICK = 10_000
/** A rollout without hosts costs as much as this many. */
const HOSTS_MIN = 5
/** Rollouts of torrents that are not registered any more. */
const REMOVED_MAX = 1_000

/** The registered torrents. */
export interface TorrentSource {
  list(): readonly RolloutTorrent[]
  find(infoHash: Buffer): RolloutTorrent | undefined
  onChange(listener: () => void): void
}

export interface RolloutsInit {
  readonly torrents: TorrentSource
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  /** The site of the node. */
  readonly site: string
  readonly clock: Clock
  readonly carriage: Carriage
  readonly holds: Holds
  /** False for an origin that the nodes of this site never read, such as a file outside of `origin.directory`. */
  readonly servesOrigin: (origin: string) => boolean
  /** Name and version of the client of a row, if a node has seen its peer id. */
  readonly clientOf: (row: number) => string | undefined
}

/** Called after a report of a site, or the numbers of expected hosts, changed. */
export type RolloutListener = (rollout: Rollout, change: { readonly site: string | undefined }) => void

export class Rollouts implements SwarmTableWatcher {
  readonly #init: RolloutsInit
  /** By `infoHashKey`; a hybrid torrent has two. */
  readonly #byInfoHash = new Map<string, Rollout>()
  readonly #changed = new Set<Swarm>()
  /** In the order of their next measurement, with its time. */
  readonly #due = new Map<Rollout, number>()
  readonly #measuredAtMs = new WeakMap<Rollout, number>()
  /** Until its next change. */
  #states = new WeakMap<Rollout, RolloutState>()
  readonly #listeners: RolloutListener[] = []
  readonly #dropListeners: ((rollout: Rollout) => void)[] = []
  /** The registered torrents as they were listed last, and the same with the newest first. */
  #registered: readonly RolloutTorrent[] = []
  #newest: readonly RolloutTorrent[] = []
  /** With those that were removed; built again after a change. */
  #torrents: readonly RolloutTorrent[] | undefined
  #isRegistryChanged = false

  constructor(init: RolloutsInit) {
    this.#init = init
    init.torrents.onChange(() => {
      this.#torrents = undefined
      this.#isRegistryChanged = true
    })
    const scheduleAll = () => {
      for (const rollout of this.all()) this.#schedule(rollout)
    }
    init.topology.onReplace(() => {
      this.#states = new WeakMap()
      scheduleAll()
    })
    // Also of a rollout without hosts, which nothing else would measure.
    init.holds.onChange(scheduleAll)
    init.table.watch(this)
  }

  // The table reports changes of peers.

  changed(swarm: Swarm): void {
    this.#changed.add(swarm)
  }

  removing(row: number): void {
    const { table, topology, authority, clock } = this.#init
    const rollout = this.#rolloutOf(table.swarmOf(row).infoHash)
    const place = topology.value.places[table.rows.place(row)]
    if (rollout === undefined || place === undefined || authority.isRemote(place.site.index)) return
    const { sizeBytes } = rollout.torrent
    rollout.at(place.site.name).depart(table, row, place.bubble, sizeBytes, clock.nowMs())
  }

  /** Measures what is due. Called ten times a second. */
  tick(): void {
    if (this.#isRegistryChanged) this.#noteRegistry()
    for (const swarm of this.#changed) {
      const rollout = this.#rolloutOf(swarm.infoHash)
      if (rollout !== undefined) this.#schedule(rollout)
    }
    this.#changed.clear()
    const nowMs = this.#init.clock.nowMs()
    let hosts = 0
    for (const [rollout, dueMs] of this.#due) {
      if (dueMs > nowMs || hosts >= HOSTS_PER_TICK) break
      this.#due.delete(rollout)
      hosts += this.#measure(rollout, nowMs)
    }
  }

  /** Newest first: registered torrents, and the last ones that were removed. */
  torrents(): readonly RolloutTorrent[] {
    if (this.#torrents === undefined) {
      this.#followRegistry()
      const removed = [...this.all()].filter(({ removedAtMs }) => removedAtMs !== undefined)
      const added = removed.map(({ torrent }) => torrent)
      this.#torrents = withChanges(this.#newest, { removed: new Set(), added }, compareNewest)
    }
    return this.#torrents
  }

  #followRegistry(): void {
    const registered = this.#init.torrents.list()
    const { start, endBefore, endAfter } = changedRange(this.#registered, registered)
    const removed = new Set(this.#registered.slice(start, endBefore))
    const added = registered.slice(start, endAfter)
    this.#newest = withChanges(this.#newest, { removed, added }, compareNewest)
    this.#registered = registered
  }

  /** Those with a rollout, in no order: some client has announced them, or hosts are expected. */
  *announced(): Generator<RolloutTorrent> {
    for (const { torrent } of this.all()) yield torrent
  }

  /** undefined for a torrent that is not registered, or that no client has announced. */
  find(infoHash: Buffer): Rollout | undefined {
    return this.#byInfoHash.get(infoHashKey(infoHash))
  }

  /** The torrent of a rollout, also if no client has announced it; undefined if it is not known. */
  torrentOf(infoHash: Buffer): RolloutTorrent | undefined {
    return this.find(infoHash)?.torrent ?? this.#init.torrents.find(infoHash)
  }

  /** The rollout of a torrent; an empty one if no client has announced it. */
  of(torrent: RolloutTorrent): Rollout {
    return this.find(torrent.infoHashes[0] as Buffer) ?? new Rollout(torrent)
  }

  all(): Iterable<Rollout> {
    return new Set(this.#byInfoHash.values())
  }

  stateOf({ infoHashes }: RolloutTorrent): RolloutState {
    const rollout = this.find(infoHashes[0] as Buffer)
    if (rollout === undefined) return 'waiting'
    const state = this.#states.get(rollout) ?? stateOf(this.view(rollout))
    this.#states.set(rollout, state)
    return state
  }

  view(rollout: Rollout): SiteReport[] {
    return viewOf(rollout, this.#init.topology.value, this.#init.clock.nowMs())
  }

  /** The hosts of a site that this node measures; undefined for another site. */
  hosts(infoHash: Buffer, site: string): readonly MeasuredHost[] | undefined {
    if (!this.measures(site)) return undefined
    const rollout = this.find(infoHash)
    if (rollout === undefined) return []
    return rollout.at(site).hosts(this.#context(), this.#measured(rollout))
  }

  /** Whether this node measures the site; otherwise the nodes of the site do. */
  measures(siteName: string): boolean {
    const { topology, authority, site: ownSite } = this.#init
    const site = topology.value.siteNamed(siteName)
    if (site === undefined) return false
    return site.name === ownSite || !authority.isRemote(site.index)
  }

  /** Replaces the numbers of expected hosts. An earlier setting than the current one is ignored. */
  expect(rollout: Rollout, expectation: Expectation): boolean {
    if (expectation.atMs <= rollout.expectation.atMs) return false
    rollout.expectation = expectation
    this.#schedule(rollout)
    this.#emit(rollout, undefined)
    return true
  }

  /** A record of the torrent was read: of an earlier process, or of another node. */
  restore(torrent: RolloutTorrent): Rollout {
    this.#isRegistryChanged = true
    this.#torrents = undefined
    const rollout = this.#open(torrent)
    this.#states.delete(rollout)
    this.#schedule(rollout)
    return rollout
  }

  setExpected(torrent: RolloutTorrent, hosts: ExpectedHosts): Rollout {
    const rollout = this.#open(torrent)
    const atMs = Math.max(this.#init.clock.nowMs(), rollout.expectation.atMs + 1)
    this.expect(rollout, { hosts, atMs })
    return rollout
  }

  /** A report of a remote site. */
  receive(torrent: RolloutTorrent, report: SiteReport): void {
    const rollout = this.#open(torrent)
    // The clients of a site without nodes announce to nodes of several sites.
    if (this.measures(report.site)) rollout.offered.set(report.site, report)
    else rollout.reports.set(report.site, report)
    this.#emit(rollout, report.site)
  }

  onChange(listener: RolloutListener): void {
    this.#listeners.push(listener)
  }

  /** Called for the rollout of a removed torrent that is not kept any longer. */
  onDrop(listener: (rollout: Rollout) => void): void {
    this.#dropListeners.push(listener)
  }

  #emit(rollout: Rollout, site: string | undefined): void {
    this.#states.delete(rollout)
    for (const listener of this.#listeners) listener(rollout, { site })
  }

  #rolloutOf(infoHash: Buffer): Rollout | undefined {
    const known = this.find(infoHash)
    if (known !== undefined) return known
    const torrent = this.#init.torrents.find(infoHash)
    return torrent === undefined ? undefined : this.#open(torrent)
  }

  #open(torrent: RolloutTorrent): Rollout {
    const first = torrent.infoHashes[0] as Buffer
    const known = this.find(first)
    if (known !== undefined) return known
    const rollout = new Rollout(torrent)
    for (const infoHash of torrent.infoHashes) this.#byInfoHash.set(infoHashKey(infoHash), rollout)
    this.#schedule(rollout)
    return rollout
  }

  #schedule(rollout: Rollout): void {
    if (this.#due.has(rollout)) return
    const lastMs = this.#measuredAtMs.get(rollout) ?? Number.NEGATIVE_INFINITY
    this.#due.set(rollout, Math.max(this.#init.clock.nowMs(), lastMs + MEASURE_INTERVAL_MS))
  }

  /** Returns the cost, in hosts. */
  #measure(rollout: Rollout, nowMs: number): number {
    this.#measuredAtMs.set(rollout, nowMs)
    const context = this.#context()
    const torrent = this.#measured(rollout)
    const { topology, site: ownSite } = this.#init
    let hosts = HOSTS_MIN
    for (const { name, index } of topology.value.sites) {
      if (!this.measures(name)) continue
      // While the nodes of a site are down, its last report is more complete than the part of its clients that is here.
      const isReported = rollout.reports.has(name) && !rollout.hasMeasured(name)
      const isThere = torrent.infoHashes.some(
        (each) => (context.table.swarm(each)?.site(index)?.peers ?? 0) > 0,
      )
      const isExpected = expectedAt(rollout.expectation.hosts, topology.value, name) !== undefined
      if (name !== ownSite && (isReported || !(isThere || isExpected || rollout.hasMeasured(name)))) continue
      const before = rollout.reports.get(name)
      const report = fuller(rollout.at(name).measure(context, torrent), rollout.offered.get(name))
      rollout.reports.set(name, report)
      this.#states.delete(rollout)
      hosts += report.hosts.seen
      if (before === undefined || isNews(before, report)) this.#emit(rollout, name)
    }
    const view = this.view(rollout)
    const isOpen = startOf(view) !== undefined && stateOf(view) !== 'complete'
    if (isOpen && rollout.removedAtMs === undefined) this.#schedule(rollout)
    return hosts
  }

  #measured({ torrent, expectation }: Rollout): MeasuredTorrent {
    const { infoHashes, sizeBytes, origin } = torrent
    const hasOrigin = origin !== undefined && this.#init.servesOrigin(origin)
    return { infoHashes, sizeBytes, expected: expectation.hosts, hasOrigin }
  }

  #context(): MeasureContext {
    const { table, topology, carriage, holds, clientOf, clock } = this.#init
    return { table, topology: topology.value, carriage, holds, clientOf, nowMs: clock.nowMs() }
  }

  /** Torrents that were removed keep their rollout; the oldest of them are dropped. */
  #noteRegistry(): void {
    this.#isRegistryChanged = false
    const removed: Rollout[] = []
    for (const rollout of this.all()) {
      const torrent = this.#init.torrents.find(rollout.torrent.infoHashes[0] as Buffer)
      if (torrent === undefined) {
        if (rollout.removedAtMs === undefined) {
          rollout.removedAtMs = this.#init.clock.nowMs()
          this.#torrents = undefined
          this.#emit(rollout, undefined)
        }
        removed.push(rollout)
      } else {
        rollout.removedAtMs = undefined
        rollout.torrent = torrent
      }
    }
    if (removed.length <= REMOVED_MAX) return
    removed.sort((a, b) => (a.removedAtMs ?? 0) - (b.removedAtMs ?? 0))
    for (const rollout of removed.slice(0, removed.length - REMOVED_MAX)) this.#drop(rollout)
  }

  #drop(rollout: Rollout): void {
    for (const infoHash of rollout.torrent.infoHashes) this.#byInfoHash.delete(infoHashKey(infoHash))
    this.#due.delete(rollout)
    this.#torrents = undefined
    for (const listener of this.#dropListeners) listener(rollout)
  }
}

/** Those of one time by infohash. */
function compareNewest(a: RolloutTorrent, b: RolloutTorrent): number {
  return (
    b.registeredAtMs - a.registeredAtMs ||
    Buffer.compare(a.infoHashes[0] as Buffer, b.infoHashes[0] as Buffer)
  )
}

/** An offer is repeated as long as its hosts change. */
const OFFER_MS_MAX = 60_000

/** The report of more hosts. All nodes of all sites with the same reports choose the same. */
function fuller(own: SiteReport, offered: SiteReport | undefined): SiteReport {
  if (offered === undefined || own.atMs - offered.atMs > OFFER_MS_MAX) return own
  const [a, b] = [own.hosts, offered.hosts]
  return b.seen > a.seen || (b.seen === a.seen && b.complete > a.complete) ? offered : own
}

/** A report that differs in its time alone is not sent. */
function isNews(before: SiteReport, after: SiteReport): boolean {
  return JSON.stringify({ ...before, atMs: 0 }) !== JSON.stringify({ ...after, atMs: 0 })
}
