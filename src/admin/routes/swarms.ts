/** The swarms as this node knows them: per site the state, the peers by role, and the gateways. */
import type { FastifyInstance } from 'fastify'
import { formatInfoHash } from '../../core/info-hash.ts'
import { siteState } from '../../handout/site-state.ts'
import type { SiteSwarm, Swarm } from '../../swarm/swarm.ts'
import type { AdminParts } from '../admin-server.ts'
import { ApiError } from '../api-error.ts'
import { readInfoHash } from '../queries.ts'

/** The largest swarms; a node may have a million, and nobody reads them. */
const SWARMS_LISTED_MAX = 1_000

type Parts = Pick<AdminParts, 'tracker' | 'table'>

export function addSwarmRoutes(routes: FastifyInstance, parts: Parts): void {
  routes.get('/api/v1/swarms', async () => {
    const swarms = [...parts.table.swarms()].toSorted((a, b) => b.rows - a.rows)
    return {
      total: swarms.length,
      swarms: swarms.slice(0, SWARMS_LISTED_MAX).map((swarm) => ({
        ...describeTotals(swarm),
        sites: Object.fromEntries(
          swarm.sites
            .filter((site) => site.peers > 0)
            .map((site) => [siteName(parts, site), siteState(swarm, site)]),
        ),
      })),
    }
  })

  routes.get<{ Params: { infoHash: string } }>('/api/v1/swarms/:infoHash', async (request) => {
    const infoHash = readInfoHash(request.params.infoHash)
    const swarm = parts.table.swarm(infoHash)
    if (swarm === undefined)
      throw new ApiError(404, 'swarm-unknown', `no peer has announced ${formatInfoHash(infoHash)} here`)
    return { ...describeTotals(swarm), sites: swarm.sites.map((site) => describeSite(parts, swarm, site)) }
  })
}

function describeTotals(swarm: Swarm) {
  return {
    infoHash: formatInfoHash(swarm.infoHash),
    complete: swarm.seedClients,
    incomplete: swarm.needyClients + swarm.partialClients,
    downloaded: swarm.downloaded,
  }
}

function describeSite(parts: Parts, swarm: Swarm, site: SiteSwarm) {
  const { rows } = parts.table
  return {
    site: siteName(parts, site),
    state: siteState(swarm, site),
    complete: site.seeds,
    downloading: site.needy,
    partial: site.partial,
    gatewayHostsEver: site.gatewayHostsEver,
    gateways: site.gateways.map(({ row, upstreamRow }) => ({
      ...describePeer(parts, row),
      leftBytes: rows.leftKib(row) * 1024,
      upstream: upstreamRow < 0 ? null : describePeer(parts, upstreamRow),
    })),
  }
}

/** One peer, as all routes show it. */
export function describePeer(parts: Parts, row: number) {
  const { rows } = parts.table
  const place = parts.tracker.topology.places[rows.place(row)]
  return {
    ip: rows.address(row).toString(),
    port: rows.port(row),
    site: place?.site.name ?? null,
    bubble: place?.bubble ?? null,
    role: parts.table.roleOf(row),
  }
}

function siteName(parts: Parts, site: SiteSwarm): string {
  return parts.tracker.topology.sites[site.site]?.name ?? ''
}
