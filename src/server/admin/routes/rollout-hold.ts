/** Hold and release of a registered torrent, in one site or in all. */
import * as z from 'zod'
import { formatInfoHash } from '../../../core/info-hash.ts'
import type { Registration } from '../../../registry/registration.ts'
import { type Topology, UNMAPPED_SITE } from '../../../topology/topology.ts'
import type { AdminContext } from '../admin-context.ts'
import { heldSchema } from '../answers/rollouts.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { siteParameter } from '../parameters.ts'
import { torrentParams } from './rollouts.ts'

type Context = Pick<AdminContext, 'topology' | 'torrents'>

const schema = {
  params: torrentParams,
  querystring: z.strictObject({ site: siteParameter().optional().describe('All sites without it.') }),
  response: { 200: heldSchema },
}

export function addRolloutHoldRoutes(routes: ApiRoutes, context: Context): void {
  const change = async (
    infoHash: Buffer,
    { site: siteName, isHeld }: { readonly site: string | undefined; readonly isHeld: boolean },
  ) => {
    const registration = findRegistered(context, infoHash, isHeld ? 'held' : 'released')
    const site = existingSite(context.topology.value, siteName)
    const share = await context.torrents.holds.set(registration, site, isHeld)
    return describe(context, registration, share === 'shared')
  }
  routes.post(
    '/api/v1/rollouts/:infoHash/hold',
    { schema: { ...schema, summary: 'Holds a registered torrent' } },
    async ({ params, query }) => change(params.infoHash, { site: query.site, isHeld: true }),
  )
  routes.post(
    '/api/v1/rollouts/:infoHash/release',
    { schema: { ...schema, summary: 'Releases a torrent that is held' } },
    async ({ params, query }) => change(params.infoHash, { site: query.site, isHeld: false }),
  )
}

function findRegistered({ torrents }: Context, infoHash: Buffer, change: 'held' | 'released'): Registration {
  const registration = torrents.registry.find(infoHash)
  if (registration === undefined)
    throw new ApiError(
      404,
      'torrent-unknown',
      `${formatInfoHash(infoHash)} is not registered here, and only a registered torrent can be ${change}; register it with POST /api/v1/torrents`,
    )
  return registration
}

function existingSite(topology: Topology, name: string | undefined): string | undefined {
  if (name === undefined) return undefined
  const site = topology.siteNamed(name)?.name
  if (site === undefined || site === UNMAPPED_SITE)
    throw new ApiError(
      400,
      'site-unknown',
      `there is no site ${JSON.stringify(name)} in the topology; without site, the torrent is held or released in all sites`,
    )
  return site
}

function describe({ topology, torrents: { holds } }: Context, registration: Registration, isShared: boolean) {
  const infoHash = registration.infoHashes[0] as Buffer
  const sites = topology.value.sites.filter(({ name }) => name !== UNMAPPED_SITE)
  const direct = sites.filter(
    ({ index }) =>
      sites.length > 1 &&
      sites.every(
        (other) => other.index === index || topology.value.carryOf(index, other.index) === 'direct',
      ),
  )
  const heldDirect = direct.filter(({ name }) => holds.isHeld(infoHash, name))
  return {
    infoHash: formatInfoHash(infoHash),
    name: registration.name,
    sites: sites.map(({ name }) => {
      const sinceMs = holds.heldSinceMs(infoHash, name)
      return {
        site: name,
        isHeld: sinceMs !== undefined,
        heldAt: sinceMs === undefined ? null : new Date(sinceMs).toISOString(),
      }
    }),
    warnings: [
      ...(isShared
        ? []
        : [
            {
              code: 'store-unavailable',
              message:
                'the store is down: this node and remote sites follow now, the other nodes of this site once the store is up',
            },
          ]),
      ...(heldDirect.length === 0
        ? []
        : [
            {
              code: 'carry-direct',
              message: `no node carries content between other sites and ${heldDirect.map(({ name }) => name).join(', ')}: hosts that are connected continue to download there`,
            },
          ]),
    ],
  }
}
