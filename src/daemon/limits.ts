/** The parts of a node that have the limits of its configuration. */
import type { NodeConfig } from '../config/load-config.ts'
import { SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'
import { SourceLimits } from '../tracker/source-limits.ts'

export function swarmTable({ limits }: NodeConfig, topology: Topology): SwarmTable {
  const siteOfPlace = topology.places.map((place) => place.site.index)
  return new SwarmTable(siteOfPlace, { peersMax: limits.peers, swarmsMax: limits.torrents })
}

export function sourceLimits({ limits }: NodeConfig): SourceLimits {
  return new SourceLimits({
    requestsPerSecond: limits.requestsPerSource,
    torrentsPerMinute: limits.torrentsPerSource,
    peersMax: limits.peersPerSource,
  })
}
