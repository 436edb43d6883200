/** The real tracker on a manual clock and seeded randomness: the swarm table and handout policy that serve clients. */
import { SiteAuthority } from '../topology/site-authority.ts'
import { CurrentTopology } from '../topology/current-topology.ts'
import { Address } from '../core/address.ts'
import type { AnnounceReply } from '../core/announce.ts'
import type { ManualClock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import { noMetrics } from '../core/tracker-metrics.ts'
import type { Policy } from '../handout/policy.ts'
import { SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'
import type { IntervalLimits } from '../tracker/interval.ts'
import { Tracker } from '../tracker/tracker.ts'
import type { SimulatedAnnounce, PeerSource, SimulatedResponse } from './peer-source.ts'
import { placedTopology, type Population } from './population.ts'
import { SimulatedDeferral } from './simulated-deferral.ts'

const TORRENT = Buffer.alloc(20, 'simulated')
const PORT = 6881
/** `listen.peers` of a node. A simulated carrier is connected to its hosts without it. */
const CARRIER = { address: Address.v4(0x7f00_0001), port: 6968 }
/** Interval of the search for expired peers, over the whole table. */
const SWEEP_MS = 10_000

export class SiteswarmSource implements PeerSource {
  /** Gateway elections so far. */
  elections = 0
  readonly #tracker: Tracker
  readonly #deferred: SimulatedDeferral
  readonly #table: SwarmTable
  readonly #clock: ManualClock
  readonly #population: Population
  readonly #isCarried: (siteIndex: number) => boolean
  #sweptMs = 0

  constructor(init: {
    readonly topology: Topology
    readonly population: Population
    readonly clock: ManualClock
    readonly random: Random
    readonly interval: IntervalLimits
    readonly policy: Policy
    /** A node carries for the clients of the site. Without it, gateways fetch for all sites. */
    readonly isCarried?: (siteIndex: number) => boolean
  }) {
    const { topology, population, clock, random, interval, policy } = init
    this.#isCarried = init.isCarried ?? (() => false)
    this.#population = population
    this.#clock = clock
    this.#deferred = new SimulatedDeferral(clock)
    this.#table = new SwarmTable(topology.places.map((place) => place.site.index))
    const metrics = { ...noMetrics, election: () => void this.elections++ }
    this.#tracker = new Tracker({
      topology: new CurrentTopology(placedTopology(topology, population)),
      authority: new SiteAuthority(),
      table: this.#table,
      clock,
      random,
      metrics,
      admission: { admits: () => true },
      interval,
      policy,
      carriedSites: {
        transportOf: (_infoHash, siteIndex) => (this.#isCarried(siteIndex) ? 'carried' : 'direct'),
        isForAllSites: false,
        endpointFor: () => CARRIER,
        describe: () => undefined,
      },
      deferred: this.#deferred,
    })
  }

  announce({ host, event, leftBytes, downloadedBytes }: SimulatedAnnounce): SimulatedResponse | undefined {
    this.#sweep()
    const client = this.#population.client(host)
    const reply = this.#tracker.announce(
      {
        infoHash: TORRENT,
        peerId: Buffer.from(`${client.peerIdPrefix}${host}`.padEnd(20, '.')),
        port: PORT,
        downloadedBytes,
        uploadedBytes: 0,
        leftBytes,
        event,
        peersWanted: client.peersWanted,
        key: Buffer.alloc(0),
      },
      this.#population.address(host),
      'http',
    )
    if (this.#isCarried(this.#population.siteOf[host] as number))
      this.#observe(host, downloadedBytes, leftBytes)
    if (!(reply instanceof Promise)) return this.#responseOf(reply)
    this.#deferred.keep(host)
    return undefined
  }

  attempt(host: number): SimulatedResponse | undefined {
    const reply = this.#deferred.attempt(host)
    return reply === undefined ? undefined : this.#responseOf(reply)
  }

  #responseOf(reply: AnnounceReply): SimulatedResponse {
    const hosts: number[] = []
    for (let offset = 0; offset < reply.peers4.length; offset += 6) {
      const peer = this.#population.hostAt(reply.peers4.readUInt32BE(offset))
      // The carrier is not a host.
      if (peer >= 0 && peer < this.#population.count) hosts.push(peer)
    }
    return { hosts, intervalSeconds: reply.intervalSeconds, intervalSecondsMin: reply.intervalSecondsMin }
  }

  /** A carrier is connected to each client of its site, and reports its pieces. */
  #observe(host: number, downloadedBytes: number, leftBytes: number): void {
    const nowMs = this.#clock.nowMs()
    const isComplete = leftBytes === 0
    const share = downloadedBytes / Math.max(1, downloadedBytes + leftBytes)
    this.#tracker.observations.record({
      infoHash: TORRENT,
      address: this.#population.address(host),
      port: PORT,
      reachability: 'reachable',
      share: isComplete ? 1 : Math.min(0.9999, share),
      isComplete,
      observedAtMs: nowMs,
      sharePerSecond: 0,
      isGone: false,
      isStalled: false,
    })
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#sweptMs < SWEEP_MS) return
    this.#sweptMs = nowMs
    this.#table.sweep(nowMs, this.#population.count)
  }
}
