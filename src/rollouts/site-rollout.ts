/**
 * One rollout at one site, as the nodes of this site see it: the hosts that left, the progress of those that download,
 * and what came in from other sites. `measure` reads the swarm table and returns the report of the site.
 */
import { infoHashKey } from '../core/info-hash.ts'
import { siteState } from '../handout/site-state.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'
import { DepartedHosts } from './departed-hosts.ts'
import { type ExpectedHosts, expectedAt } from './expected-hosts.ts'
import { type HostKey, hostKeyOf, type LiveHost, readHost } from './host.ts'
import { type Census, takeCensus } from './host-census.ts'
import {
  bubblesOf,
  countHosts,
  type MeasuredHost,
  originOf,
  secondsLeft,
  toStraggler,
} from './measured-hosts.ts'
import type { CarriedSite, Carriage, Holds } from './ports.ts'
import { type Pace, ProgressTrace } from './progress-trace.ts'
import { ReceivedBytes } from './received-bytes.ts'
import { fetches, hasSource, shownState } from './shown-state.ts'
import { percentOf, type SiteReport, STRAGGLERS_MAX } from './site-report.ts'
import { siteSentence } from './site-sentence.ts'
import { type SiteProgress, stragglerReason } from './straggler.ts'
import { median, paceOf, windowMs, WINDOW_MS_MIN } from './time-left.ts'

/** Hosts whose progress is followed one by one: 500 bytes each. */
const TRACED_HOSTS_MAX = 50_000

/** Longer than a poll of clients that are observed in turn. */
const STALL_MS = 30_000

export interface MeasureContext {
  readonly table: SwarmTable
  readonly topology: Topology
  readonly carriage: Carriage
  readonly holds: Holds
  readonly clientOf: (row: number) => string | undefined
  readonly nowMs: number
}

export interface MeasuredTorrent {
  readonly infoHashes: readonly Buffer[]
  readonly sizeBytes: number
  readonly expected: ExpectedHosts
  /** Hosts can fetch it from an origin, through a node. */
  readonly hasOrigin: boolean
}

/** `recent`: share per second in the last third of a host's time. */
interface HostRates {
  readonly pace: Pace | undefined
  readonly recent: number | undefined
}

const NO_RATES: HostRates = { pace: undefined, recent: undefined }

export class SiteRollout {
  readonly site: string
  readonly departed = new DepartedHosts()
  readonly received = new ReceivedBytes()
  /** The first host began to download. */
  startedAtMs: number | undefined = undefined
  completedAtMs: number | undefined = undefined
  /** A client of the site had the content before any host downloaded. */
  hadSource = false
  /** The last report of the node that carries the torrent, if it is another one. */
  sharedCarrier: SiteReport['carrier'] = null
  readonly #traces = new Map<HostKey, ProgressTrace>()
  /** Stragglers of the last measurement. */
  #late: ReadonlySet<HostKey> = new Set()
  readonly #sum = new ProgressTrace()

  constructor(site: string) {
    this.site = site
  }

  /** The client of this row leaves the swarm. */
  depart(table: SwarmTable, row: number, bubble: string, sizeBytes: number, nowMs: number): void {
    const host = readHost(table, row, sizeBytes, nowMs)
    const key = hostKeyOf(table, row)
    if (table.rows.clientOrder(row) !== 0 || host.isUndecided) return
    if (host.isSource && this.departed.get(key) === undefined) {
      this.hadSource = true
      return
    }
    if (!host.isLeecher && !host.isComplete && this.startedAtMs === undefined) return
    this.startedAtMs ??= nowMs
    const { port, share, progressFrom, isComplete, isUnreachable, isGatewayHost, lastSeenMs } = host
    const address = table.rows.address(row).toString()
    const state = {
      address,
      port,
      bubble,
      share,
      progressFrom,
      isComplete,
      isUnreachable,
      isGatewayHost,
      lastSeenMs,
    }
    this.departed.add(key, state)
    this.#traces.delete(key)
  }

