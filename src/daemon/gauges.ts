/** What the node has at the moment, for whoever scrapes. */
import type { Gauges } from '../observe/metrics-table.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'

export function readGauges(
  topology: Topology,
  table: SwarmTable,
  store: Gauges['store'],
  logLinesDropped: number,
  udpDrops: Gauges['udpDrops'],
): Omit<Gauges, 'isReady' | 'workersReplaced'> {
  return {
    bubbles: topology.places.map((place) => ({
      site: place.site.name,
      bubble: place.bubble,
      ...table.placeCounts.ofPlace(place.index),
    })),
    sites: topology.sites.map((site) => ({ site: site.name, ...table.placeCounts.ofSite(site.index) })),
    store,
    logLinesDropped,
    udpDrops,
  }
}
