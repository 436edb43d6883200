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
  readonly siteOf: Uint16Array
  readonly placeOf: Uint16Array
  readonly startMs: Float64Array
  readonly #clients: readonly ClientModel[]

  constructor(scenario: Scenario, random: Random) {
    this.count = hostCount(scenario)
    this.siteOf = new Uint16Array(this.count)
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
        this.placeOf[host] = places[number % places.length]?.index ?? 0
        const firstMs = 1000 * (scenario.siteStartSeconds?.[site] ?? 0)
        this.startMs[host] =
          host === 0 ? 0 : SOURCE_LEAD_MS + firstMs + random.below(1 + 1000 * scenario.startWithinSeconds)
      }
    }
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
