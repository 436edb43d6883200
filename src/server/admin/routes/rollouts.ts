/** Rollouts: the progress of registered torrents at all sites, and the hosts of one site. */
import type { FastifyInstance } from 'fastify'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { describeRollout, describeSites, type RolloutAnswer } from '../../../rollouts/describe-rollout.ts'
import { type RolloutState, rolloutStates, type RolloutTorrent } from '../../../rollouts/rollout.ts'
import type { Rollouts } from '../../../rollouts/rollouts.ts'
import type { Clock } from '../../../core/clock.ts'
import type { CurrentTopology } from '../../../topology/current-topology.ts'
import { ApiError, type Query, readInfoHash, readWhole, refuseUnknownParameters } from '../requests.ts'
import { describeHosts, HOST_PARAMETERS } from './rollout-hosts.ts'

const PAGE_MAX = 1_000
const PAGE_DEFAULT = 100
const PARAMETERS = ['state', 'q', 'limit', 'after']

export interface RolloutContext {
  readonly topology: CurrentTopology
  readonly clock: Clock
  /** The site of the node. */
  readonly site: string
  readonly rollouts: Rollouts
  /** The page of hosts of a remote site, from a node of that site. Rejects with an `Error` that explains the problem. */
  readonly remoteHosts: ((site: string, infoHash: Buffer, query: string) => Promise<unknown>) | undefined
}

export function addRolloutRoutes(routes: FastifyInstance, context: RolloutContext): void {
  const { rollouts, remoteHosts } = context

  routes.get<{ Querystring: Query }>('/api/v1/rollouts', async ({ query }) => {
    refuseUnknownParameters(query, PARAMETERS)
    const state = readState(query['state'])
    const search = readSearch(query['q'])
    const limit = readWhole('limit', query['limit'], { min: 1, max: PAGE_MAX }) ?? PAGE_DEFAULT
    const after = query['after'] === undefined ? undefined : formatInfoHash(readInfoHash(query['after']))
    const isMatch = (torrent: RolloutTorrent) =>
      (search === undefined || matches(torrent, search)) &&
      (state === undefined || rollouts.stateOf(torrent) === state)
    const all = rollouts.torrents()
    // A rollout may not match any more, but it keeps its place.
    const start = after === undefined ? 0 : all.findIndex((torrent) => hexOf(torrent) === after) + 1
    if (after !== undefined && start === 0)
      throw new ApiError(
        400,
        'after-unknown',
        `${after} is not registered any more; start with the first page`,
      )
    const rest = all.slice(start).filter(isMatch)
    const page = rest.slice(0, limit)
    const last = page.at(-1)
    return {
      /** Rollouts that match the filters, those of all pages. */
      total: start === 0 ? rest.length : all.filter(isMatch).length,
      rollouts: page.map((torrent) => describe(context, torrent)),
      /** Value of `after` for the next page; null on the last one. */
      next: last === undefined || page.length === rest.length ? null : hexOf(last),
    }
  })

  routes.get<{ Params: { infoHash: string }; Querystring: Query }>(
    '/api/v1/rollouts/:infoHash',
    async ({ params, query }) => {
      refuseUnknownParameters(query, [])
      return describeInFull(context, findTorrent(context, params.infoHash))
    },
  )

  routes.get<{ Params: { infoHash: string }; Querystring: Query }>(
    '/api/v1/rollouts/:infoHash/hosts',
    async ({ params, query, url }) => {
      refuseUnknownParameters(query, HOST_PARAMETERS)
      const torrent = findTorrent(context, params.infoHash)
      const site = readSiteName(context, query['site'])
      if (rollouts.measures(site)) return describeHosts(context, torrent, site, query)
      return fetchRemoteHosts(context, torrent, site, url)
    },
  )

  /** For the nodes of other sites. */
  if (remoteHosts !== undefined)
    routes.get<{ Params: { infoHash: string }; Querystring: Query }>(
      '/federation/v1/rollouts/:infoHash/hosts',
      { exposeHeadRoute: false },
      async ({ params, query }) => {
        refuseUnknownParameters(query, HOST_PARAMETERS)
        return describeHosts(context, findTorrent(context, params.infoHash), context.site, query)
      },
    )
}

/** By either infohash of a hybrid torrent. */
export function findTorrent({ rollouts }: RolloutContext, text: string): RolloutTorrent {
  const infoHash = readInfoHash(text)
  const torrent = rollouts.torrentOf(infoHash)
  if (torrent === undefined)
    throw new ApiError(404, 'torrent-unknown', `${formatInfoHash(infoHash)} is not registered here`)
  return torrent
}

function describe({ rollouts, clock }: RolloutContext, torrent: RolloutTorrent): RolloutAnswer {
  const rollout = rollouts.of(torrent)
  return describeRollout(rollout, rollouts.view(rollout), clock.nowMs())
}

export function describeInFull(context: RolloutContext, torrent: RolloutTorrent) {
  const { rollouts, clock } = context
  const rollout = rollouts.of(torrent)
  const sites = describeSites(rollout, rollouts.view(rollout), clock.nowMs())
  return { ...describe(context, torrent), expect: rollout.expectation.hosts, sites }
}

async function fetchRemoteHosts(
  { remoteHosts }: RolloutContext,
  torrent: RolloutTorrent,
  site: string,
  url: string,
): Promise<unknown> {
  if (remoteHosts === undefined)
    throw new ApiError(503, 'site-unreachable', `this node is not federated with ${site}`)
  try {
    return await remoteHosts(site, torrent.infoHashes[0] as Buffer, url.slice(url.indexOf('?') + 1))
  } catch (error) {
    throw new ApiError(503, 'site-unreachable', `no node of ${site} answers: ${(error as Error).message}`)
  }
}

export function readSiteName({ topology, site }: RolloutContext, text: Query[string]): string {
  if (text === undefined) return site
  if (typeof text === 'string' && topology.value.siteNamed(text) !== undefined) return text
  throw new ApiError(400, 'site-unknown', `there is no site ${JSON.stringify(text)} in the topology`)
}

function readState(text: Query[string]): RolloutState | undefined {
  if (text === undefined) return undefined
  const found = rolloutStates.find((state) => state === text)
  if (found === undefined)
    throw new ApiError(
      400,
      'state-unknown',
      `state must be one of ${rolloutStates.join(', ')}, not ${JSON.stringify(text)}`,
    )
  return found
}

function readSearch(text: Query[string]): string | undefined {
  if (text === undefined) return undefined
  if (typeof text !== 'string' || text.length > 200)
    throw new ApiError(
      400,
      'q-invalid',
      'q must be one text of at most 200 characters: a part of a name or infohash',
    )
  return text.toLowerCase()
}

function matches(torrent: RolloutTorrent, search: string): boolean {
  return torrent.name.toLowerCase().includes(search) || hexOf(torrent).includes(search)
}

function hexOf({ infoHashes }: RolloutTorrent): string {
  return formatInfoHash(infoHashes[0] as Buffer)
}
