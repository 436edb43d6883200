/**
 * Several federated sites, each with a tracker of its own, on one injected clock. Updates reach the other sites in order,
 * after random delays.
 */
import { type Address, parseAddress } from '../src/core/address.ts'
import type { AnnounceReply } from '../src/core/announce.ts'
import { ManualClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import type { Topology } from '../src/topology/topology.ts'
import { aSiteAmongOthers, type SiteAmongOthers } from './a-site-among-others.ts'
import { aTopology } from './a-topology.ts'

const TORRENT = Buffer.alloc(20, 'torrent')

interface SimulatedSite extends SiteAmongOthers {
  readonly name: string
  readonly index: number
}

export interface SimulatedSitesOptions {
  readonly sites: number
  readonly seed: number
  readonly cost?: (a: number, b: number) => number
  /** Longest delay of an update between two sites. */
  readonly delayMsMax: number
  /** First characters of the peer ids; those of an unknown client by default. */
  readonly client?: string
}

export class SimulatedSites {
  readonly clock = new ManualClock()
  readonly topology: Topology
  readonly sites: readonly SimulatedSite[]
  readonly #random: SeededRandom
  readonly #delayMsMax: number
  readonly #client: string
  readonly #due: { readonly atMs: number; readonly order: number; readonly run: () => void }[] = []
  readonly #linkFreeAtMs = new Map<string, number>()
  #order = 0

  constructor({ sites, seed, cost, delayMsMax, client = '-XX0000-' }: SimulatedSitesOptions) {
    this.#random = new SeededRandom(seed)
    this.#delayMsMax = delayMsMax
    this.#client = client
    this.topology = aTopology({
      siteNames: Array.from({ length: sites }, (_, index) => `s${index}`),
      ...(cost === undefined ? {} : { cost }),
    })
    this.sites = this.topology.sites.map(({ name, index }) => this.#site(name, index, seed))
    for (const from of this.sites)
      for (const to of this.sites) {
        if (from === to) continue
        to.remote.begin(from.name, 0)
        Array.from(to.remote.complete(from.name))
        from.advertiser.onChange((torrent) => this.#send(from, to, torrent))
      }
  }

  at(host: number, site: number): Address {
    return parseAddress(`127.${site + 1}.1.${host}`) as Address
  }

  announce(site: number, host: number, leftBytes: number, trackerSite = site): Promise<AnnounceReply> {
    const { tracker } = this.sites[trackerSite] as SimulatedSite
    return Promise.resolve(
      tracker.announce(
        {
          infoHash: TORRENT,
          peerId: Buffer.from(`${this.#client}${site}.${host}`.padEnd(20, '.')),
          port: 6881,
          downloadedBytes: 0,
          uploadedBytes: 0,
          leftBytes,
          event: 'none',
          peersWanted: undefined,
          key: Buffer.alloc(0),
        },
        this.at(host, site),
        'udp',
      ),
    )
  }

  stop(site: number, host: number): void {
    void (this.sites[site] as SimulatedSite).tracker.announce(
      {
        infoHash: TORRENT,
        peerId: Buffer.from(`-XX0000-${site}.${host}`.padEnd(20, '.')),
        port: 6881,
        downloadedBytes: 0,
        uploadedBytes: 0,
        leftBytes: 1,
        event: 'stopped',
        peersWanted: undefined,
        key: Buffer.alloc(0),
      },
      this.at(host, site),
      'udp',
    )
  }

  later(run: () => void, delayMs: number): void {
    this.#due.push({ atMs: this.clock.nowMs() + delayMs, order: this.#order++, run })
  }

  /** Advances the time until no event is scheduled, or by this much. */
  async run(forMs = Number.POSITIVE_INFINITY): Promise<void> {
    const untilMs = this.clock.nowMs() + forMs
    for (;;) {
      // Continuations of resolved promises run before the next event.
      await new Promise(setImmediate)
      this.#due.sort((a, b) => a.atMs - b.atMs || a.order - b.order)
      const next = this.#due[0]
      if (next === undefined || next.atMs > untilMs) break
      this.#due.shift()
      this.clock.advanceMs(Math.max(0, next.atMs - this.clock.nowMs()))
      next.run()
    }
    if (Number.isFinite(untilMs)) this.clock.advanceMs(untilMs - this.clock.nowMs())
  }

  /** For each site, the site of its gateway's upstream in its own view; undefined where it has none. */
  upstreams(): (number | undefined)[] {
    return this.sites.map(({ table, index }) => {
      const gateway = table.swarm(TORRENT)?.site(index)?.gateways[0]
      return gateway === undefined || gateway.upstreamRow < 0
        ? undefined
        : table.siteIndexOf(gateway.upstreamRow)
    })
  }

  /** The view of one site: client counts, and the gateways of all sites with their upstreams. */
  view(site: number): unknown {
    const { table, tracker } = this.sites[site] as SimulatedSite
    const swarm = table.swarm(TORRENT)
    const name = (row: number) => `${table.rows.address(row).toString()}:${table.rows.port(row)}`
    const { complete, incomplete } = tracker.totals(TORRENT)
    return {
      complete,
      incomplete,
      gateways: (swarm?.sites ?? [])
        .flatMap(({ gateways }) => gateways)
        .map(
          ({ row, upstreamRow }) =>
            `${name(row)} from ${upstreamRow < 0 ? 'no upstream' : name(upstreamRow)}`,
        )
        .toSorted(),
    }
  }

  #send(from: SimulatedSite, to: SimulatedSite, torrent: string): void {
    const link = `${from.name} ${to.name}`
    this.later(() => {
      const batch = from.advertiser.encodeUpdates([torrent][Symbol.iterator](), to.name)
      if (batch === undefined) return
      const arrivesAtMs = Math.max(
        this.clock.nowMs() + this.#random.below(this.#delayMsMax + 1),
        this.#linkFreeAtMs.get(link) ?? 0,
      )
      this.#linkFreeAtMs.set(link, arrivesAtMs)
      this.later(() => void to.remote.apply(from.name, batch), arrivesAtMs - this.clock.nowMs())
    }, this.#random.below(20))
  }

  #site(name: string, index: number, seed: number): SimulatedSite {
    const site = aSiteAmongOthers({
      name,
      topology: this.topology,
      clock: this.clock,
      random: new SeededRandom(seed * 1_000 + index),
      nodeRandom: new SeededRandom(seed + index),
      later: (run, delayMs) => this.later(run, delayMs),
    })
    return { ...site, name, index }
  }
}
