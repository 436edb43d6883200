/**
 * Numbers of peers, swarms and gateways by place and by site, updated with every change: counting them over a million
 * swarms at each scrape would stop the announce path for half a second.
 */
import type { Role } from './peer-state.ts'

export class PlaceCounts {
  readonly #siteOfPlace: readonly number[]
  readonly #seeds: Float64Array
  readonly #leechers: Float64Array
  readonly #swarms: Float64Array
  readonly #gateways: Float64Array

  constructor(siteOfPlace: readonly number[]) {
    const sites = siteOfPlace.reduce((most, site) => Math.max(most, site + 1), 0)
    this.#siteOfPlace = siteOfPlace
    this.#seeds = new Float64Array(siteOfPlace.length)
    this.#leechers = new Float64Array(siteOfPlace.length)
    this.#swarms = new Float64Array(sites)
    this.#gateways = new Float64Array(sites)
  }

  /** The same peers by the numbers of a new topology. Swarms that two sites share and that become one count twice. */
  renumbered(
    siteOfPlace: readonly number[],
    { places, sites }: { readonly places: Int32Array; readonly sites: Int32Array },
  ): PlaceCounts {
    const after = new PlaceCounts(siteOfPlace)
    addTo(after.#seeds, this.#seeds, places)
    addTo(after.#leechers, this.#leechers, places)
    addTo(after.#swarms, this.#swarms, sites)
    addTo(after.#gateways, this.#gateways, sites)
    return after
  }

  /** Partial seeds are leechers here, as in `incomplete`. */
  countPeer(place: number, role: Role, by: number): void {
    const counts = role === 'seed' ? this.#seeds : this.#leechers
    counts[place] = (counts[place] as number) + by
  }

  /** For a swarm that gets its first peer in a site, or loses its last. */
  countSwarm(place: number, by: number): void {
    const site = this.#siteOfPlace[place] as number
    this.#swarms[site] = (this.#swarms[site] as number) + by
  }

  countGateway(place: number, by: number): void {
    const site = this.#siteOfPlace[place] as number
    this.#gateways[site] = (this.#gateways[site] as number) + by
  }

  hasPeers(place: number): boolean {
    const { seeds, leechers } = this.ofPlace(place)
    return seeds + leechers > 0
  }

  ofPlace(place: number): { readonly seeds: number; readonly leechers: number } {
    return { seeds: this.#seeds[place] ?? 0, leechers: this.#leechers[place] ?? 0 }
  }

  ofSite(site: number): { readonly swarms: number; readonly gateways: number } {
    return { swarms: this.#swarms[site] ?? 0, gateways: this.#gateways[site] ?? 0 }
  }
}

function addTo(after: Float64Array, before: Float64Array, indexes: Int32Array): void {
  for (const [index, count] of before.entries()) {
    const to = indexes[index] as number
    if (to >= 0) after[to] = (after[to] as number) + count
  }
}
