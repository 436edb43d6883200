/**
 * The use cases: announce, scrape, explain. An announce is recorded, answered from memory, and counted. It waits for
 * nothing, with one exception: the one that makes a gateway may wait for the consent of the site's other nodes.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceReply, AnnounceRequest, ScrapeCounts, TrackerService } from '../core/announce.ts'
import { type Clock, elapsedMs } from '../core/clock.ts'
import { Refusal } from '../core/errors.ts'
import { PEERS_WANTED_DEFAULT, PEERS_WANTED_MAX } from '../core/limits.ts'
import type { Random } from '../core/random.ts'
import type { Protocol, TrackerMetrics } from '../core/tracker-metrics.ts'
import { applyDecision, countDecision, rankGateway } from './apply-decision.ts'
import { decideHandout } from '../handout/decide-handout.ts'
import type { Decision, Requester } from '../handout/decision.ts'
import { defaultPolicy, type Policy } from '../handout/policy.ts'
import { flags, writePeers } from '../swarm/peer-rows.ts'
import { SiteSwarm, type Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import type { Topology } from '../topology/topology.ts'
import { GatewayElections } from './gateway-elections.ts'
import { type RecordedAnnounce, AnnounceRecorder, isGateway } from './announce-recorder.ts'
import { type IntervalLimits, LoadMeter, type AnnounceInterval, pace } from './interval.ts'
import type { GatewayLeases } from '../replication/site-store.ts'
import { type PeerProbe, CompletionPoller } from './completion-poller.ts'
import { choicesOfRemoteSite, decisionOfRemoteSite, type Explained } from './explain.ts'
import type { RemoteCounts, TorrentAdmission } from './ports.ts'
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import { DeferredAnnounces } from './deferred-announces.ts'

export interface TrackerComponents {
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  readonly table: SwarmTable
  readonly clock: Clock
  readonly random: Random
  readonly metrics: TrackerMetrics
  readonly admission: TorrentAdmission
  readonly interval: IntervalLimits
  readonly policy?: Policy
  /** Whom to ask before a peer becomes gateway. Without: nobody, as for a site with one node. */
  readonly leases?: GatewayLeases
  /** Tells the other nodes of the site. Without: there are none. */
  readonly replica?: SwarmReplica
  /** Without it, this node is not federated and answers for all sites. */
  readonly remote?: RemoteCounts
  /** Waits for remote sites to announce their elections; by default, for that long. */
  readonly wait?: (forMs: number) => Promise<void>
  /** Asks a client whether it is complete. Without: what it announces is all that is known of it. */
  readonly inquire?: PeerProbe
  /** A peer of this site finished this torrent; told on the announce path, so it does next to nothing. */
  readonly onCompletion?: (infoHash: Buffer, siteIndex: number) => void
}

export class Tracker implements TrackerService {
  readonly #parts: TrackerComponents
  readonly #policy: Policy
  readonly #seed: number
  readonly #load = new LoadMeter()
  readonly #claims: GatewayElections | undefined
  readonly #hearing: AnnounceRecorder
  readonly #waiting: DeferredAnnounces
  readonly #silent: CompletionPoller | undefined

  constructor(parts: TrackerComponents) {
    this.#parts = parts
    const { clock, leases, topology } = parts
    if (leases !== undefined) this.#claims = new GatewayElections({ ...parts, leases })
    this.#hearing = new AnnounceRecorder(parts, this.#claims)
    this.#waiting = new DeferredAnnounces(clock)
    if (parts.inquire !== undefined)
      this.#silent = new CompletionPoller(parts.inquire, clock, (request, from) => this.#learn(request, from))
    this.#policy = parts.policy ?? defaultPolicy
    this.#seed = parts.random.below(0x1_0000_0000)
    topology.onReplace((after, before) => this.#remap(after, before))
  }

  announce(
    request: AnnounceRequest,
    from: Address,
    protocol: Protocol,
  ): AnnounceReply | Promise<AnnounceReply> {
    const startedMs = elapsedMs()
    const reply = this.#answer(request, from, protocol)
    if (reply instanceof Promise) return this.#timed(reply, startedMs)
    this.#parts.metrics.duration((elapsedMs() - startedMs) / 1000)
    return reply
  }

  async #timed(reply: Promise<AnnounceReply>, startedMs: number): Promise<AnnounceReply> {
    const given = await reply
    this.#parts.metrics.duration((elapsedMs() - startedMs) / 1000)
    return given
  }

