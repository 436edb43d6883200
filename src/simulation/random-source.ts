/**
 * Other trackers, for comparison.
 *
 * `blind` hands out random peers, as common trackers do. `biased` is classic biased neighbour selection: peers of
 * the own site, and one of another site.
 */
import { PEERS_WANTED_DEFAULT, PEERS_WANTED_MAX } from '../core/limits.ts'
import type { Random } from '../core/random.ts'
import type { SimulatedAnnounce, PeerSource, SimulatedResponse } from './peer-source.ts'
import type { Population } from './population.ts'

/** The interval of such trackers; opentracker uses 28 minutes. */
const INTERVAL_SECONDS = 1800

/** Draws without a new host after which none is assumed to exist. */
const DRAWS_PER_PEER = 4

export class RandomSource implements PeerSource {
  readonly #population: Population
  readonly #random: Random
  readonly #isBiased: boolean
  readonly #known: Uint8Array
  readonly #all: number[] = []
  readonly #ofSite: number[][]

  constructor(policy: 'blind' | 'biased', sites: number, population: Population, random: Random) {
    this.#population = population
    this.#random = random
    this.#isBiased = policy === 'biased'
    this.#known = new Uint8Array(population.count)
    this.#ofSite = Array.from({ length: sites }, () => [])
  }

  announce({ host }: SimulatedAnnounce): SimulatedResponse {
    const site = this.#population.siteOf[host] as number
    const wanted = Math.min(
      this.#population.client(host).peersWanted ?? PEERS_WANTED_DEFAULT,
      PEERS_WANTED_MAX,
    )
    const hosts = this.#isBiased ? this.#someBiased(host, site, wanted) : this.#some(this.#all, host, wanted)
    if (this.#known[host] === 0) {
      this.#known[host] = 1
      this.#all.push(host)
      this.#ofSite[site]!.push(host)
    }
    return { hosts, intervalSeconds: INTERVAL_SECONDS, intervalSecondsMin: INTERVAL_SECONDS / 2 }
  }

  #someBiased(host: number, site: number, wanted: number): number[] {
    const local = this.#some(this.#ofSite[site] as number[], host, wanted - 1)
    const remote = this.#some(this.#all, host, 1, (other) => this.#population.siteOf[other] !== site)
    return [...local, ...remote]
  }

  #some(
    from: readonly number[],
    requester: number,
    count: number,
    accepts: (host: number) => boolean = () => true,
  ): number[] {
    const chosen = new Set<number>()
    if (from.length <= count) {
      for (const host of from) if (host !== requester && accepts(host)) chosen.add(host)
      return [...chosen]
    }
    // One draw in a hundred sites is local; a miss costs only another draw.
    for (let draws = DRAWS_PER_PEER * count + 64; draws > 0 && chosen.size < count; draws--) {
      const host = from[this.#random.below(from.length)] as number
      if (host !== requester && accepts(host)) chosen.add(host)
    }
    return [...chosen]
  }
}
