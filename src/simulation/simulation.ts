/**
 * One rollout in virtual time: clients start, announce, dial the peers they receive, exchange pieces, complete.
 *
 * Time advances in steps in which a host at full speed transfers about one piece; client events (announces, dials,
 * rechokes) run at the first step after they are due. Deterministic: all randomness derives from the seed of the
 * scenario.
 */
import { ManualClock } from '../core/clock.ts'
import { SeededRandom } from '../core/random.ts'
import { defaultPolicy, type Policy } from '../handout/policy.ts'
import { RECONNECT_SECONDS } from './client-model.ts'
import { Exchange } from './exchange.ts'
import type { Outcome } from './outcome.ts'
import { readOutcome } from './outcome.ts'
import type { PeerSource, SimulatedResponse } from './peer-source.ts'
import { Population } from './population.ts'
import { RandomSource } from './random-source.ts'
import { boundSeconds, type Loss, pieceCount, type Scenario } from './scenario.ts'
import { SiteCarriers } from './site-carriers.ts'
import { SiteswarmSource } from './siteswarm-source.ts'
import { kinds, Timeline } from './timeline.ts'

/** `carriers`: nodes carry the content (`carry: nodes`). `siteswarm`: gateways fetch it (`carry: direct`). */
export const policyNames = ['carriers', 'siteswarm', 'blind', 'biased'] as const
export type PolicyName = (typeof policyNames)[number]

export interface SimulationOptions {
  /** Overrides of the handout policy of the tracker. */
  readonly handout?: Policy
}

/** The default interval limits of a node. */
const INTERVAL = { secondsMin: 60, secondsMax: 1800 } as const
/** Steps within the lower bound; a finer resolution changes nothing visible. */
const STEPS_PER_BOUND = 2000
/** A rollout beyond twice the lower bound is slow, and its steps become longer. */
const SLOW_AFTER_BOUNDS = 2
/** Times of a slow rollout are exact to half a per cent. */
const STEPS_PER_SLOW_SPAN = 200
const STEP_SECONDS_MAX = 1
/** Carriers take back offers and make new ones without an event of a client. */
const CARRIER_STEP_MS_MAX = 1_000
/** Duration of a handshake, and of a tracker's response. */
const ROUND_TRIP_MS = 50
/** A node attempts deferred responses this often. */
const ATTEMPT_MS = 500
/** Idle time after which a rollout cannot progress: clients announce at least every half hour. */
const GIVE_UP_SECONDS = 7200

export class Simulation {
  readonly #scenario: Scenario
  readonly #policy: PolicyName
  readonly #clock = new ManualClock(0)
  readonly #random: SeededRandom
  readonly #population: Population
  readonly #timeline = new Timeline()
  readonly #exchange: Exchange
  readonly #carriers: SiteCarriers | undefined
  readonly #source: PeerSource
  #stepMs: number
  readonly #doneMs: Float64Array
  readonly #started: Uint8Array
  /** Due time of the next announce of each host; an announce event with another time is obsolete. */
  readonly #announceMs: Float64Array
  /** Time before which two hosts do not reconnect, by `dialler * hosts + dialled`. */
  readonly #bannedUntilMs = new Map<number, number>()
  #lossesToCome: readonly Loss[]
  #unfinished: number
  /** Time of the last transfer. */
  #movedMs: number