  measure(context: MeasureContext, torrent: MeasuredTorrent): SiteReport {
    const { table, topology, nowMs } = context
    const { sizeBytes } = torrent
    const siteIndex = topology.siteNamed(this.site)?.index ?? -1
    const swarms = swarmsOf(table, torrent)
    const census = this.#census(context, torrent, swarms, siteIndex)
    const further = this.#furtherComplete()
    const sumShares =
      [...census.live.values(), ...census.gone].reduce((sum, { share }) => sum + share, 0) + further
    this.#noteProgress(census, sumShares, nowMs)
    const hosts = this.#paced(context, torrent, census)
    const expected = expectedAt(torrent.expected, topology, this.site)
    const counts = countHosts(hosts, further, { expected, sources: census.sources })
    const wanted = Math.max(counts.seen, expected ?? 0)
    const isComplete =
      counts.seen > 0 && counts.complete === counts.seen && counts.complete >= (expected ?? 0)
    this.#noteCompletion(isComplete, nowMs)
    const stuck = hosts.filter(({ reason }) => reason !== undefined)
    const carried = findCarried(context, torrent, this.site)
    if (carried !== undefined) this.received.count(carried)
    const gateway = carried === undefined ? this.#gateway(context, swarms, siteIndex, sizeBytes) : null
    const carrier = this.#carrier(carried)
    const rateBytesPerSecond = isComplete ? 0 : this.#rate(hosts, sizeBytes, nowMs)
    const state =
      swarms.map((swarm) => stateAt(swarm, siteIndex)).find((each) => each !== undefined) ?? 'idle'
    const report = {
      site: this.site,
      atMs: nowMs,
      startedAtMs: this.startedAtMs ?? null,
      completedAtMs: this.completedAtMs ?? null,
      state: shownState(state, {
        isMoving: rateBytesPerSecond > 0,
        hasUpstream: hasSource(torrent.hasOrigin, swarms) || fetches(gateway, carrier),
        waitsMs: nowMs - (this.startedAtMs ?? nowMs),
      }),
      isHeld: torrent.infoHashes.some((infoHash) => context.holds.isHeld(infoHash, this.site)),
      isComplete,
      hadSource: this.hadSource,
      percent: wanted === 0 ? 0 : percentOf(sumShares / wanted),
      progressFrom: originOf(hosts),
      rateBytesPerSecond,
      etaSeconds: isComplete ? 0 : secondsLeft(hosts),
      hosts: counts,
      bytes: this.#bytes(hosts, sumShares, sizeBytes),
      bubbles: bubblesOf(hosts, this.site, {
        further: this.departed.further(),
        expected: torrent.expected,
        topology,
      }),
      carrier,
      gateway,
      stragglers: stuck
        .toSorted((a, b) => a.share - b.share || a.lastSeenMs - b.lastSeenMs)
        .slice(0, STRAGGLERS_MAX)
        .map(toStraggler),
      stragglersTotal: stuck.length,
    }
    return { ...report, sentence: siteSentence(report) }
  }

  /** All hosts, those that left included, for the page of hosts. */
  hosts(context: MeasureContext, torrent: MeasuredTorrent): readonly MeasuredHost[] {
    const siteIndex = context.topology.siteNamed(this.site)?.index ?? -1
    const swarms = swarmsOf(context.table, torrent)
    return this.#paced(context, torrent, this.#census(context, torrent, swarms, siteIndex))
  }

