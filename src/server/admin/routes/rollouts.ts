/** Rollouts: the progress of registered torrents at all sites, and the hosts of one site. */
import type { FastifyInstance } from 'fastify'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { describeRollout, describeSites, describeWaiting } from '../../../rollouts/describe-rollout.ts'
import { EXPECTED_MAX, type ExpectedHosts, unknownPlace } from '../../../rollouts/expected-hosts.ts'
import { planRollout } from '../../../rollouts/plan.ts'
import { type RolloutState, rolloutStates, type RolloutTorrent } from '../../../rollouts/rollout.ts'
import type { Rollouts } from '../../../rollouts/rollouts.ts'
import type { AdminContext } from '../admin-context.ts'
import { ApiError, type Query, readInfoHash, readWhole, refuseUnknownParameters } from '../requests.ts'
import { describeHosts, HOST_PARAMETERS } from './rollout-hosts.ts'

const PAGE_MAX = 1_000
const PAGE_DEFAULT = 100
const PARAMETERS = ['state', 'q', 'limit', 'after']

export interface RolloutContext {
  readonly rollouts: Rollouts
  /** The page of hosts of a remote site, from a node of that site. Rejects with an `Error` that explains the problem. */
  readonly remoteHosts: ((site: string, infoHash: Buffer, query: string) => Promise<unknown>) | undefined
}

type Context = Pick<AdminContext, 'topology' | 'clock' | 'site'> & RolloutContext

export function addRolloutRoutes(routes: FastifyInstance, context: Context): void {
  const { rollouts, topology, clock, remoteHosts } = context

  const answer = (torrent: RolloutTorrent) => {
    const rollout = rollouts.find(torrent.infoHashes[0] as Buffer)
    return rollout === undefined
      ? describeWaiting(torrent, rollouts.expectedInTopology())
      : describeRollout(rollout, rollouts.view(rollout), clock.nowMs())
  }
  const find = (text: string): RolloutTorrent => {
    const infoHash = readInfoHash(text)
    const torrent = rollouts.torrentOf(infoHash)
    if (torrent === undefined)
      throw new ApiError(404, 'torrent-unknown', `${formatInfoHash(infoHash)} is not registered here`)
    return torrent
  }
  const answerInFull = (torrent: RolloutTorrent) => {
    const rollout = rollouts.find(torrent.infoHashes[0] as Buffer)
    const sites = rollout === undefined ? [] : describeSites(rollout, rollouts.view(rollout), clock.nowMs())
    return { ...answer(torrent), expect: rollout?.expectation.hosts ?? {}, sites }
  }

  routes.get<{ Querystring: Query }>('/api/v1/rollouts', async ({ query }) => {
    refuseUnknownParameters(query, PARAMETERS)
    const state = readState(query['state'])
    const search = readSearch(query['q'])
    const limit = readWhole('limit', query['limit'], { min: 1, max: PAGE_MAX }) ?? PAGE_DEFAULT
    const after = query['after'] === undefined ? undefined : formatInfoHash(readInfoHash(query['after']))
    const isMatch = (torrent: RolloutTorrent) =>
      (search === undefined || matches(torrent, search)) && (state === undefined || rollouts.stateOf(torrent) === state)
    const matching = rollouts.torrents().filter(isMatch)
    const start = after === undefined ? 0 : matching.findIndex((torrent) => hexOf(torrent) === after) + 1
    const page = matching.slice(start, start + limit)
    const last = page.at(-1)
    return {
      /** Rollouts that match the filters, those of all pages. */
      total: matching.length,
      rollouts: page.map(answer),
      /** Value of `after` for the next page; null on the last one. */
      next: last === undefined || start + page.length >= matching.length ? null : hexOf(last),
    }
  })

  routes.get<{ Params: { infoHash: string }; Querystring: Query }>(
    '/api/v1/rollouts/:infoHash',
    async ({ params, query }) => {
      refuseUnknownParameters(query, [])
      return answerInFull(find(params.infoHash))
    },
  )

  routes.get<{ Params: { infoHash: string }; Querystring: Query }>(
    '/api/v1/rollouts/:infoHash/hosts',
    async ({ params, query, url }) => {
      refuseUnknownParameters(query, HOST_PARAMETERS)
      const torrent = find(params.infoHash)
      const site = readSiteName(context, query['site'])
      if (rollouts.measures(site)) return describeHosts(context, torrent, site, query)
      return fetchRemoteHosts(context, torrent, site, url)
    },
  )

  routes.get<{ Params: { infoHash: string }; Querystring: Query }>(
    '/api/v1/rollouts/:infoHash/plan',
    async ({ params, query }) => {
      refuseUnknownParameters(query, ['source'])
      const torrent = find(params.infoHash)
      const { infoHash, name, sizeBytes } = answer(torrent)
      const rollout = rollouts.find(torrent.infoHashes[0] as Buffer)
      const reports = rollout === undefined ? [] : rollouts.view(rollout)
      const known = reports.filter(({ hosts, hadSource }) => hadSource || hosts.complete > 0).map(({ site }) => site)
      const given = query['source'] === undefined ? known : [readSiteName(context, query['source'])]
      const sourceSites = given.length === 0 ? [context.site] : given
      const expected = rollout?.expectation.hosts ?? {}
      return { infoHash, name, sizeBytes, ...planRollout({ topology: topology.value, sizeBytes, expected, sourceSites }) }
    },
  )

  /** For the nodes of other sites. */
  if (remoteHosts !== undefined)
    routes.get<{ Params: { infoHash: string }; Querystring: Query }>(
      '/federation/v1/rollouts/:infoHash/hosts',
      { exposeHeadRoute: false },
      async ({ params, query }) => {
        refuseUnknownParameters(query, HOST_PARAMETERS)
        return describeHosts(context, find(params.infoHash), context.site, query)
      },
    )

  routes.put<{ Params: { infoHash: string } }>('/api/v1/rollouts/:infoHash/expect', async ({ params, body }) => {
    const torrent = find(params.infoHash)
    const hosts = readExpect(body, topology.value, {})
    rollouts.setExpected(torrent, hosts)
    return answerInFull(torrent)
  })

  routes.patch<{ Params: { infoHash: string } }>('/api/v1/rollouts/:infoHash/expect', async ({ params, body }) => {
    const torrent = find(params.infoHash)
    const known = rollouts.find(torrent.infoHashes[0] as Buffer)?.expectation.hosts ?? {}
    rollouts.setExpected(torrent, readExpect(body, topology.value, known))
    return answerInFull(torrent)
  })
}

