/** What the node has at the moment, for whoever scrapes. */
import type { Gauges } from '../observe/metrics-table.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'

const NOBODY = { seeds: 0, leechers: 0 }
const NOTHING = { swarms: 0, gateways: 0 }

export function readGauges(
  topology: Topology,
  table: SwarmTable,
  store: Gauges['store'],
  logLinesDropped: number,
  udpDrops: Gauges['udpDrops'],
  /** Whether a site counts its own peers. */
  isElsewhere: (siteIndex: number) => boolean,
): Omit<Gauges, 'isReady' | 'workersReplaced' | 'federation'> {
  return {
    bubbles: topology.places.map((place) => ({
      site: place.site.name,
      bubble: place.bubble,
      ...(isElsewhere(place.site.index) ? NOBODY : table.placeCounts.ofPlace(place.index)),
    })),
    sites: topology.sites.map((site) => ({
      site: site.name,
      ...(isElsewhere(site.index) ? NOTHING : table.placeCounts.ofSite(site.index)),
    })),
    store,
    logLinesDropped,
    udpDrops,
  }
}
