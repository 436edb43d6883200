/** Rollouts: the progress of registered torrents at all sites, and the hosts of one site. */
import * as z from 'zod'
import type { Clock } from '../../../core/clock.ts'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { describeRollout, describeSites } from '../../../rollouts/describe-rollout.ts'
import type { RolloutTorrent } from '../../../rollouts/rollout.ts'
import { type RolloutAnswer, rolloutInFullSchema } from '../../../rollouts/rollout-answer.ts'
import { type RolloutState, rolloutStates } from '../../../rollouts/rollout-states.ts'
import type { Rollouts } from '../../../rollouts/rollouts.ts'
import type { CurrentTopology } from '../../../topology/current-topology.ts'
import { hostsSchema, rolloutsSchema } from '../answers/rollouts.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { limitParameter, takePage } from '../page.ts'
import { infoHashParameter, oneOf, readAs, siteNamed, text } from '../parameters.ts'
import { SearchIndex } from '../search-index.ts'
import { describeHosts, hostsQuery } from './rollout-hosts.ts'
import { torrentSearch } from '../torrent-search.ts'

const SEARCH_CHARACTERS_MAX = 200

export const torrentParams = z.strictObject({ infoHash: infoHashParameter() })

export interface RolloutContext {
  readonly topology: CurrentTopology
  readonly clock: Clock
  /** The site of the node. */
  readonly site: string
  readonly rollouts: Rollouts
  /** The page of hosts of a remote site, from a node of that site. Rejects with an `Error` that explains the problem. */
  readonly remoteHosts: ((site: string, infoHash: Buffer, query: string) => Promise<unknown>) | undefined
}

export function addRolloutRoutes(routes: ApiRoutes, context: RolloutContext): void {
  addRolloutsRoute(routes, context)
  routes.get(
    '/api/v1/rollouts/:infoHash',
    {
      schema: {
        summary: 'One rollout with its sites',
        params: torrentParams,
        response: { 200: rolloutInFullSchema },
      },
    },
    async ({ params }) => describeInFull(context, findTorrent(context, params.infoHash)),
  )
  addHostRoutes(routes, context)
}

function addRolloutsRoute(routes: ApiRoutes, context: RolloutContext): void {
  const { rollouts } = context
  const index = new SearchIndex<RolloutTorrent>()
  routes.get(
    '/api/v1/rollouts',
    {
      schema: {
        summary: 'Rollouts of registered torrents, newest first',
        querystring: z.strictObject({
          state: oneOf('state', rolloutStates).optional(),
          q: text(
            { code: 'q-invalid', expected: `text of at most ${SEARCH_CHARACTERS_MAX} characters` },
            SEARCH_CHARACTERS_MAX,
          )
            .optional()
            .describe('A part of the name, or the first digits of an infohash.'),
          limit: limitParameter(),
          after: readAs(
            z.string().regex(/^[0-9a-f]{40}$/),
            { code: 'after-invalid', expected: '`next` of the previous page' },
            (hex) => hex,
          )
            .optional()
            .describe('`next` of the previous page.'),
        }),
        response: { 200: rolloutsSchema },
      },
    },
    async ({ query: { state, q, limit, after } }) => {
      const cursor = after === undefined ? undefined : rollouts.torrentOf(Buffer.from(after, 'hex'))
      if (after !== undefined && cursor === undefined)
        throw new ApiError(
          400,
          'after-unknown',
          `${after} is not registered any more; start with the first page`,
        )
      const { total, items, hasMore } =
        state === undefined && q === undefined
          ? pageOf(rollouts.torrents(), cursor, limit)
          : await matchingPage(rollouts, index, { state, q, cursor, limit })
      const last = items.at(-1)
      return {
        total,
        rollouts: items.map((torrent) => describe(context, torrent)),
        next: last === undefined || !hasMore ? null : hexOf(last),
      }
    },
  )
}

interface RolloutPage {
  /** Of all pages. */
  readonly total: number
  readonly items: readonly RolloutTorrent[]
  readonly hasMore: boolean
}

function pageOf(
  all: readonly RolloutTorrent[],
  cursor: RolloutTorrent | undefined,
  limit: number,
): RolloutPage {
  const start = cursor === undefined ? 0 : indexOf(all, cursor) + 1
  return { total: all.length, items: all.slice(start, start + limit), hasMore: start + limit < all.length }
}