async function fetchRemoteHosts(
  { remoteHosts }: Context,
  torrent: RolloutTorrent,
  site: string,
  url: string,
): Promise<unknown> {
  if (remoteHosts === undefined) throw new ApiError(503, 'site-unreachable', `this node is not federated with ${site}`)
  try {
    return await remoteHosts(site, torrent.infoHashes[0] as Buffer, url.slice(url.indexOf('?') + 1))
  } catch (error) {
    throw new ApiError(503, 'site-unreachable', `no node of ${site} answers: ${(error as Error).message}`)
  }
}

function readSiteName({ topology, site }: Context, text: Query[string]): string {
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
    throw new ApiError(400, 'q-invalid', 'q must be one text of at most 200 characters: a part of a name or infohash')
  return text.toLowerCase()
}

function matches(torrent: RolloutTorrent, search: string): boolean {
  return torrent.name.toLowerCase().includes(search) || hexOf(torrent).includes(search)
}

function hexOf({ infoHashes }: RolloutTorrent): string {
  return formatInfoHash(infoHashes[0] as Buffer)
}

const EXPECT_HINT = 'send {"hosts": {"fra": 600, "ams/row-a": 40}}'

/** `known`: numbers that stay where the body has none; null in the body removes one. */
function readExpect(body: unknown, topology: Context['topology']['value'], known: ExpectedHosts): ExpectedHosts {
  const hosts = isRecord(body) ? body['hosts'] : undefined
  if (!isRecord(body) || !isRecord(hosts) || Object.keys(body).length !== 1)
    throw new ApiError(400, 'expect-invalid', `the body is not valid; ${EXPECT_HINT}`)
  const expected: Record<string, number> = { ...known }
  for (const [place, count] of Object.entries(hosts)) {
    if (count === null) delete expected[place]
    else if (Number.isSafeInteger(count) && (count as number) >= 0 && (count as number) <= EXPECTED_MAX)
      expected[place] = count as number
    else
      throw new ApiError(
        400,
        'expect-invalid',
        `${place}: expected a whole number from 0 to ${EXPECTED_MAX}; ${EXPECT_HINT}`,
      )
  }
  const unknown = unknownPlace(expected, topology)
  if (unknown !== undefined)
    throw new ApiError(400, 'expect-invalid', `the topology has no site or bubble ${JSON.stringify(unknown)}`)
  return expected
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