  #census(
    { table, topology, nowMs }: MeasureContext,
    torrent: MeasuredTorrent,
    swarms: readonly Swarm[],
    siteIndex: number,
  ): Census {
    const census = takeCensus({
      table,
      swarms,
      siteIndex,
      departed: this.departed,
      sizeBytes: torrent.sizeBytes,
      hasStarted: this.startedAtMs !== undefined,
      keepsGone: expectedAt(torrent.expected, topology, this.site) !== undefined,
      nowMs,
    })
    if (census.live.size + census.gone.length > 0) this.startedAtMs ??= nowMs
    if (census.sources > 0) this.hadSource = true
    return census
  }

  /**
   * After a time without progress at the whole site, such as during a hold or outside the hours of a link, rates are those
   * since then. Announces come in minutes and show no stall.
   */
  #noteProgress({ live }: Census, sumShares: number, nowMs: number): void {
    const hasStalled = this.#sum.stalledMs(nowMs, sumShares) >= STALL_MS
    const isObserved = [...live.values()].some(
      ({ isComplete, progressFrom }) => !isComplete && progressFrom === 'observed',
    )
    if (hasStalled && isObserved) this.#traces.clear()
    this.#sum.add(nowMs, sumShares)
  }

  /** Adds rates and reasons. */
  #paced(context: MeasureContext, torrent: MeasuredTorrent, { live, gone }: Census): MeasuredHost[] {
    const { table, topology, nowMs } = context
    const isCarried = findCarried(context, torrent, this.site) !== undefined
    const paces = new Map<HostKey, HostRates>()
    for (const [key, host] of live) if (!host.isComplete) paces.set(key, this.#pace(key, host, nowMs))
    for (const key of this.#traces.keys()) if (!paces.has(key)) this.#traces.delete(key)
    const total = live.size + gone.length
    const complete = [...live.values(), ...gone].filter(({ isComplete }) => isComplete).length
    const progress: SiteProgress = {
      medianShare: median([...live.values(), ...gone].map(({ share }) => share)),
      medianSharePerSecond: median(
        [...paces.values()].map(({ recent }) => recent).filter((rate) => rate !== undefined),
      ),
      completeShare: total === 0 ? 0 : complete / total,
    }
    const found: MeasuredHost[] = []
    const late = new Set<HostKey>()
    for (const [key, host] of live) {
      const { row, place, isComplete } = host
      const sharePerSecond = paces.get(key)?.recent
      const reason = isComplete
        ? undefined
        : stragglerReason(
            {
              ...host,
              isGone: false,
              hasPeers: isCarried || table.introductions.count(row) > 0,
              sinceMs: this.#traces.get(key)?.startMs ?? nowMs,
              sharePerSecond,
              wasLate: this.#late.has(key),
            },
            progress,
            nowMs,
          )
      if (reason !== undefined) late.add(key)
      found.push({
        ...host,
        address: table.rows.address(row).toString(),
        bubble: topology.places[place]?.bubble ?? '',
        state: isComplete ? 'complete' : 'downloading',
        reason,
        client: context.clientOf(row),
        sharePerSecond,
        pace: paces.get(key)?.pace,
      })
    }
    this.#late = late
    for (const host of gone)
      found.push({
        ...host,
        state: host.isComplete ? 'complete' : 'gone',
        reason: host.isComplete ? undefined : 'gone',
        client: undefined,
        sharePerSecond: undefined,
        pace: undefined,
      })
    return found
  }

  #pace(key: HostKey, { share }: LiveHost, nowMs: number): HostRates {
    let trace = this.#traces.get(key)
    if (trace === undefined) {
      if (this.#traces.size >= TRACED_HOSTS_MAX) return NO_RATES
      this.#traces.set(key, (trace = new ProgressTrace()))
    }
    trace.add(nowMs, share)
    const startMs = trace.startMs ?? nowMs
    return {
      pace: paceOf(trace, nowMs),
      recent: trace.ratePerSecond(nowMs, windowMs(nowMs, startMs)),
    }
  }

  #carrier(carried: CarriedSite | undefined): SiteReport['carrier'] {
    if (carried === undefined) return null
    if (carried.received === undefined && this.sharedCarrier?.node === carried.node) return this.sharedCarrier
    const { node, upstreamSite, rateBytesPerSecond } = carried
    return { node, upstreamSite: upstreamSite ?? null, rateBytesPerSecond: Math.round(rateBytesPerSecond) }
  }

  #noteCompletion(isComplete: boolean, nowMs: number): void {
    if (!isComplete) this.completedAtMs = undefined
    else this.completedAtMs ??= nowMs
  }

  /** Of the last seconds where nodes observe the hosts; announces come in minutes. */
  #rate(hosts: readonly MeasuredHost[], sizeBytes: number, nowMs: number): number {
    const isObserved = hosts.some(
      ({ state, progressFrom }) => state === 'downloading' && progressFrom === 'observed',
    )
    const rate = this.#sum.ratePerSecond(nowMs, isObserved ? WINDOW_MS_MIN : ANNOUNCES_WINDOW_MS) ?? 0
    return Math.round(rate * sizeBytes)
  }

  #furtherComplete(): number {
    let sum = 0
    for (const count of this.departed.further().values()) sum += count
    return sum
  }

  /** A gateway may have got pieces from its own site: its content is an upper bound of what it fetched. */
  #bytes(hosts: readonly MeasuredHost[], sumShares: number, sizeBytes: number): SiteReport['bytes'] {
    let [gatewayShares, most] = [0, 0]
    for (const { share, isGatewayHost } of hosts) {
      most = Math.max(most, share)
      if (isGatewayHost) gatewayShares += share
    }
    const counted = this.received.total
    const isFetchedHere = gatewayShares > 0 && !this.hadSource
    const least = isFetchedHere ? Math.max(0, most * sizeBytes - counted) : 0
    const atMost = gatewayShares * sizeBytes
    const fetched = Math.min(least, atMost)
    return {
      downloaded: Math.round(sumShares * sizeBytes),
      betweenSites: Math.round(counted + fetched),
      betweenSitesAtMost: Math.round(counted + atMost),
      isCounted: gatewayShares === 0,
      from: this.received.bySite(Math.round(fetched)),
    }
  }

  #gateway(
    { table, topology, nowMs }: MeasureContext,
    swarms: readonly Swarm[],
    siteIndex: number,
    sizeBytes: number,
  ): SiteReport['gateway'] {
    const gateway = swarms
      .flatMap((swarm) => swarm.site(siteIndex)?.gateways ?? [])
      .find(({ isTentative }) => !isTentative)
    if (gateway === undefined) return null
    const endpoint = (row: number) => ({
      address: table.rows.address(row).toString(),
      port: table.rows.port(row),
    })
    const { row, upstreamRow } = gateway
    const upstreamSite = upstreamRow < 0 ? undefined : topology.sites[table.siteIndexOf(upstreamRow)]?.name
    if (upstreamSite !== undefined) this.received.fetchesFrom(upstreamSite)
    return {
      ...endpoint(row),
      percent: percentOf(readHost(table, row, sizeBytes, nowMs).share),
      upstream: upstreamSite === undefined ? null : { site: upstreamSite, ...endpoint(upstreamRow) },
    }
  }
}

/** Clients announce at intervals of at most five minutes while they download; two of them. */
const ANNOUNCES_WINDOW_MS = 600_000

function swarmsOf(table: SwarmTable, { infoHashes }: MeasuredTorrent): Swarm[] {
  const keys = new Set<string>()
  return infoHashes.flatMap((infoHash) => {
    if (keys.has(infoHashKey(infoHash))) return []
    keys.add(infoHashKey(infoHash))
    return table.swarm(infoHash) ?? []
  })
}

function stateAt(swarm: Swarm, siteIndex: number): SiteReport['state'] | undefined {
  const site = swarm.site(siteIndex)
  return site === undefined || site.peers === 0 ? undefined : siteState(swarm, site)
}

function findCarried(
  { carriage }: MeasureContext,
  torrent: MeasuredTorrent,
  site: string,
): CarriedSite | undefined {
  for (const infoHash of torrent.infoHashes) {
    const carried = carriage.find(infoHash, site)
    if (carried !== undefined) return carried
  }
  return undefined
}
