/** Hold and release of a registered torrent, in one site or in all. */
import type { FastifyInstance } from 'fastify'
import { formatInfoHash } from '../../../core/info-hash.ts'
import type { Registration } from '../../../registry/registration.ts'
import { type Topology, UNMAPPED_SITE } from '../../../topology/topology.ts'
import type { AdminContext } from '../admin-context.ts'
import { ApiError, type Query, readInfoHash, refuseUnknownParameters } from '../requests.ts'

type Context = Pick<AdminContext, 'topology' | 'torrents'>

interface HoldRequest {
  readonly Params: { readonly infoHash: string }
  readonly Querystring: Query
}

export function addRolloutHoldRoutes(routes: FastifyInstance, context: Context): void {
  const change = async (
    { params, query }: { readonly params: HoldRequest['Params']; readonly query: Query },
    isHeld: boolean,
  ) => {
    refuseUnknownParameters(query, ['site'])
    const registration = findRegistered(context, params.infoHash, isHeld ? 'held' : 'released')
    const site = readSite(context.topology.value, query['site'])
    const share = await context.torrents.holds.set(registration, site, isHeld)
    return describe(context, registration, share === 'shared')
  }
  routes.post<HoldRequest>('/api/v1/rollouts/:infoHash/hold', (request) => change(request, true))
  routes.post<HoldRequest>('/api/v1/rollouts/:infoHash/release', (request) => change(request, false))
}

function findRegistered({ torrents }: Context, text: string, change: 'held' | 'released'): Registration {
  const infoHash = readInfoHash(text)
  const registration = torrents.registry.find(infoHash)
  if (registration === undefined)
    throw new ApiError(
      404,
      'torrent-unknown',
      `${formatInfoHash(infoHash)} is not registered here, and only a registered torrent can be ${change}; register it with POST /api/v1/torrents`,
    )
  return registration
}

function readSite(topology: Topology, text: Query[string]): string | undefined {
  if (text === undefined) return undefined
  const site = typeof text === 'string' ? topology.siteNamed(text)?.name : undefined
  if (site === undefined || site === UNMAPPED_SITE)
    throw new ApiError(
      400,
      'site-unknown',
      `there is no site ${JSON.stringify(text)} in the topology; without site, the torrent is held or released in all sites`,
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
