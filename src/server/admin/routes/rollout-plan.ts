/** Numbers of expected hosts of a rollout, and the traffic that it will cause. */
import type { FastifyInstance } from 'fastify'
import { EXPECTED_MAX, type ExpectedHosts, unknownPlace } from '../../../rollouts/expected-hosts.ts'
import { planRollout } from '../../../rollouts/plan.ts'
import type { Topology } from '../../../topology/topology.ts'
import { ApiError, type Query, refuseUnknownParameters } from '../requests.ts'
import { describeInFull, findTorrent, readSiteName, type RolloutContext } from './rollouts.ts'

export function addRolloutPlanRoutes(routes: FastifyInstance, context: RolloutContext): void {
  const { rollouts, topology } = context

  routes.get<{ Params: { infoHash: string }; Querystring: Query }>(
    '/api/v1/rollouts/:infoHash/plan',
    async ({ params, query }) => {
      refuseUnknownParameters(query, ['source'])
      const torrent = findTorrent(context, params.infoHash)
      const rollout = rollouts.of(torrent)
      const { name, sizeBytes } = torrent
      const known = rollouts
        .view(rollout)
        .filter(({ hosts, hadSource }) => hadSource || hosts.complete > 0)
        .map(({ site }) => site)
      const given = query['source'] === undefined ? known : [readSiteName(context, query['source'])]
      const sourceSites = given.length === 0 ? [context.site] : given
      const expected = rollout.expectation.hosts
      return {
        infoHash: rollout.infoHash,
        name,
        sizeBytes,
        ...planRollout({ topology: topology.value, sizeBytes, expected, sourceSites }),
      }
    },
  )

  routes.put<{ Params: { infoHash: string } }>(
    '/api/v1/rollouts/:infoHash/expect',
    async ({ params, body }) => {
      const torrent = findTorrent(context, params.infoHash)
      const hosts = readExpect(body, topology.value, {})
      rollouts.setExpected(torrent, hosts)
      return describeInFull(context, torrent)
    },
  )

  routes.patch<{ Params: { infoHash: string } }>(
    '/api/v1/rollouts/:infoHash/expect',
    async ({ params, body }) => {
      const torrent = findTorrent(context, params.infoHash)
      const known = rollouts.of(torrent).expectation.hosts
      rollouts.setExpected(torrent, readExpect(body, topology.value, known))
      return describeInFull(context, torrent)
    },
  )
}

const EXPECT_HINT = 'send {"hosts": {"fra": 600, "ams/row-a": 40}}'

/** `known`: numbers that stay where the body has none; null in the body removes one. */
function readExpect(body: unknown, topology: Topology, known: ExpectedHosts): ExpectedHosts {
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
