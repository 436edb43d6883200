/** A topology of a given number of sites: equidistant, without bubbles. */
import { INSIDE_SITE, NO_BUBBLE, type Place, type Site, type Topology } from '../topology/topology.ts'

const COST = 100

export function uniformTopology(siteCount: number, gateways: 'auto' | number = 'auto'): Topology {
  const places: Place[] = []
  const sites = Array.from({ length: siteCount }, (_, index): Site => {
    const ofSite: Place[] = []
    const site: Site = {
      index,
      name: `site-${index + 1}`,
      region: undefined,
      trackers: [],
      federation: [],
      gateways,
      places: ofSite,
    }
    ofSite.push({ index, site, bubble: NO_BUBBLE, trackers: [] })
    places.push(...ofSite)
    return site
  })
  return {
    sites,
    places,
    unmapped: 'refuse',
    prefixes: [],
    hash: `uniform-${siteCount}`,
    fallbackTrackers: () => [],
    // Locations come from the population of the simulation.
    locate: () => -1,
    match: () => undefined,
    cost: (a, b) => (a === b ? 0 : COST),
    linkOf: () => INSIDE_SITE,
    carryOf: () => 'nodes',
    siteNamed: (name) => sites.find((site) => site.name === name),
  }
}
