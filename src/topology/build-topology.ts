/**
 * Builds the immutable topology that every announce reads from a checked topology file.
 *
 * In two steps: `compileTopology` does what takes time in a large file, and its result, which consists of plain values,
 * may come from another thread. schema.ts and config/check-topology.ts decide what a file may contain; a contradiction
 * that arrives here is a bug.
 */
import type { Address } from '../core/address.ts'
import { assert } from '../core/assert.ts'
import { isPrefixProblem, type Prefix, prefixKey, readPrefix } from './prefix.ts'
import { type PrefixRanges, prefixRanges, PrefixTable } from './prefix-table.ts'
import type { TopologyFile } from './schema.ts'
import { SiteLinks } from './site-links.ts'
import { topologyHash } from './topology-hash.ts'
import {
  type Carry,
  NO_BUBBLE,
  type Place,
  type PrefixMatch,
  type Site,
  type SiteLink,
  type Topology,
  UNMAPPED_SITE,
} from './topology.ts'

/** A factor of ten: a path over two sites of the region is still much cheaper than one link that leaves it. */
const COST_INSIDE_REGION = 10
const COST_BETWEEN_REGIONS = 100

/** A site under construction: sites and places refer to each other, so they are built in two steps. */
interface GrowingSite extends Site {
  readonly places: Place[]
}

export function buildTopology(file: TopologyFile): Topology {
  return topologyOf(compileTopology(file))
}

/** `compiled`: a result of `compileTopology`, also a copy of it. */
export function topologyOf(compiled: CompiledTopology): Topology {
  return new FixedTopology(compiled)
}

/** The plain values of a topology, for another thread; undefined for one that was not built here. */
export function compiledOf(topology: Topology): CompiledTopology | undefined {
  return topology instanceof FixedTopology ? topology.compiled : undefined
}

export function compileTopology(file: TopologyFile): CompiledTopology {
  const sites: GrowingSite[] = []
  const places: Place[] = []
  const prefixes: Prefix[] = []
  /** Place index by prefix index. */
  const placeOfPrefix: number[] = []
  const indexByKey = new Map<string, number>()

  const addPlace = (
    site: GrowingSite,
    bubble: string,
    {
      trackers,
      cidrs,
      expect,
    }: Pick<TopologyFile['sites'][string]['bubbles'][string], 'trackers' | 'cidrs' | 'expect'>,
  ) => {
    const place: Place = { index: places.length, site, bubble, trackers, expect }
    places.push(place)
    site.places.push(place)
    for (const cidr of cidrs) {
      const prefix = checkedPrefix(cidr)
      const key = prefixKey(prefix)
      const index = indexByKey.get(key) ?? prefixes.length
      indexByKey.set(key, index)
      prefixes[index] = prefix
      // A prefix of the site and of its bubble belongs to the bubble, which is added after the site.
      placeOfPrefix[index] = place.index
    }
  }
  for (const [name, site] of Object.entries(file.sites)) {
    const { region, trackers, federation, gateways, expect, contact } = site
    const built: GrowingSite = {
      index: sites.length,
      name,
      region,
      trackers,
      federation,
      gateways,
      expect,
      contact,
      places: [],
    }
    sites.push(built)
    addPlace(built, NO_BUBBLE, { trackers: [], cidrs: site.cidrs })
    for (const [bubble, values] of Object.entries(site.bubbles)) addPlace(built, bubble, values)
  }
  if (file.unmapped === 'isolate') {
    const isolated: GrowingSite = { ...ISOLATED, index: sites.length, places: [] }
    sites.push(isolated)
    addPlace(isolated, NO_BUBBLE, { trackers: [], cidrs: [] })
  }
  const hash = lazyHash(file)
  return {
    unmapped: file.unmapped,
    links: file.links,
    fallback: file.fallback.trackers,
    get hash() {
      return hash()
    },
    sites,
    places,
    prefixTexts: prefixes.map(({ text }) => text).join(' '),
    ranges: prefixRanges(prefixes),
    placeOfPrefix: Int32Array.from(placeOfPrefix),
  }
}

function lazyHash(file: TopologyFile): () => string {
  /** The source of the hash, until that is computed. */
  let source: TopologyFile | undefined = file
  let hash = ''
  return () => {
    if (source !== undefined) hash = topologyHash(source)
    source = undefined
    return hash
  }
}

const ISOLATED = {
  name: UNMAPPED_SITE,
  region: undefined,
  trackers: [],
  federation: [],
  gateways: 'auto',
  expect: undefined,
} as const

export interface CompiledTopology {
  readonly unmapped: string
  readonly links: TopologyFile['links']
  /** Trackers of the fallback tier in the file. */
  readonly fallback: readonly string[] | undefined
  readonly hash: string
  readonly sites: readonly Site[]
  readonly places: readonly Place[]
  /** Separated by spaces: threads copy one text faster than thousands. */
  readonly prefixTexts: string
  readonly ranges: PrefixRanges
  readonly placeOfPrefix: Int32Array
}

