/** The real tracker on a manual clock and seeded randomness: the swarm table and handout policy that serve clients. */
import { SiteAuthority } from '../topology/site-authority.ts'
import { CurrentTopology } from '../topology/current-topology.ts'
import { assert } from '../core/assert.ts'
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

const TORRENT = Buffer.alloc(20, 'simulated')
const PORT = 6881
/** Interval of the search for expired peers, over the whole table. */
const SWEEP_MS = 10_000

export class SiteswarmSource implements PeerSource {
  /** Gateway elections so far. */
  elections = 0
  readonly #tracker: Tracker
  readonly #table: SwarmTable
  readonly #clock: ManualClock
  readonly #population: Population
  #sweptMs = 0

  constructor(init: {
    readonly topology: Topology
    readonly population: Population
    readonly clock: ManualClock
    readonly random: Random
    readonly interval: IntervalLimits
    readonly policy: Policy
  }) {
    const { topology, population, clock, random, interval, policy } = init
    this.#population = population
    this.#clock = clock
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
    })
  }

  announce({ host, event, leftBytes, downloadedBytes }: SimulatedAnnounce): SimulatedResponse {
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
    assert(!(reply instanceof Promise), 'a tracker without other nodes responds synchronously')
    const hosts: number[] = []
    for (let offset = 0; offset < reply.peers4.length; offset += 6)
      hosts.push(this.#population.hostAt(reply.peers4.readUInt32BE(offset)))
    return { hosts, intervalSeconds: reply.intervalSeconds, intervalSecondsMin: reply.intervalSecondsMin }
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs()
    if (nowMs - this.#sweptMs < SWEEP_MS) return
    this.#sweptMs = nowMs
    this.#table.sweep(nowMs, this.#population.count)
  }
}