  #answer(
    request: AnnounceRequest,
    from: Address,
    protocol: Protocol,
  ): AnnounceReply | Promise<AnnounceReply> {
    const { clock, metrics } = this.#parts
    const nowMs = clock.nowMs()
    const load = this.#load.count(nowMs)
    const place = this.#admit(request.infoHash, from)
    metrics.announce(this.#siteOf(place), protocol, request.event)
    if (this.#parts.authority.isRemote(this.#siteOf(place))) return this.#repeatDecision(request, from, load)
    if (request.event === 'stopped') {
      this.#silent?.forget(request, from)
      return this.#replyWithCounts(request.infoHash, this.#hearing.forget(request, from, load, nowMs))
    }
    const heard = this.#hearing.hear(request, from, place, load, nowMs)
    const reply = this.#attempt(heard, nowMs) ?? this.#postpone(heard, protocol)
    if (heard.family.reportsCompletionLate) this.#silent?.watch(request, from, reply)
    return reply
  }

  /**
   * Nothing is recorded of a peer whose own site is heard from, and nothing decided. It comes back soon, since here
   * nobody can tell how much it needs.
   */
  #repeatDecision(request: AnnounceRequest, from: Address, load: number): AnnounceReply {
    const { table, random, interval } = this.#parts
    const size = { isWaiting: true, swarmPeers: 0, nodePeers: table.rows.live }
    const { intervalSeconds } = pace(interval, size, load, random)
    return {
      ...this.#replyWithCounts(request.infoHash, { intervalSeconds, intervalSecondsMin: intervalSeconds }),
      ...writePeers(table.rows, request.event === 'stopped' ? [] : choicesOfRemoteSite(table, request, from)),
    }
  }

  /** Decides and answers; undefined where it is too early for an answer. */
  #attempt(heard: RecordedAnnounce, nowMs: number): AnnounceReply | Promise<AnnounceReply> | undefined {
    const decision = this.#decideFor(heard, true)
    this.#hearing.endLeases(decision, nowMs)
    if (decision.isTooEarly) return undefined
    // It was there all the time, and fetches from now on.
    if (heard.waitedMs > 0) this.#hearing.hearAgain(heard.row, nowMs)
    return decision.election === undefined ? this.#conclude(heard, decision) : this.#elect(heard, decision)
  }

  /** Answers once there is something to answer. A datagram is not kept waiting: its sender would repeat it. */
  #postpone(heard: RecordedAnnounce, protocol: Protocol): Promise<AnnounceReply> {
    const paced = { ...heard, pace: this.#hearing.pace(heard, true) }
    this.#parts.replica?.recordPeer(heard.row)
    if (protocol === 'udp') throw new Refusal('TRK_TOO_EARLY')
    const peer = endpointOf(this.#parts.table, heard.row)
    return this.#waiting.wait((waitedMs) => {
      const found = this.#stillThere(paced, peer)
      if (found === undefined) return this.#replyWithCounts(paced.swarm.infoHash, paced.pace)
      return this.#attempt({ ...found, waitedMs }, this.#parts.clock.nowMs())
    })
  }

  /** What is due: announces that wait, and clients that do not say when they are complete. About twice a second. */
  tick(): void {
    this.#silent?.tick()
    this.#waiting.tick()
  }

  /** Lets nobody wait any longer. */
  close(): void {
    this.#waiting.close()
  }

  /** What a client told when it was asked, as if it had announced it; it is not there to be answered. */
  #learn(request: AnnounceRequest, from: Address): void {
    const place = this.#parts.topology.value.locate(from)
    const { clock, replica, authority } = this.#parts
    if (place < 0 || authority.isRemote(this.#siteOf(place))) return
    try {
      const heard = this.#hearing.hear(request, from, place, 0, clock.nowMs())
      this.#hearing.pace(heard, request.leftBytes !== 0)
      replica?.recordPeer(heard.row)
    } catch (error) {
      // No room for it: then it is as if it had not been asked.
      if (!(error instanceof Refusal)) throw error
    }
  }

  /** The peer of an announce that waited; undefined where it said meanwhile that it stops. */
  #stillThere<Known extends RecordedAnnounce>(heard: Known, { address, port }: Endpoint): Known | undefined {
    const { table } = this.#parts
    const swarm = table.swarm(heard.swarm.infoHash)
    const row = swarm === undefined ? -1 : table.find(swarm, address, port)
    return swarm === undefined || row < 0 ? undefined : { ...heard, swarm, row }
  }

  /** The requester becomes gateway if the other nodes agree; else it is answered like any leecher. */
  #elect(heard: RecordedAnnounce, decision: Decision): AnnounceReply | Promise<AnnounceReply> {
    const claims = this.#claims
    if (claims === undefined) return this.#conclude(heard, decision)
    // The others need to know for how long; and what is said of the peer meanwhile must not be changed afterwards.
    const paced = { ...heard, pace: this.#hearing.pace(heard, true) }
    const granted = claims.claim(heard.row)
    if (granted === true) return this.#conclude(paced, decision)
    if (granted === false) return this.#conclude(paced, this.#decideFor(heard, false))
    this.#parts.replica?.recordPeer(heard.row)
    const peer = endpointOf(this.#parts.table, heard.row)
    return this.#concludeWhen(granted, paced, peer, decision)
  }

  async #concludeWhen(
    granted: Promise<unknown>,
    heard: RecordedAnnounce & { readonly pace: AnnounceInterval },
    peer: Endpoint,
    { election }: Decision,
  ): Promise<AnnounceReply> {
    const isGranted = (await granted) !== undefined
    const { table, metrics, clock } = this.#parts
    const later = this.#stillThere(heard, peer)
    // Whatever it hears now, nobody is there to use it.
    if (later === undefined) return this.#replyWithCounts(heard.swarm.infoHash, heard.pace)
    if (isGranted && election !== undefined) metrics.election(table.siteIndexOf(later.row), election)
    const decision = this.#decideFor(later, false)
    this.#hearing.endLeases(decision, clock.nowMs())
    return this.#conclude(later, decision)
  }

  /** Makes the decision true, tells the other nodes, and answers. */
  #conclude(heard: RecordedAnnounce, decision: Decision): AnnounceReply {
    const { table, topology, clock, metrics, replica } = this.#parts
    const { swarm, row } = heard
    const changed = applyDecision(table, row, decision, clock.nowMs())
    if (this.#isFederated) {
      rankGateway(table, topology.value, row, clock.nowMs())
      table.touch(row)
      if (changed.length > 0) table.changes.note(swarm)
    }
    countDecision(metrics, decision, table.siteIndexOf(row))
    const isWaiting =
      table.roleOf(row) === 'leecher' ||
      table.rows.has(row, flags.unverifiedSeed) ||
      decision.choices.some((choice) => choice.locality === 'remote')
    const paced = heard.pace ?? this.#hearing.pace(heard, isWaiting)
    if (replica !== undefined) {
      replica.recordPeer(row)
      for (const gatewayRow of changed) replica.recordLease(gatewayRow)
    }
    if (this.#claims !== undefined && isGateway(table, row)) this.#claims.renew(row)
    return {
      ...this.#replyWithCounts(swarm.infoHash, paced, swarm),
      ...writePeers(table.rows, decision.choices),
    }
  }

  scrape(infoHashes: readonly Buffer[], from: Address): ScrapeCounts[] {
    this.#locate(from)
    return infoHashes.map((infoHash) => {
      const { complete, downloaded, downloaders, incomplete } = this.totals(infoHash)
      return { complete, downloaded, downloaders, incomplete }
    })
  }

  /**
   * The handout that a peer would get if it announced now; nothing changes. Without a port, or for a peer that is not in
   * the swarm, that of a new leecher; where its own site decides, what that did. undefined where the torrent has no peers.
   */
  explain(infoHash: Buffer, address: Address, port: number | undefined): Explained | undefined {
    const place = this.#locate(address)
    const { table } = this.#parts
    const swarm = table.swarm(infoHash)
    if (swarm === undefined) return undefined
    const row = port === undefined ? -1 : table.find(swarm, address, port)
    const site = swarm.site(this.#siteOf(place))
    const { decision, requester } = this.#decide(swarm, site ?? new SiteSwarm(this.#siteOf(place)), {
      row,
      place,
      role: row < 0 ? 'leecher' : table.roleOf(row),
      hasCompleted: false,
      peersWanted: PEERS_WANTED_DEFAULT,
      // Which client it is, only an announce tells.
      dropsFinishers: false,
      isBitfieldOnly: false,
      waitedMs: 0,
    })
    const isDecidedHere = !this.#parts.authority.isRemote(this.#siteOf(place))
    return {
      decision: isDecidedHere ? decision : decisionOfRemoteSite(table, decision, row),
      requester,
      swarm,
      placeIndex: place,
      isDecidedHere,
    }
  }

  /** Moves every peer to the place that the new topology gives its address. */
  #remap(after: Topology, before: Topology): void {
    this.#parts.table.remap({
      siteOfPlace: after.places.map((place) => place.site.index),
      locate: (address) => after.locate(address),
      siteAfter: (siteIndex) => after.siteNamed(before.sites[siteIndex]?.name ?? '')?.index ?? -1,
    })
  }

  get #isFederated(): boolean {
    return this.#parts.remote !== undefined
  }

  #admit(infoHash: Buffer, from: Address): number {
    const place = this.#locate(from)
    if (from.isLinkLocal) throw new Refusal('TRK_ADDRESS_UNUSABLE', `${from.toString()} is link-local`)
    if (!this.#parts.admission.admits(infoHash))
      throw new Refusal('TRK_TORRENT_UNKNOWN', infoHash.toString('hex'))
    return place
  }

  #locate(from: Address): number {
    const place = this.#parts.topology.value.locate(from)
    if (place < 0) throw new Refusal('TRK_ADDRESS_UNMAPPED', from.toString())
    return place
  }

  #siteOf(place: number): number {
    return this.#parts.topology.value.places[place]?.site.index ?? -1
  }

  #decideFor(
    { swarm, row, peersWanted, hasCompleted, family, waitedMs }: RecordedAnnounce,
    mayElect: boolean,
  ): Decision {
    const { table } = this.#parts
    const requester: Requester = {
      row,
      place: table.rows.place(row),
      role: table.roleOf(row),
      hasCompleted,
      peersWanted: Math.min(peersWanted ?? PEERS_WANTED_DEFAULT, PEERS_WANTED_MAX),
      dropsFinishers: family.dropsFinishers,
      isBitfieldOnly: family.isBitfieldOnly,
      waitedMs,
    }
    return this.#decide(swarm, table.siteOf(row), requester, mayElect).decision
  }

  #decide(
    swarm: Swarm,
    site: SiteSwarm,
    requester: Requester,
    mayElect = true,
  ): { readonly decision: Decision; readonly requester: Requester } {
    const { table, clock } = this.#parts
    const { row, place } = requester
    const decision = decideHandout({
      table,
      topology: this.#parts.topology.value,
      policy: this.#policy,
      nowMs: clock.nowMs(),
      seed: this.#seed ^ Math.imul(swarm.rows, 0x9e3779b1) ^ (row < 0 ? place : table.rows.identity(row)),
      swarm,
      site,
      requester,
      isFederated: this.#isFederated,
      mayElect,
    })
    return { decision, requester }
  }

  /** Clients of a torrent over all sites. */
  totals(infoHash: Buffer, swarm = this.#parts.table.swarm(infoHash)): ScrapeCounts {
    const { table, remote } = this.#parts
    const seeds = swarm?.seedClients ?? 0
    const leechers = swarm?.leecherClients ?? 0
    const partial = swarm?.partialClients ?? 0
    const others = remote?.totals(infoHash)
    return {
      complete: seeds + (others?.seeds ?? 0),
      downloaded: (swarm?.downloaded ?? table.completions.get(infoHash).count) + (others?.downloaded ?? 0),
      downloaders: leechers + (others?.leechers ?? 0),
      incomplete: leechers + partial + (others?.leechers ?? 0) + (others?.partial ?? 0),
    }
  }

  /** The clients of a remote site, as that site advertises them; undefined where this node counts them. */
  countsOf(infoHash: Buffer, siteIndex: number) {
    return this.#parts.remote?.countsOf(infoHash, siteIndex)
  }

  /** For somebody who needs no peers. */
  #replyWithCounts(infoHash: Buffer, paced: AnnounceInterval, swarm?: Swarm): AnnounceReply {
    const { complete, incomplete, downloaded } = this.totals(infoHash, swarm)
    return { complete, incomplete, downloaded, ...paced, ...writePeers(this.#parts.table.rows, []) }
  }
}

interface Endpoint {
  readonly address: Address
  readonly port: number
}

/** Rows are given to others while somebody waits; this still names the peer. */
function endpointOf(table: SwarmTable, row: number): Endpoint {
  return { address: table.rows.address(row), port: table.rows.port(row) }
}
