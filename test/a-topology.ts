/**
 * Three sites of two bubbles on loopback addresses: 127.<site>.<bubble>.x, sites fra 1, ams 2, nyc 3, bubbles
 * row-a 1, row-b 2; the rest of 127.<site>.0.0/16 is in the bubble `-`. fra and ams are near each other.
 */
import {
  INSIDE_SITE,
  NO_BUBBLE,
  type Place,
  type Site,
  type SiteLink,
  type Topology,
} from '../src/topology/topology.ts'
import type { Address } from '../src/core/address.ts'

const BUBBLES = [NO_BUBBLE, 'row-a', 'row-b']

export interface TopologyLiteral {
  readonly siteNames?: readonly string[]
  /** By site index; 10 between the first two, else 100. */
  readonly cost?: (a: number, b: number) => number
  readonly gateways?: 'auto' | number
  /** Expected hosts, by site. */
  readonly expect?: Readonly<Record<string, number>>
  /** By site index; `carry: nodes` without limits between all sites. */
  readonly link?: (a: number, b: number) => SiteLink
}

export function aTopology(literal: TopologyLiteral = {}): Topology {
  const siteNames = literal.siteNames ?? ['fra', 'ams', 'nyc']
  const places: Place[] = []
  const sites = siteNames.map((name, index): Site => {
    const ofSite: Place[] = []
    const site: Site = {
      index,
      name,
      region: undefined,
      trackers: [`http://127.${index + 1}.0.1:6969/announce`],
      federation: [],
      gateways: literal.gateways ?? 'auto',
      expect: literal.expect?.[name],
      places: ofSite,
    }
    for (const bubble of BUBBLES)
      ofSite.push({ index: index * 3 + ofSite.length, site, bubble, trackers: [], expect: undefined })
    places.push(...ofSite)
    return site
  })
  const linkOf = (a: number, b: number) => (a === b ? INSIDE_SITE : (literal.link?.(a, b) ?? INSIDE_SITE))
  const near = (a: number, b: number) => (a + b === 1 ? 10 : 100)
  const locate = (address: Address) => {
    const bits = address.word3
    const site = ((bits >>> 16) & 255) - 1
    if (!address.isV4 || bits >>> 24 !== 127 || site < 0 || site >= sites.length) return -1
    const bubble = (bits >>> 8) & 255
    return site * 3 + (bubble < 3 ? bubble : 0)
  }
  return {
    sites,
    places,
    unmapped: 'refuse',
    prefixes: [],
    hash: 'a-hash',
    fallbackTrackers: () => [],
    locate,
    match: (address) => {
      const place = places[locate(address)]
      return place === undefined ? undefined : { place, prefix: undefined }
    },
    cost: (a, b) => (a === b ? 0 : (literal.cost ?? near)(a, b)),
    linkOf,
    carryOf: (a, b) => linkOf(a, b).carry,
    siteNamed: (name) => sites.find((site) => site.name === name),
  }
}
