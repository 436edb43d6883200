/** The swarms of this node: totals of each, and one of them by site with its gateways. */
import * as z from 'zod'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { readInfoHashDigits, startsWithDigits } from '../../../core/info-hash-digits.ts'
import { siteState } from '../../../handout/site-state.ts'
import type { SiteSwarm, Swarm } from '../../../swarm/swarm.ts'
import type { AdminContext } from '../admin-context.ts'
import { swarmSchema, swarmsSchema } from '../answers/swarms.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { afterParameter, limitParameter, takePage } from '../page.ts'
import { infoHashParameter, infoHashPrefix, siteNamed, siteParameter } from '../parameters.ts'
import { describePeer } from '../shown-peer.ts'

type Context = Pick<AdminContext, 'topology' | 'tracker' | 'table'>

export function addSwarmRoutes(routes: ApiRoutes, context: Context): void {
  routes.get(
    '/api/v1/swarms',
    {
      schema: {
        summary: 'Swarms with counts and the state in each site, largest first',
        querystring: z.strictObject({
          site: siteParameter().optional().describe('Swarms with peers in this site.'),
          q: infoHashPrefix().optional().describe('The first digits of the infohash.'),
          limit: limitParameter(),
          after: afterParameter(),
        }),
        response: { 200: swarmsSchema },
      },
    },
    async ({ query }) => {
      const site = siteNamed(context.topology, query.site)
      const { total, items, next } = await takePage(context.table.swarms(), swarmPosition, {
        ...query,
        order: 'descending',
        isMatch: filterOf(site?.index, query.q),
      })
      return {
        total,
        swarms: items.map((swarm) => describeListed(context, swarm)),
        next: next ?? null,
      }
    },
  )

  routes.get(
    '/api/v1/swarms/:infoHash',
    {
      schema: {
        summary: 'Counts and gateways of one swarm, by site',
        params: z.strictObject({ infoHash: infoHashParameter() }),
        response: { 200: swarmSchema },
      },
    },
    async (request) => {
      const swarm = findSwarm(context, request.params.infoHash)
      return {
        ...describeTotals(context, swarm),
        sites: swarm.sites.map((site) => describeSite(context, swarm, site)),
      }
    },
  )
}

/** Rejects the request if the node has no peer of the torrent. */
export function findSwarm({ table }: Pick<AdminContext, 'table'>, infoHash: Buffer): Swarm {
  const swarm = table.swarm(infoHash)
  if (swarm === undefined) throw swarmUnknown(infoHash)
  return swarm
}

export function swarmUnknown(infoHash: Buffer): ApiError {
  return new ApiError(404, 'swarm-unknown', `no peer has announced ${formatInfoHash(infoHash)} here`)
}

export const swarmPosition = ({ rows, infoHash }: Swarm) => ({ rank: rows, infoHash })

function filterOf(siteIndex: number | undefined, prefix: string | undefined): (swarm: Swarm) => boolean {
  const digits = prefix === undefined ? undefined : readInfoHashDigits(prefix)
  return (swarm) =>
    (siteIndex === undefined || (swarm.site(siteIndex)?.peers ?? 0) > 0) &&
    (digits === undefined || startsWithDigits(swarm.infoHash, digits))
}

export function describeListed(context: Context, swarm: Swarm) {
  return {
    ...describeTotals(context, swarm),
    sites: Object.fromEntries(
      swarm.sites
        .filter((site) => site.peers > 0)
        .map((site) => [siteName(context, site), siteState(swarm, site)]),
    ),
  }
}

/** Totals over all sites, those that count their own clients included. */
function describeTotals({ tracker }: Context, swarm: Swarm) {
  const { complete, incomplete, downloaders, downloaded } = tracker.totals(swarm.infoHash, swarm)
  return {
    infoHash: formatInfoHash(swarm.infoHash),
    seeds: complete,
    leechers: downloaders,
    partial: incomplete - downloaders,
    completions: downloaded,
  }
}

function describeSite(context: Context, swarm: Swarm, site: SiteSwarm) {
  const { rows } = context.table
  // A remote site advertises its client counts; only some of its peers are in the table.
  const advertised = context.tracker.countsOf(swarm.infoHash, site.site)
  return {
    site: siteName(context, site),
    state: siteState(swarm, site),
    seeds: advertised?.seeds ?? site.seeds,
    leechers: advertised?.leechers ?? site.leechers,
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

function siteName(context: Context, site: SiteSwarm): string {
  return context.topology.value.sites[site.site]?.name ?? ''
}