class FixedTopology implements Topology {
  readonly compiled: CompiledTopology
  readonly sites: readonly Site[]
  readonly places: readonly Place[]
  readonly unmapped: string
  #splitTexts: readonly string[] | undefined
  readonly #table: PrefixTable
  readonly #placeOfPrefix: Int32Array
  /** Place of unmapped addresses, or -1. */
  readonly #unmappedPlace: number
  /** `a * sites + b`. */
  readonly #costs: Float64Array
  readonly #links: SiteLinks
  readonly #siteByName: ReadonlyMap<string, Site>
  /** By site index. */
  readonly #fallback: readonly (readonly string[])[]

  constructor(compiled: CompiledTopology) {
    const { sites, unmapped, links } = compiled
    this.compiled = compiled
    this.sites = sites
    this.places = compiled.places
    this.unmapped = unmapped
    this.#placeOfPrefix = compiled.placeOfPrefix
    this.#table = new PrefixTable(compiled.ranges)
    this.#siteByName = new Map(sites.map((site) => [site.name, site]))
    this.#unmappedPlace = this.#placeOfUnmapped(unmapped)
    this.#costs = linkCosts(sites, links, this.#siteByName)
    this.#links = new SiteLinks(sites, links)
    this.#fallback = sites.map((site) => this.#fallbackOf(site, compiled.fallback))
  }

  get prefixes(): readonly Prefix[] {
    return this.#texts.map(checkedPrefix)
  }

  get #texts(): readonly string[] {
    const { prefixTexts } = this.compiled
    return (this.#splitTexts ??= prefixTexts === '' ? [] : prefixTexts.split(' '))
  }

  /** Computed at its first use: `locate` needs none, and the module of hashes takes a tenth of the start of Node. */
  get hash(): string {
    return this.compiled.hash
  }

  fallbackTrackers(site: Site): readonly string[] {
    return this.#fallback[site.index] ?? []
  }

  locate(address: Address): number {
    const prefix = this.#table.find(address)
    return prefix < 0 ? this.#unmappedPlace : this.#placeOfPrefix[prefix]!
  }

  match(address: Address): PrefixMatch | undefined {
    const place = this.places[this.locate(address)]
    return place && { place, prefix: this.#texts[this.#table.find(address)] }
  }

  cost(siteIndexA: number, siteIndexB: number): number {
    return this.#costs[siteIndexA * this.sites.length + siteIndexB]!
  }

  linkOf(siteIndexA: number, siteIndexB: number): SiteLink {
    return this.#links.of(siteIndexA, siteIndexB)
  }

  carryOf(siteIndexA: number, siteIndexB: number): Carry {
    return this.#links.carryOf(siteIndexA, siteIndexB)
  }

  siteNamed(name: string): Site | undefined {
    return this.#siteByName.get(name)
  }

  #placeOfUnmapped(unmapped: string): number {
    if (unmapped === 'refuse') return -1
    const site = this.#siteByName.get(unmapped === 'isolate' ? UNMAPPED_SITE : unmapped)
    assert(site !== undefined, 'unmapped names a site of this topology')
    return site.places[0]?.index ?? -1
  }

  /** Omits the trackers of the site itself: a second tier with the same tracker would not be a second chance. */
  #fallbackOf(site: Site, given: readonly string[] | undefined): readonly string[] {
    const own = new Set([...site.trackers, ...site.places.flatMap((place) => place.trackers)])
    const others = () =>
      this.sites
        .filter((other) => other !== site)
        .toSorted((a, b) => compareCosts(this.cost(site.index, a.index), this.cost(site.index, b.index)))
        .flatMap((other) => other.trackers)
    return [...new Set(given ?? others())].filter((url) => !own.has(url))
  }
}

/** Not a subtraction: Infinity minus Infinity is NaN. Equal costs keep the order of the file. */
const compareCosts = (a: number, b: number) => (a === b ? 0 : a < b ? -1 : 1)

function linkCosts(
  sites: readonly Site[],
  links: TopologyFile['links'],
  siteByName: ReadonlyMap<string, Site>,
): Float64Array {
  const costs = new Float64Array(sites.length ** 2)
  const set = (a: Site, b: Site, cost: number) => {
    costs[a.index * sites.length + b.index] = cost
    costs[b.index * sites.length + a.index] = cost
  }
  for (const a of sites) for (const b of sites) set(a, b, defaultCost(a, b))
  for (const { between, cost } of links) {
    const [a, b] = between.map((name) => siteByName.get(name))
    assert(a !== undefined && b !== undefined && a !== b, 'a link joins two sites of this topology')
    if (cost !== undefined) set(a, b, cost)
  }
  return costs
}

function defaultCost(a: Site, b: Site): number {
  if (a === b) return 0
  if (a.name === UNMAPPED_SITE || b.name === UNMAPPED_SITE) return Infinity
  return a.region !== undefined && a.region === b.region ? COST_INSIDE_REGION : COST_BETWEEN_REGIONS
}

function checkedPrefix(text: string): Prefix {
  const prefix = readPrefix(text)
  assert(!isPrefixProblem(prefix), 'the schema accepts only prefixes')
  return prefix
}
