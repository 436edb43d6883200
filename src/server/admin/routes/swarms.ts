/** The swarms as this node knows them: per site the state, the peers by role, and the gateways. */
import type { FastifyInstance } from 'fastify'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { siteState } from '../../../handout/site-state.ts'
import type { Role } from '../../../swarm/peer-state.ts'
import type { SiteSwarm, Swarm } from '../../../swarm/swarm.ts'
import type { AdminContext } from '../admin-context.ts'
import { ApiError, type Query, readInfoHash } from '../requests.ts'

/** The largest swarms; a node may have a million, and nobody reads them. */
const SWARMS_LISTED_MAX = 1_000

type Parts = Pick<AdminContext, 'topology' | 'tracker' | 'table'>

export function addSwarmRoutes(routes: FastifyInstance, parts: Parts): void {
  routes.get<{ Querystring: Query }>('/api/v1/swarms', async (request) => {
    const siteIndex = readSite(parts, request.query['site'])
    const swarms = [...parts.table.swarms()]
      .filter((swarm) => siteIndex === undefined || isIn(swarm, siteIndex))
      .toSorted((a, b) => b.rows - a.rows)
    return {
      total: swarms.length,
      swarms: swarms.slice(0, SWARMS_LISTED_MAX).map((swarm) => ({
        ...describeTotals(parts, swarm),
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
    return {
      ...describeTotals(parts, swarm),
      sites: swarm.sites.map((site) => describeSite(parts, swarm, site)),
    }
  })
}

function readSite({ topology }: Parts, text: Query[string]): number | undefined {
  if (text === undefined) return undefined
  const site = typeof text === 'string' ? topology.value.siteNamed(text) : undefined
  if (site === undefined)
    throw new ApiError(400, 'site-unknown', `there is no site ${JSON.stringify(text)} in the topology`)
  return site.index
}

function isIn(swarm: Swarm, siteIndex: number): boolean {
  return (swarm.site(siteIndex)?.peers ?? 0) > 0
}

/** Over all sites, those that count their own clients included. */
function describeTotals({ tracker }: Parts, swarm: Swarm) {
  const { complete, incomplete, downloaded } = tracker.totals(swarm.infoHash, swarm)
  return { infoHash: formatInfoHash(swarm.infoHash), complete, incomplete, downloaded }
}

function describeSite(parts: Parts, swarm: Swarm, site: SiteSwarm) {
  const { rows } = parts.table
  // Of a site that speaks for itself only some peers are known here.
  const said = parts.tracker.countsOf(swarm.infoHash, site.site)
  return {
    site: siteName(parts, site),
    state: siteState(swarm, site),
    complete: said?.seeds ?? site.seeds,
    downloading: said?.leechers ?? site.leechers,
    partial: said?.partial ?? site.partial,
    gatewayHostsEver: site.gatewayHostsEver,
    gateways: site.gateways.map(({ row, upstreamRow }) => ({
      ...describePeer(parts, row),
      leftBytes: rows.leftKib(row) * 1024,
      upstream: upstreamRow < 0 ? null : describePeer(parts, upstreamRow),
    })),
  }
}

/** Public names: a leecher keeps the one that it had in the first version of the API. */
export const publicRoles: Readonly<Record<Role, string>> = {
  leecher: 'needy',
  seed: 'seed',
  partial: 'partial',
}

/** One peer, as all routes show it. */
export function describePeer(parts: Parts, row: number) {
  const { rows } = parts.table
  const place = parts.topology.value.places[rows.place(row)]
  return {
    ip: rows.address(row).toString(),
    port: rows.port(row),
    site: place?.site.name ?? null,
    bubble: place?.bubble ?? null,
    role: publicRoles[parts.table.roleOf(row)],
  }
}

function siteName(parts: Parts, site: SiteSwarm): string {
  return parts.topology.value.sites[site.site]?.name ?? ''
}