  constructor(scenario: Scenario, policy: PolicyName, options: SimulationOptions = {}) {
    this.#scenario = scenario
    this.#policy = policy
    this.#random = new SeededRandom(scenario.seed)
    this.#population = new Population(scenario, this.#random)
    const { count } = this.#population
    this.#doneMs = new Float64Array(count).fill(-1)
    this.#announceMs = new Float64Array(count).fill(-1)
    this.#started = new Uint8Array(count)
    this.#unfinished = count - 1
    this.#lossesToCome = scenario.losses ?? []
    this.#exchange = new Exchange({
      population: this.#population,
      pieceCount: pieceCount(scenario),
      sizeBytes: scenario.sizeBytes,
      nicBitsPerSecond: scenario.nicBitsPerSecond,
      wanBitsPerSecond: scenario.wanBitsPerSecond,
      random: this.#random,
      onComplete: (host) => this.#complete(host),
      onPiece: (endpoint, piece) => this.#carriers?.received(endpoint, piece),
      onDropped: (leecher, finisher) => this.#ban(leecher, finisher),
    })
    if (policy === 'carriers')
      this.#carriers = new SiteCarriers({
        topology: scenario.topology,
        population: this.#population,
        exchange: this.#exchange,
        pieces: pieceCount(scenario),
        pieceBytes: scenario.sizeBytes / pieceCount(scenario),
        sourceSite: scenario.sourceSite,
        random: this.#random,
      })
    this.#source = this.#openSource(options.handout ?? defaultPolicy)
    const pieceSeconds = (scenario.sizeBytes * 8) / pieceCount(scenario) / scenario.nicBitsPerSecond
    const shortest = boundSeconds(scenario) / STEPS_PER_BOUND
    // Whole milliseconds: a sum of fractions would drift from the times of the events.
    this.#stepMs = Math.max(
      1,
      Math.round(1000 * Math.min(STEP_SECONDS_MAX, Math.max(pieceSeconds, shortest))),
    )
    this.#movedMs = this.#population.startMs.reduce((latest, startMs) => Math.max(latest, startMs), 0)
    this.#exchange.seed(0)
    for (let host = 0; host < count; host++) {
      const startMs = this.#population.startMs[host] as number
      this.#announceAt(host, startMs)
      const rechokeMs = 1000 * this.#population.client(host).rechokeSeconds
      this.#timeline.add(startMs + 1 + this.#random.below(rechokeMs), kinds.rechoke, host)
    }
  }

  get nowSeconds(): number {
    return this.#clock.nowMs() / 1000
  }

  /** 0 … 1, by completed hosts and by received bytes. */
  get progress(): { readonly hosts: number; readonly bytes: number } {
    const { hostInBytes } = this.#exchange.downloads
    const leechers = Math.max(1, this.#population.count - 1)
    const bytes = hostInBytes.reduce((sum, received) => sum + received, 0)
    return { hosts: 1 - this.#unfinished / leechers, bytes: bytes / leechers / this.#scenario.sizeBytes }
  }

  get isOver(): boolean {
    return this.#unfinished === 0 || this.#clock.nowMs() - this.#movedMs > 1000 * GIVE_UP_SECONDS
  }

  step(): void {
    // Without transfers, time jumps to the next event.
    const dueMs = this.#timeline.firstMs
    const nowMs = this.#clock.nowMs()
    const slowMs = nowMs - 1000 * SLOW_AFTER_BOUNDS * boundSeconds(this.#scenario)
    this.#stepMs = Math.max(this.#stepMs, Math.floor(slowMs / STEPS_PER_SLOW_SPAN))
    const jumpMsMax = this.#carriers === undefined ? Infinity : CARRIER_STEP_MS_MAX
    const jumpMs = Math.min(Math.ceil(dueMs - nowMs), jumpMsMax)
    const stepMs = this.#exchange.isQuiet ? Math.max(this.#stepMs, jumpMs) : this.#stepMs
    this.#clock.advanceMs(stepMs)
    while (this.#timeline.next(this.#clock.nowMs())) this.#handle()
    this.#carriers?.step(this.#clock.nowMs(), stepMs)
    if (!this.#exchange.isQuiet) {
      this.#exchange.step(this.#stepMs / 1000)
      this.#movedMs = this.#clock.nowMs()
    }
    if (this.#lossesToCome.length > 0) this.#lose()
  }

  outcome(): Outcome {
    return readOutcome({
      scenario: this.#scenario,
      policy: this.#policy,
      population: this.#population,
      exchange: this.#exchange,
      doneMs: this.#doneMs,
    })
  }

  #openSource(policy: Policy): PeerSource {
    const { topology } = this.#scenario
    const population = this.#population
    const random = this.#random
    if (this.#policy === 'blind' || this.#policy === 'biased')
      return new RandomSource(this.#policy, topology.sites.length, population, random)
    return new SiteswarmSource({
      topology,
      population,
      clock: this.#clock,
      random,
      interval: INTERVAL,
      policy,
      isCarried: (site) => this.#carriers?.isCarried(site) === true,
    })
  }

  #handle(): void {
    const { kind, a, b, atMs } = this.#timeline.event
    if (kind === kinds.announce) {
      if (this.#announceMs[a] === atMs) this.#announce(a)
    } else if (kind === kinds.dial) this.#dial(a, b)
    else if (kind === kinds.attempt) this.#attempt(a)
    else {
      this.#exchange.rechoke(a)
      // Every rechoke runs, even if several fall into one long step: with fewer, a blind rollout would appear
      // twice as fast.
      if (!this.#exchange.isGone(a))
        this.#timeline.add(atMs + 1000 * this.#population.client(a).rechokeSeconds, kinds.rechoke, a)
    }
  }

  #announceAt(host: number, atMs: number): void {
    this.#announceMs[host] = atMs
    this.#timeline.add(atMs, kinds.announce, host)
  }

  #announce(host: number): void {
    if (this.#exchange.isGone(host)) return
    const nowMs = this.#clock.nowMs()
    const isFirst = this.#started[host] === 0
    this.#started[host] = 1
    if (isFirst) this.#carriers?.addHost(host)
    const { pieces, downloads } = this.#exchange
    const leftShare = 1 - pieces.haveCount[host]! / pieces.count
    const hasJustCompleted =
      host !== 0 && pieces.isComplete(host) && this.#doneMs[host]! + ROUND_TRIP_MS >= nowMs - this.#stepMs
    const response = this.#source.announce({
      host,
      event: isFirst ? 'started' : hasJustCompleted ? 'completed' : 'none',
      leftBytes: Math.round(leftShare * this.#scenario.sizeBytes),
      downloadedBytes: Math.round(downloads.hostInBytes[host]!),
    })
    this.#respond(host, response)
  }

  /** A host that a neighbour completed meanwhile has announced that instead. */
  #attempt(host: number): void {
    if (this.#doneMs[host]! < 0) this.#respond(host, this.#source.attempt?.(host))
  }

  /** `response`: undefined while it is deferred. */
  #respond(host: number, response: SimulatedResponse | undefined): void {
    if (this.#exchange.isGone(host)) return
    const nowMs = this.#clock.nowMs()
    if (response === undefined) return this.#timeline.add(nowMs + ATTEMPT_MS, kinds.attempt, host)
    const client = this.#population.client(host)
    this.#announceAt(host, nowMs + 1000 * client.announceAfterSeconds(response))
    for (const [index, other] of response.hosts.entries())
      this.#timeline.add(
        nowMs + ROUND_TRIP_MS + (1000 * index) / client.dialsPerSecond,
        kinds.dial,
        host,
        other,
      )
  }

  #dial(dialler: number, dialled: number): void {
    // A host that has not started does not accept connections.
    if (this.#started[dialled] === 0) return
    const untilMs = this.#bannedUntilMs.get(this.#pair(dialler, dialled)) ?? 0
    if (untilMs > this.#clock.nowMs()) this.#timeline.add(untilMs, kinds.dial, dialler, dialled)
    else this.#exchange.connect(dialler, dialled)
  }

  #complete(host: number): void {
    this.#doneMs[host] = this.#clock.nowMs()
    this.#unfinished--
    this.#announceAt(host, this.#clock.nowMs() + ROUND_TRIP_MS)
  }

  /** Neither reconnects for a while; then the leecher dials again. */
  #ban(leecher: number, finisher: number): void {
    const untilMs = this.#clock.nowMs() + 1000 * RECONNECT_SECONDS
    this.#bannedUntilMs.set(this.#pair(leecher, finisher), untilMs)
    this.#timeline.add(untilMs, kinds.dial, leecher, finisher)
  }

  #pair(a: number, b: number): number {
    return Math.min(a, b) * this.#population.count + Math.max(a, b)
  }

  #lose(): void {
    const { pieces, downloads } = this.#exchange
    this.#lossesToCome = this.#lossesToCome.filter(({ site, atShare }) => {
      let gateway = -1
      for (let host = 1; host < this.#population.count; host++) {
        const isHere = this.#population.siteOf[host] === site && !this.#exchange.isGone(host)
        // No host of a carried site fetches from another site: the one with the most pieces is lost.
        const isCarried = this.#carriers?.isCarried(site) === true
        const fetched = isCarried ? pieces.haveCount : downloads.hostRemoteBytes
        if (isHere && fetched[host]! > (gateway < 0 ? 0 : fetched[gateway]!)) gateway = host
      }
      if (gateway < 0 || pieces.haveCount[gateway]! < atShare * pieces.count) return true
      if (!pieces.isComplete(gateway)) this.#unfinished--
      this.#carriers?.removeHost(gateway)
      this.#exchange.remove(gateway)
      return false
    })
  }
}
