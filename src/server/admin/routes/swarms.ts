/** Swarms in the table of this node: for each site its state, its peers by role, and its gateways. */
import type { FastifyInstance } from 'fastify'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { siteState } from '../../../handout/site-state.ts'
import type { Role } from '../../../swarm/peer-state.ts'
import type { SiteSwarm, Swarm } from '../../../swarm/swarm.ts'
import type { AdminContext } from '../admin-context.ts'
import { ApiError, type Query, readInfoHash } from '../requests.ts'

/** Only the largest swarms are listed, because a node may have a million. */
const SWARMS_LISTED_MAX = 1_000

type Context = Pick<AdminContext, 'topology' | 'tracker' | 'table'>

export function addSwarmRoutes(routes: FastifyInstance, context: Context): void {
  routes.get<{ Querystring: Query }>('/api/v1/swarms', async (request) => {
    const siteIndex = readSite(context, request.query['site'])
    const swarms = [...context.table.swarms()]
      .filter((swarm) => siteIndex === undefined || isIn(swarm, siteIndex))
      .toSorted((a, b) => b.rows - a.rows)
    return {
      total: swarms.length,
      swarms: swarms.slice(0, SWARMS_LISTED_MAX).map((swarm) => ({
        ...describeTotals(context, swarm),
        sites: Object.fromEntries(
          swarm.sites
            .filter((site) => site.peers > 0)
            .map((site) => [siteName(context, site), siteState(swarm, site)]),
        ),
      })),
    }
  })

  routes.get<{ Params: { infoHash: string } }>('/api/v1/swarms/:infoHash', async (request) => {
    const infoHash = readInfoHash(request.params.infoHash)
    const swarm = context.table.swarm(infoHash)
    if (swarm === undefined)
      throw new ApiError(404, 'swarm-unknown', `no peer has announced ${formatInfoHash(infoHash)} here`)
    return {
      ...describeTotals(context, swarm),
      sites: swarm.sites.map((site) => describeSite(context, swarm, site)),
    }
  })
}

/** undefined if the parameter is missing. */
export function readSite(
  { topology }: Pick<AdminContext, 'topology'>,
  text: Query[string],
): number | undefined {
  if (text === undefined) return undefined
  const site = typeof text === 'string' ? topology.value.siteNamed(text) : undefined
  if (site === undefined)
    throw new ApiError(400, 'site-unknown', `there is no site ${JSON.stringify(text)} in the topology`)
  return site.index
}

function isIn(swarm: Swarm, siteIndex: number): boolean {
  return (swarm.site(siteIndex)?.peers ?? 0) > 0
}

/** Totals over all sites, those that count their own clients included. */
function describeTotals({ tracker }: Context, swarm: Swarm) {
  const { complete, incomplete, downloaded } = tracker.totals(swarm.infoHash, swarm)
  return { infoHash: formatInfoHash(swarm.infoHash), complete, incomplete, downloaded }
}

function describeSite(context: Context, swarm: Swarm, site: SiteSwarm) {
  const { rows } = context.table
  // A remote site advertises its client counts; only some of its peers are in the table.
  const advertised = context.tracker.countsOf(swarm.infoHash, site.site)
  return {
    site: siteName(context, site),
    state: siteState(swarm, site),
    complete: advertised?.seeds ?? site.seeds,
    downloading: advertised?.leechers ?? site.leechers,
    partial: advertised?.partial ?? site.partial,
    problem: problemOf(swarm, site) ?? null,
    gatewayHostsEver: site.gatewayHostsEver,
    gateways: site.gateways.map(({ row, upstreamRow }) => ({
      ...describePeer(context, row),
      leftBytes: rows.leftKib(row) * 1024,
      upstream: upstreamRow < 0 ? null : describePeer(context, upstreamRow),
    })),
  }
}

/** Why the site gets nothing; undefined where it does, or needs nothing. */
export function problemOf(swarm: Swarm, site: SiteSwarm): string | undefined {
  const state = siteState(swarm, site)
  if (state !== 'filling' && state !== 'stranded') return undefined
  if (site.gateways.some(({ upstreamRow }) => upstreamRow >= 0)) return undefined
  if (state === 'filling' && site.gateways.length === 0) return undefined
  return 'no source of this torrent is known in any connected site; see federation in /readyz?verbose'
}

/** Role names of the API, where a leecher keeps its name from the first version. */
export const publicRoles: Readonly<Record<Role, string>> = {
  leecher: 'needy',
  seed: 'seed',
  partial: 'partial',
}

/** A peer in the form that all routes return. */
export function describePeer(context: Context, row: number) {
  const { rows } = context.table
  const place = context.topology.value.places[rows.place(row)]
  return {
    ip: rows.address(row).toString(),
    port: rows.port(row),
    site: place?.site.name ?? null,
    bubble: place?.bubble ?? null,
    role: publicRoles[context.table.roleOf(row)],
  }
}

function siteName(context: Context, site: SiteSwarm): string {
  return context.topology.value.sites[site.site]?.name ?? ''
}
