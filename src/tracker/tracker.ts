/**
 * The use cases: announce, scrape, explain. An announce is recorded, answered from memory, and counted. No announce
 * waits, with three exceptions: the first announce of a leecher waits for its dial, an election asks the site's other
 * nodes, and the announces of rtorrent, of unreachable clients and of the second leecher of a site may be deferred.
 */
import type { Address } from '../core/address.ts'
import type {
  AnnounceReply,
  AnnounceRequest,
  Arrival,
  ScrapeCounts,
  TrackerService,
} from '../core/announce.ts'
import { elapsedMs } from '../core/clock.ts'
import { Refusal } from '../core/errors.ts'
import type { Protocol } from '../core/tracker-metrics.ts'
import { applyDecision, countDecision, rankGateway } from './apply-decision.ts'
import { carrierContact, peersOf } from './carrier-peer.ts'
import { decideHandout } from '../handout/decide-handout.ts'
import type { Decision, Requester } from '../handout/decision.ts'
import { LoopbackPeers } from '../handout/loopback-peers.ts'
import { defaultPolicy, type Policy } from '../handout/policy.ts'
import { flags } from '../swarm/peer-rows.ts'
import { SiteSwarm, type Swarm } from '../swarm/swarm.ts'
import { writePeers } from '../swarm/write-peers.ts'
import { GatewayElections } from './gateway-elections.ts'
import { type RecordedAnnounce, AnnounceRecorder, isGateway } from './announce-recorder.ts'
import { LoadMeter, type AnnounceInterval, computeInterval } from './interval.ts'
import { type Endpoint, endpointOf } from './endpoint.ts'
import { choicesOfRemoteSite, decisionOfRemoteSite, type Explained, unknownClient } from './explain.ts'
import { recordedClient, unrecordedClient } from './requester.ts'
import { ObservationRecorder } from './observation-recorder.ts'
import { DeferredAnnounces, type Deferral } from './deferred-announces.ts'
import { placesAfter } from './places-after.ts'
import { totalsOf } from './totals.ts'
import type { TrackerComponents } from './tracker-components.ts'

export class Tracker implements TrackerService {
  readonly #parts: TrackerComponents
  readonly #policy: Policy
  readonly #seed: number
  readonly #load = new LoadMeter()
  readonly #elections: GatewayElections | undefined
  readonly #recorder: AnnounceRecorder
  readonly #deferred: Deferral
  /** Takes the observations of the clients of this site. */
  readonly observations: ObservationRecorder

  constructor(parts: TrackerComponents) {
    this.#parts = parts
    const { clock, leases, topology } = parts
    if (leases !== undefined) this.#elections = new GatewayElections({ ...parts, leases })
    this.#recorder = new AnnounceRecorder(parts, this.#elections)
    this.#deferred = parts.deferred ?? new DeferredAnnounces(clock)
    this.observations = new ObservationRecorder({
      ...parts,
      recorder: this.#recorder,
      attemptDeferred: () => this.#deferred.tick(),
    })
    this.#policy = parts.policy ?? defaultPolicy
    this.#seed = parts.random.below(0x1_0000_0000)
    topology.onReplace((after, before) => parts.table.relocation.begin(placesAfter(after, before)))
  }

  announce(
    request: AnnounceRequest,
    from: Address,
    protocol: Protocol,
    arrival?: Arrival,
  ): AnnounceReply | Promise<AnnounceReply> {
    const startedMs = elapsedMs()
    const reply = this.#answer(request, from, protocol, arrival)
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
    arrival: Arrival | undefined,
  ): AnnounceReply | Promise<AnnounceReply> {
    const { clock, metrics } = this.#parts
    const nowMs = clock.nowMs()
    const load = this.#load.count(nowMs)
    this.#parts.sources?.request(from, nowMs)
    const place = this.#admit(request.infoHash, from)
    metrics.announce(this.#siteOf(place), protocol, request.event)
    if (this.#parts.authority.isRemote(this.#siteOf(place))) return this.#repeatDecision(request, from, load)
    if (request.event === 'stopped')
      return this.#replyWithCounts(request.infoHash, this.#recorder.forget(request, from, load, nowMs))
    const recorded = this.#recorder.record(request, from, place, {
      load,
      nowMs,
      mayWait: protocol === 'http' && this.#deferred.hasRoom(from),
      arrival,
    })
    if (recorded === undefined) return this.#answerUnrecorded(request, from, place, load)
    return this.#attempt(recorded, nowMs) ?? this.#defer(recorded)
  }

