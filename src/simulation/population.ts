/**
 * The hosts of a scenario: the place, client, start time and address of each. Host 0 is the source.
 *
 * Addresses are synthetic, one per host, because the real prefixes of a site may be too small for the simulated
 * number of hosts; `placedTopology` is the operator's topology in every other respect.
 */
import { Address } from '../core/address.ts'
import type { Random } from '../core/random.ts'
import { NO_BUBBLE, type Place, type Topology } from '../topology/topology.ts'
import { type ClientModel, clientMixes } from './client-model.ts'
import { hostCount, type Scenario } from './scenario.ts'

/** 10.0.0.0/8 has sixteen million addresses. */
const FIRST_ADDRESS = 0x0a00_0000

export class Population {
  readonly count: number
  /** Hosts, then a carrier for each site, then for each host what its carrier offered to it. */
  readonly endpoints: number
  /** Endpoints with a link of their own: hosts and carriers. */
  readonly linked: number
  /** By endpoint. */
  readonly siteOf: Uint16Array
  readonly placeOf: Uint16Array
  readonly startMs: Float64Array
  readonly #clients: readonly ClientModel[]
  readonly #hostsOfSite: readonly number[]

  constructor(scenario: Scenario, random: Random) {
    this.count = hostCount(scenario)
    this.#hostsOfSite = scenario.hostsOfSite
    this.linked = this.count + scenario.topology.sites.length
    this.endpoints = this.linked + this.count
    this.siteOf = new Uint16Array(this.endpoints)
    for (const { index } of scenario.topology.sites) this.siteOf[this.carrierOf(index)] = index
    this.placeOf = new Uint16Array(this.count)
    this.startMs = new Float64Array(this.count)
    this.#clients = scenario.clients.length > 0 ? scenario.clients : (clientMixes['libtorrent'] ?? [])
    let host = 0
    const sites = scenario.topology.sites.map((site) => site.index)
    // The site of the source comes first, which makes the source host 0.
    sites.sort((a, b) => Number(b === scenario.sourceSite) - Number(a === scenario.sourceSite) || a - b)
    for (const site of sites) {
      const places = homes(scenario.topology.sites[site]?.places ?? [])
      for (let number = 0; number < (scenario.hostsOfSite[site] ?? 0); number++, host++) {
        this.siteOf[host] = site
        this.siteOf[this.offersTo(host)] = site
        this.placeOf[host] = places[number % places.length]?.index ?? 0
        const firstMs = 1000 * (scenario.siteStartSeconds?.[site] ?? 0)
        this.startMs[host] =
          host === 0 ? 0 : SOURCE_LEAD_MS + firstMs + random.below(1 + 1000 * scenario.startWithinSeconds)
      }
    }
  }

  /** The source included. */
  hostsIn(site: number): number {
    return this.#hostsOfSite[site] ?? 0
  }

  /** Endpoint of the carrier of a site. */
  carrierOf(site: number): number {
    return this.count + site
  }

  /** Endpoint of the pieces that the carrier of the site offered to a host. They come over the link of the carrier. */
  offersTo(host: number): number {
    return this.linked + host
  }

  isHost(endpoint: number): boolean {
    return endpoint < this.count
  }

  /** The endpoint over whose link another one sends and receives. */
  linkOf(endpoint: number): number {
    return endpoint < this.linked ? endpoint : this.carrierOf(this.siteOf[endpoint] as number)
  }

  client(host: number): ClientModel {
    return this.#clients[host % this.#clients.length] as ClientModel
  }

  address(host: number): Address {
    return Address.v4(FIRST_ADDRESS + host)
  }

  hostAt(addressBits: number): number {
    return addressBits - FIRST_ADDRESS
  }
}

/** The source announces before the first leecher starts. */
const SOURCE_LEAD_MS = 100

/** Places of the hosts of a site: its bubbles, if it has any. */
function homes(places: readonly Place[]): readonly Place[] {
  const bubbles = places.filter((place) => place.bubble !== NO_BUBBLE)
  return bubbles.length > 0 ? bubbles : places
}

/** The same topology with the synthetic addresses of the population. */
export function placedTopology(topology: Topology, population: Population): Topology {
  const locate = (address: Address) => population.placeOf[population.hostAt(address.word3)] ?? -1
  return {
    sites: topology.sites,
    places: topology.places,
    unmapped: topology.unmapped,
    prefixes: topology.prefixes,
    hash: topology.hash,
    fallbackTrackers: (site) => topology.fallbackTrackers(site),
    locate,
    match: (address) => {
      const place = topology.places[locate(address)]
      return place === undefined ? undefined : { place, prefix: undefined }
    },
    cost: (siteA, siteB) => topology.cost(siteA, siteB),
    linkOf: (siteA, siteB) => topology.linkOf(siteA, siteB),
    carryOf: (siteA, siteB) => topology.carryOf(siteA, siteB),
    siteNamed: (name) => topology.siteNamed(name),
  }
}
