/**
 * The use cases: announce, scrape, explain. An announce is recorded, answered from memory, and counted; it waits
 * for nothing.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceReply, AnnounceRequest, ScrapeCounts, TrackerService } from '../core/announce.ts'
import { type Clock, elapsedMs } from '../core/clock.ts'
import { Refusal } from '../core/errors.ts'
import { PEERS_WANTED_DEFAULT, PEERS_WANTED_MAX } from '../core/limits.ts'
import type { Random } from '../core/random.ts'
import type { Protocol, TrackerMetrics } from '../core/tracker-metrics.ts'
import { applyDecision } from '../handout/apply-decision.ts'
import { decideHandout } from '../handout/decide-handout.ts'
import type { Asker, Decision } from '../handout/decision.ts'
import { defaultPolicy, type Policy } from '../handout/policy.ts'
import { hashIdentity } from '../swarm/peer-hash.ts'
import { flags, LEFT_UNKNOWN } from '../swarm/peer-rows.ts'
import { type Role, SiteSwarm, type Swarm } from '../swarm/swarm.ts'
import type { Observed, SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'
import { clientFamily } from './client-family.ts'
import { type IntervalLimits, lifetimeSeconds, LoadMeter, pace } from './interval.ts'
import type { TorrentAdmission } from './ports.ts'
import { writePeers } from './write-peers.ts'

export interface TrackerParts {
  readonly table: SwarmTable
  readonly clock: Clock
  readonly random: Random
  readonly metrics: TrackerMetrics
  readonly admission: TorrentAdmission
  readonly interval: IntervalLimits
  readonly policy?: Policy
}

export class Tracker implements TrackerService {
  readonly #parts: TrackerParts
  readonly #policy: Policy
  readonly #seed: number
  readonly #load = new LoadMeter()
  #topology: Topology

  constructor(topology: Topology, parts: TrackerParts) {
    this.#topology = topology
    this.#parts = parts
    this.#policy = parts.policy ?? defaultPolicy
    this.#seed = parts.random.below(0x1_0000_0000)
  }

  get topology(): Topology {
    return this.#topology
  }

  announce(request: AnnounceRequest, from: Address, protocol: Protocol): AnnounceReply {
    const startedMs = elapsedMs()
    const reply = this.#answer(request, from, protocol)
    this.#parts.metrics.duration((elapsedMs() - startedMs) / 1000)
    return reply
  }

  #answer(request: AnnounceRequest, from: Address, protocol: Protocol): AnnounceReply {
    const { clock, metrics } = this.#parts
    const nowMs = clock.nowMs()
    const load = this.#load.count(nowMs)
    const place = this.#admit(request.infoHash, from)
    const siteIndex = this.#siteOf(place)
    metrics.announce(siteIndex, protocol, request.event)
    if (request.event === 'stopped') return this.#forget(request, from, load)

    const observed = this.#observe(request, from, place, nowMs)
    this.#countProgress(observed, siteIndex)
    const { decision, asker } = this.#decide(
      observed.swarm,
      observed.site,
      observed.row,
      place,
      request,
      observed,
    )
    applyDecision(this.#parts.table, observed.row, decision)
    this.#countDecision(decision, siteIndex)

    const isWaiting =
      asker.role === 'needy' ||
      this.#parts.table.rows.has(observed.row, flags.doubtful) ||
      decision.choices.some((choice) => choice.ring === 'remote')
    return this.#reply(observed.swarm, decision, isWaiting, load, observed.row, clientFamily(request.peerId))
  }

  scrape(infoHashes: readonly Buffer[], from: Address): ScrapeCounts[] {
    this.#locate(from)
    return infoHashes.map((infoHash) => {
      const swarm = this.#parts.table.swarm(infoHash)
      return {
        complete: swarm?.seedClients ?? 0,
        downloaded: swarm?.downloaded ?? this.#parts.table.completions.get(infoHash),
        downloaders: swarm?.needyClients ?? 0,
        incomplete: (swarm?.needyClients ?? 0) + (swarm?.partialClients ?? 0),
      }
    })
  }

  /**
   * The handout that a peer would get if it announced now; nothing changes. Without a port, or for a peer that is
   * not in the swarm, that of a leecher that is new there. undefined where the torrent has no peers.
   */
  explain(infoHash: Buffer, address: Address, port: number | undefined): Explained | undefined {
    const place = this.#locate(address)
    const { table } = this.#parts
    const swarm = table.swarm(infoHash)
    if (swarm === undefined) return undefined
    const row = port === undefined ? -1 : table.find(swarm, address, port)
    const site = swarm.site(this.#siteOf(place))
    const request = { peersWanted: undefined, hasCompleted: false }
    const { decision, asker } = this.#decide(
      swarm,
      site ?? new SiteSwarm(this.#siteOf(place)),
      row,
      place,
      request,
      request,
    )
    return { decision, asker, swarm, placeIndex: place }
  }

  /** Uses another topology from now on, and puts every peer where that says it is. */
  changeTopology(topology: Topology): void {
    const before = this.#topology
    this.#parts.table.remap({
      siteOfPlace: topology.places.map((place) => place.site.index),
      locate: (address) => topology.locate(address),
      siteAfter: (siteIndex) => topology.siteNamed(before.sites[siteIndex]?.name ?? '')?.index ?? -1,
    })
    this.#topology = topology
  }

  #admit(infoHash: Buffer, from: Address): number {
    const place = this.#locate(from)
    if (from.isLinkLocal) throw new Refusal('TRK_ADDRESS_UNUSABLE', `${from.toString()} is link-local`)
    if (!this.#parts.admission.admits(infoHash))
      throw new Refusal('TRK_TORRENT_UNKNOWN', infoHash.toString('hex'))
    return place
  }

  #locate(from: Address): number {
    const place = this.#topology.locate(from)
    if (place < 0) throw new Refusal('TRK_ADDRESS_UNMAPPED', from.toString())
    return place
  }

  #siteOf(place: number): number {
    return this.#topology.places[place]?.site.index ?? -1
  }

  #observe(request: AnnounceRequest, from: Address, place: number, nowMs: number): Observed {
    const { table, interval } = this.#parts
    const family = clientFamily(request.peerId)
    const role: Role = request.leftBytes === 0 ? 'seed' : request.event === 'paused' ? 'partial' : 'needy'
    const swarm = table.swarm(request.infoHash)
    const known = swarm === undefined ? -1 : table.find(swarm, from, request.port)
    const isDoubtful =
      role === 'seed' && family.saysCompleteForMagnets && !isTrusted(table, known, request, nowMs)
    return table.observe({
      infoHash: request.infoHash,
      address: from,
      port: request.port,
      place,
      identity: hashIdentity(request.peerId, request.key, from),
      role,
      leftKib: request.leftBytes === undefined ? LEFT_UNKNOWN : kib(request.leftBytes),
      downloadedKib: kib(request.downloadedBytes),
      nowMs,
      // Made exact by `#reply`, once the interval is known; until then, what it could be at most.
      lifetimeSeconds: lifetimeSeconds(interval.secondsMax, family.announceSecondsMin),
      isReachable: request.port > 1,
      isDoubtful,
      isSlowToForward: family.isSlowToForward,
    })
  }

  #decide(
    swarm: Swarm,
    site: SiteSwarm,
    row: number,
    place: number,
    request: { readonly peersWanted: number | undefined },
    observed: { readonly hasCompleted: boolean },
  ): { readonly decision: Decision; readonly asker: Asker } {
    const { table, clock } = this.#parts
    const asker: Asker = {
      row,
      place,
      role: row < 0 ? 'needy' : table.roleOf(row),
      hasCompleted: observed.hasCompleted,
      peersWanted: Math.min(request.peersWanted ?? PEERS_WANTED_DEFAULT, PEERS_WANTED_MAX),
    }
    const decision = decideHandout({
      table,
      topology: this.#topology,
      policy: this.#policy,
      nowMs: clock.nowMs(),
      seed: this.#seed ^ Math.imul(swarm.rows, 0x9e3779b1) ^ (row < 0 ? place : table.rows.identity(row)),
      swarm,
      site,
      asker,
    })
    return { decision, asker }
  }

  #reply(
    swarm: Swarm,
    decision: Decision,
    isWaiting: boolean,
    load: number,
    row: number,
    family: { readonly announceSecondsMin: number },
  ): AnnounceReply {
    const { table, random, interval } = this.#parts
    const size = { isWaiting, swarmPeers: swarm.rows, nodePeers: table.rows.live }
    const { intervalSeconds, intervalSecondsMin } = pace(interval, size, load, random)
    const lifetime = lifetimeSeconds(intervalSeconds, family.announceSecondsMin)
    table.rows.setLifetime(row, lifetime)
    return {
      complete: swarm.seedClients,
      incomplete: swarm.needyClients + swarm.partialClients,
      downloaded: swarm.downloaded,
      intervalSeconds,
      intervalSecondsMin,
      ...writePeers(table.rows, decision.choices),
    }
  }

  #forget(request: AnnounceRequest, from: Address, load: number): AnnounceReply {
    const { table, random, interval } = this.#parts
    const swarm = table.swarm(request.infoHash)
    const row = swarm === undefined ? -1 : table.find(swarm, from, request.port)
    if (row >= 0) table.remove(row, 'stopped')
    const size = { isWaiting: false, swarmPeers: swarm?.rows ?? 0, nodePeers: table.rows.live }
    return {
      complete: swarm?.seedClients ?? 0,
      incomplete: swarm === undefined ? 0 : swarm.needyClients + swarm.partialClients,
      downloaded: swarm?.downloaded ?? table.completions.get(request.infoHash),
      ...pace(interval, size, load, random),
      ...writePeers(table.rows, []),
    }
  }

  #countProgress(observed: Observed, siteIndex: number): void {
    const { metrics } = this.#parts
    if (observed.downloadedKib > 0)
      metrics.downloaded(siteIndex, observed.downloadedKib * 1024, observed.isGatewayHost)
    if (observed.hasCompleted) metrics.completion(siteIndex)
  }

  #countDecision(decision: Decision, siteIndex: number): void {
    const { metrics } = this.#parts
    if (decision.election !== undefined) metrics.election(siteIndex, decision.election)
    if (decision.isRescue) metrics.rescue(siteIndex)
    let bubble = 0
    let remote = 0
    for (const { ring } of decision.choices) {
      if (ring === 'bubble') bubble++
      else if (ring === 'remote') remote++
    }
    metrics.handout(siteIndex, 'bubble', bubble)
    metrics.handout(siteIndex, 'site', decision.choices.length - bubble - remote)
    metrics.handout(siteIndex, 'remote', remote)
  }
}

export interface Explained {
  readonly decision: Decision
  readonly asker: Asker
  readonly swarm: Swarm
  readonly placeIndex: number
}

/**
 * Whether `left=0` of a client that says so for magnets too can be believed: it was incomplete before, or it says
 * so again a while later. A magnet client has its metadata by then and has announced what it really lacks.
 */
function isTrusted(table: SwarmTable, known: number, request: AnnounceRequest, nowMs: number): boolean {
  if (request.event === 'completed' || request.downloadedBytes > 0) return true
  if (known < 0) return false
  if (table.rows.has(known, flags.proven) || !table.rows.has(known, flags.seed)) return true
  if (!table.rows.has(known, flags.doubtful)) return true
  const { rows } = table
  return request.event === 'none' && nowMs - rows.heardAtMs(known, nowMs) >= rows.lifetimeSeconds(known) * 125
}

/** Rounded up, so that the last bytes are not nothing; saturated below the value that means "unknown". */
function kib(bytes: number): number {
  return Math.min(Math.ceil(bytes / 1024), LEFT_UNKNOWN - 1)
}