  /** Answers a client at the endpoint of another client's peer as a new one that cannot become gateway. */
  #answerUnrecorded(request: AnnounceRequest, from: Address, place: number, load: number): AnnounceReply {
    const { table, metrics } = this.#parts
    const computed = this.#shortInterval(load)
    const siteIndex = this.#siteOf(place)
    const swarm = table.swarm(request.infoHash)
    if (swarm === undefined) return this.#replyWithCounts(request.infoHash, computed)
    const site = swarm.site(siteIndex) ?? new SiteSwarm(siteIndex)
    const requester = unrecordedClient(request, place)
    const reception = { isLoopback: from.isLoopback, arrival: undefined }
    const { decision } = this.#decide(swarm, site, requester, reception, false)
    countDecision(metrics, decision, siteIndex)
    return {
      ...this.#replyWithCounts(request.infoHash, computed, swarm),
      ...writePeers(table.rows, decision.choices),
    }
  }

  /**
   * Repeats the decision of the peer's own, remote site; records and decides nothing. The interval is short, since this
   * node does not know how much the peer lacks.
   */
  #repeatDecision(request: AnnounceRequest, from: Address, load: number): AnnounceReply {
    const { table } = this.#parts
    const { intervalSeconds } = this.#shortInterval(load)
    return {
      ...this.#replyWithCounts(request.infoHash, { intervalSeconds, intervalSecondsMin: intervalSeconds }),
      ...writePeers(table.rows, request.event === 'stopped' ? [] : choicesOfRemoteSite(table, request, from)),
    }
  }

  /** Of a client of which this node has no state. */
  #shortInterval(load: number): AnnounceInterval {
    const { table, random, interval } = this.#parts
    const size = { isWaiting: true, swarmPeers: 0, nodePeers: table.rows.live }
    return computeInterval(interval, size, load, random)
  }

  /** Decides and responds; undefined where it is too early for a response. */
  #attempt(recorded: RecordedAnnounce, nowMs: number): AnnounceReply | Promise<AnnounceReply> | undefined {
    if (
      recorded.mayWait &&
      this.#parts.table.roleOf(recorded.row) === 'leecher' &&
      !this.#isChecked(recorded)
    )
      return this.#attemptChecked(recorded)
    const decision = this.#decideFor(recorded, true)
    this.#recorder.endLeases(decision, nowMs)
    if (decision.isTooEarly) return undefined
    // The peer was connected all the time, and fetches from now on.
    if (recorded.waitedMs > 0) this.#recorder.refresh(recorded.row, nowMs)
    if (decision.election === undefined) return this.#conclude(recorded, decision)
    return this.#isChecked(recorded) ? this.#elect(recorded, decision) : this.#attemptChecked(recorded)
  }

  /** Whether the client has been dialled, or cannot be. */
  #isChecked({ row, isChecked }: RecordedAnnounce): boolean {
    const { reachability, table } = this.#parts
    return reachability === undefined || isChecked || table.observed.isChecked(row)
  }

  /** Decides when it is known whether the requester accepts connections: a gateway has to, and others need more peers. */
  async #attemptChecked(recorded: RecordedAnnounce): Promise<AnnounceReply> {
    const scheduled = {
      ...recorded,
      interval: this.#recorder.computeInterval(recorded, true),
      isChecked: true,
    }
    this.#parts.replica?.recordPeer(recorded.row)
    const peer = endpointOf(this.#parts.table, recorded.row)
    await this.#parts.reachability?.check({ infoHash: recorded.swarm.infoHash, ...peer })
    const later = this.#stillThere(scheduled, peer)
    if (later === undefined) return this.#replyWithCounts(scheduled.swarm.infoHash, scheduled.interval)
    return this.#attempt(later, this.#parts.clock.nowMs()) ?? this.#defer(later)
  }

  /** Responds when there is a peer to hand out. A datagram is not deferred: its sender would repeat it. */
  #defer(recorded: RecordedAnnounce): Promise<AnnounceReply> {
    const scheduled = { ...recorded, interval: this.#recorder.computeInterval(recorded, true) }
    this.#parts.replica?.recordPeer(recorded.row)
    if (!recorded.mayWait) throw new Refusal('TRK_TOO_EARLY')
    const peer = endpointOf(this.#parts.table, recorded.row)
    return this.#deferred.defer((waitedMs) => {
      const found = this.#stillThere(scheduled, peer)
      if (found === undefined) return this.#replyWithCounts(scheduled.swarm.infoHash, scheduled.interval)
      return this.#attempt({ ...found, waitedMs }, this.#parts.clock.nowMs())
    }, peer.address)
  }

  /** Called about twice a second. */
  tick(): void {
    this.observations.tick()
    this.#deferred.tick()
  }

  close(): void {
    this.#deferred.close()
  }

  /** The peer of an announce that waited; undefined where it has stopped in the meantime. */
  #stillThere<Known extends RecordedAnnounce>(
    recorded: Known,
    { address, port }: Endpoint,
  ): Known | undefined {
    const { table } = this.#parts
    const swarm = table.swarm(recorded.swarm.infoHash)
    const row = swarm === undefined ? -1 : table.find(swarm, address, port)
    return swarm === undefined || row < 0 ? undefined : { ...recorded, swarm, row }
  }

  /** The requester becomes gateway if the other nodes agree; else it is answered like any leecher. */
  #elect(recorded: RecordedAnnounce, decision: Decision): AnnounceReply | Promise<AnnounceReply> {
    const elections = this.#elections
    if (elections === undefined) return this.#conclude(recorded, decision)
    // Replicas need the lifetime; and a later announce of the peer must not be overwritten afterwards.
    const scheduled = { ...recorded, interval: this.#recorder.computeInterval(recorded, true) }
    const granted = elections.claim(recorded.row)
    if (granted === true) return this.#conclude(scheduled, decision)
    if (granted === false) return this.#conclude(scheduled, this.#decideFor(recorded, false))
    this.#parts.replica?.recordPeer(recorded.row)
    const peer = endpointOf(this.#parts.table, recorded.row)
    return this.#concludeWhen(granted, scheduled, peer, decision)
  }

  async #concludeWhen(
    granted: Promise<unknown>,
    recorded: RecordedAnnounce & { readonly interval: AnnounceInterval },
    peer: Endpoint,
    { election }: Decision,
  ): Promise<AnnounceReply> {
    const isGranted = (await granted) !== undefined
    const { table, metrics, clock } = this.#parts
    const later = this.#stillThere(recorded, peer)
    // The peer has stopped: its response needs no peers.
    if (later === undefined) return this.#replyWithCounts(recorded.swarm.infoHash, recorded.interval)
    if (isGranted && election !== undefined) metrics.election(table.siteIndexOf(later.row), election)
    const decision = this.#decideFor(later, false)
    this.#recorder.endLeases(decision, clock.nowMs())
    return this.#conclude(later, decision)
  }

  /** Applies the decision, replicates it, and responds. */
  #conclude(recorded: RecordedAnnounce, decision: Decision): AnnounceReply {
    const { table, topology, clock, metrics, replica } = this.#parts
    const { swarm, row } = recorded
    const changed = applyDecision(table, row, decision, clock.nowMs())
    if (this.#parts.remote !== undefined) {
      rankGateway(table, topology.value, row, clock.nowMs())
      table.touch(row)
      if (changed.length > 0) table.changes.note(swarm)
    }
    countDecision(metrics, decision, table.siteIndexOf(row))
    const isWaiting =
      table.roleOf(row) === 'leecher' ||
      table.rows.has(row, flags.unverifiedSeed) ||
      decision.choices.some((choice) => choice.locality === 'remote')
    const scheduled = recorded.interval ?? this.#recorder.computeInterval(recorded, isWaiting)
    if (replica !== undefined) {
      replica.recordPeer(row)
      for (const gatewayRow of changed) replica.recordLease(gatewayRow)
    }
    if (this.#elections !== undefined && isGateway(table, row)) this.#elections.renew(row)
    return {
      ...this.#replyWithCounts(swarm.infoHash, scheduled, swarm),
      ...peersOf(this.#parts, decision, recorded),
    }
  }

  scrape(infoHashes: readonly Buffer[], from: Address): ScrapeCounts[] {
    this.#parts.sources?.request(from, this.#parts.clock.nowMs())
    this.#locate(from)
    return infoHashes.map((infoHash) => this.totals(infoHash))
  }

  /**
   * The handout that a peer would get if it announced now; changes nothing. Without a port, or for a peer that is not in
   * the swarm, that of a new leecher; for a peer of a remote site, that site's decision. undefined where the torrent has
   * no peers.
   */
  explain(infoHash: Buffer, address: Address, port: number | undefined): Explained | undefined {
    const place = this.#locate(address)
    const { table } = this.#parts
    const swarm = table.swarm(infoHash)
    if (swarm === undefined) return undefined
    const row = port === undefined ? -1 : table.find(swarm, address, port)
    const site = swarm.site(this.#siteOf(place))
    const role = row < 0 ? 'leecher' : table.roleOf(row)
    const { decision, requester, withheld } = this.#decide(
      swarm,
      site ?? new SiteSwarm(this.#siteOf(place)),
      unknownClient({ row, place, role }),
      { isLoopback: address.isLoopback, arrival: undefined },
    )
    const isDecidedHere = !this.#parts.authority.isRemote(this.#siteOf(place))
    return {
      decision: isDecidedHere ? decision : decisionOfRemoteSite(table, decision, row),
      requester,
      swarm,
      placeIndex: place,
      isDecidedHere,
      carrier: this.#parts.carriedSites?.describe(infoHash, this.#siteOf(place)),
      loopbackWithheld: isDecidedHere ? withheld.length : 0,
    }
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

  #decideFor(recorded: RecordedAnnounce, mayElect: boolean): Decision {
    const { table } = this.#parts
    const { swarm, row, arrival } = recorded
    const from = { isLoopback: table.rows.isLoopback(row), arrival }
    const requester = recordedClient(table, recorded)
    const { decision, withheld } = this.#decide(swarm, table.siteOf(row), requester, from, mayElect)
    for (const other of withheld) this.#parts.reports?.loopbackWithheld(table.rows.address(other))
    return decision
  }

  #decide(
    swarm: Swarm,
    site: SiteSwarm,
    requester: Requester,
    { isLoopback, arrival }: { readonly isLoopback: boolean; readonly arrival: Arrival | undefined },
    mayElect = true,
  ): { readonly decision: Decision; readonly requester: Requester; readonly withheld: readonly number[] } {
    const { table, clock } = this.#parts
    const { row, place } = requester
    const loopback = new LoopbackPeers(table.rows, isLoopback)
    const decision = decideHandout({
      table,
      topology: this.#parts.topology.value,
      policy: this.#policy,
      nowMs: clock.nowMs(),
      seed: this.#seed ^ Math.imul(swarm.rows, 0x9e3779b1) ^ (row < 0 ? place : table.rows.identity(row)),
      swarm,
      site,
      requester,
      loopback,
      isFederated: this.#parts.remote !== undefined,
      mayElect,
      carrier: carrierContact(this.#parts, swarm, site, { row, arrival }),
    })
    return { decision, requester, withheld: loopback.withheld }
  }

  /** Clients of a torrent over all sites. */
  totals(infoHash: Buffer, swarm = this.#parts.table.swarm(infoHash)): ScrapeCounts {
    return totalsOf(this.#parts, infoHash, swarm)
  }

  /** The clients of a remote site, as that site advertises them; undefined where this node counts them. */
  countsOf(infoHash: Buffer, siteIndex: number) {
    return this.#parts.remote?.countsOf(infoHash, siteIndex)
  }

  /** A response without peers. */
  #replyWithCounts(infoHash: Buffer, scheduled: AnnounceInterval, swarm?: Swarm): AnnounceReply {
    const { complete, incomplete, downloaded } = this.totals(infoHash, swarm)
    return { complete, incomplete, downloaded, ...scheduled, ...writePeers(this.#parts.table.rows, []) }
  }
}