/** A rollout may not match any more, but it keeps its place. */
async function matchingPage(
  rollouts: Rollouts,
  index: SearchIndex<RolloutTorrent>,
  {
    state,
    q,
    cursor,
    limit,
  }: {
    readonly state: RolloutState | undefined
    readonly q: string | undefined
    readonly cursor: RolloutTorrent | undefined
    readonly limit: number
  },
): Promise<RolloutPage> {
  // A torrent that no client has announced is waiting.
  const isAny = state === undefined || state === 'waiting'
  const isFound = q === undefined || isAny ? () => true : torrentSearch(q)
  const all = () => (q === undefined ? rollouts.torrents() : index.find(rollouts.torrents(), q))
  const candidates = isAny ? await all() : rollouts.announced()
  const { total, items, next } = await takePage(candidates, positionOf, {
    limit,
    after: cursor && positionOf(cursor),
    order: 'descending',
    isMatch: (torrent) => isFound(torrent) && (state === undefined || rollouts.stateOf(torrent) === state),
  })
  return { total, items, hasMore: next !== undefined }
}

const positionOf = ({ registeredAtMs, infoHashes }: RolloutTorrent) => ({
  rank: registeredAtMs,
  infoHash: infoHashes[0] as Buffer,
})

/** Of a list with the newest first; -1 if the torrent is not in it. */
function indexOf(all: readonly RolloutTorrent[], torrent: RolloutTorrent): number {
  let [start, end] = [0, all.length]
  while (start < end) {
    const middle = (start + end) >>> 1
    if ((all[middle] as RolloutTorrent).registeredAtMs > torrent.registeredAtMs) start = middle + 1
    else end = middle
  }
  const hex = hexOf(torrent)
  for (let at = start; all[at]?.registeredAtMs === torrent.registeredAtMs; at++)
    if (hexOf(all[at] as RolloutTorrent) === hex) return at
  return -1
}

function addHostRoutes(routes: ApiRoutes, context: RolloutContext): void {
  const { rollouts, remoteHosts } = context
  routes.get(
    '/api/v1/rollouts/:infoHash/hosts',
    {
      schema: {
        summary: 'Hosts of a rollout at one site',
        params: torrentParams,
        querystring: hostsQuery,
        response: { 200: hostsSchema },
      },
    },
    async ({ params, query, url }) => {
      const torrent = findTorrent(context, params.infoHash)
      const site = siteNamed(context.topology, query.site)?.name ?? context.site
      if (rollouts.measures(site)) return describeHosts(context, torrent, site, query)
      return fetchRemoteHosts(context, torrent, site, url)
    },
  )

  /** For the nodes of other sites. */
  if (remoteHosts !== undefined)
    routes.get(
      '/federation/v1/rollouts/:infoHash/hosts',
      { exposeHeadRoute: false, schema: { hide: true, params: torrentParams, querystring: hostsQuery } },
      async ({ params, query }) =>
        describeHosts(context, findTorrent(context, params.infoHash), context.site, query),
    )
}

/** By either infohash of a hybrid torrent. */
export function findTorrent({ rollouts }: RolloutContext, infoHash: Buffer): RolloutTorrent {
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
  return { ...describe(context, torrent), expect: { ...rollout.expectation.hosts }, sites }
}

/** The answer comes from another site, so that it is checked like a request. */
async function fetchRemoteHosts(
  { remoteHosts }: RolloutContext,
  torrent: RolloutTorrent,
  site: string,
  url: string,
): Promise<z.output<typeof hostsSchema>> {
  if (remoteHosts === undefined)
    throw new ApiError(503, 'site-unreachable', `this node is not federated with ${site}`)
  let answer: unknown
  try {
    answer = await remoteHosts(site, torrent.infoHashes[0] as Buffer, url.slice(url.indexOf('?') + 1))
  } catch (error) {
    throw new ApiError(503, 'site-unreachable', `no node of ${site} answers: ${(error as Error).message}`)
  }
  const parsed = hostsSchema.safeParse(answer)
  if (parsed.success) return parsed.data
  throw new ApiError(503, 'site-unreachable', `a node of ${site} answers with something else than hosts`)
}

function hexOf({ infoHashes }: RolloutTorrent): string {
  return formatInfoHash(infoHashes[0] as Buffer)
}
