/** Numbers of expected hosts of a rollout, and the traffic that it will cause. */
import * as z from 'zod'
import { EXPECTED_MAX, type ExpectedHosts, unknownPlace } from '../../../rollouts/expected-hosts.ts'
import { planAnswerSchema } from '../../../rollouts/plan-answer.ts'
import { planRollout } from '../../../rollouts/plan.ts'
import { rolloutInFullSchema } from '../../../rollouts/rollout-answer.ts'
import type { Topology } from '../../../topology/topology.ts'
import type { AdminContext } from '../admin-context.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { siteNamed, siteParameter, withRule } from '../parameters.ts'
import { describeInFull, findTorrent, type RolloutContext, torrentParams } from './rollouts.ts'

const EXPECT_RULE = {
  code: 'expect-invalid',
  expected: `numbers from 0 to ${EXPECTED_MAX} by site or bubble; send {"hosts": {"fra": 600, "ams/row-a": 40}}`,
}

const expectBody = withRule(
  z.strictObject({
    hosts: withRule(z.record(z.string(), z.int().min(0).max(EXPECTED_MAX).nullable()), EXPECT_RULE).describe(
      'null removes a number.',
    ),
  }),
  EXPECT_RULE,
)

type Context = RolloutContext & Pick<AdminContext, 'linkRates'>

export function addRolloutPlanRoutes(routes: ApiRoutes, context: Context): void {
  addPlanRoute(routes, context)
  const { rollouts, topology } = context
  const schema = { params: torrentParams, body: expectBody, response: { 200: rolloutInFullSchema } }

  routes.put(
    '/api/v1/rollouts/:infoHash/expect',
    { schema: { ...schema, summary: 'Replaces the numbers of expected hosts' } },
    async ({ params, body }) => {
      const torrent = findTorrent(context, params.infoHash)
      rollouts.setExpected(torrent, mergeExpected(body.hosts, topology.value, {}))
      return describeInFull(context, torrent)
    },
  )

  routes.patch(
    '/api/v1/rollouts/:infoHash/expect',
    { schema: { ...schema, summary: 'Changes some numbers of expected hosts' } },
    async ({ params, body }) => {
      const torrent = findTorrent(context, params.infoHash)
      const known = rollouts.of(torrent).expectation.hosts
      rollouts.setExpected(torrent, mergeExpected(body.hosts, topology.value, known))
      return describeInFull(context, torrent)
    },
  )
}

function addPlanRoute(routes: ApiRoutes, context: Context): void {
  const { rollouts, topology, linkRates, clock } = context
  routes.get(
    '/api/v1/rollouts/:infoHash/plan',
    {
      schema: {
        summary: 'The traffic between sites that a rollout will cause',
        params: torrentParams,
        querystring: z.strictObject({
          source: siteParameter().optional().describe('The site with the content.'),
        }),
        response: { 200: planAnswerSchema },
      },
    },
    async ({ params, query }) => {
      const torrent = findTorrent(context, params.infoHash)
      const rollout = rollouts.of(torrent)
      const { name, sizeBytes } = torrent
      const known = rollouts
        .view(rollout)
        .filter(({ hosts, hadSource }) => hadSource || hosts.complete > 0)
        .map(({ site }) => site)
      const source = siteNamed(topology, query.source)?.name
      const given = source === undefined ? known : [source]
      const sourceSites = given.length === 0 ? [context.site] : given
      const expected = rollout.expectation.hosts
      return {
        infoHash: rollout.infoHash,
        name,
        sizeBytes,
        ...planRollout({
          topology: topology.value,
          sizeBytes,
          expected,
          sourceSites,
          rateSetFor: (a, b) => linkRates.overrideOf(a, b)?.bytesPerSecond,
          startMs: clock.nowMs(),
        }),
      }
    },
  )
}

/** `known`: numbers that stay where `hosts` has none. */
function mergeExpected(
  hosts: Readonly<Record<string, number | null>>,
  topology: Topology,
  known: ExpectedHosts,
): ExpectedHosts {
  const expected: Record<string, number> = { ...known }
  for (const [place, count] of Object.entries(hosts)) {
    if (count === null) delete expected[place]
    else expected[place] = count
  }
  const unknown = unknownPlace(expected, topology)
  if (unknown !== undefined)
    throw new ApiError(400, 'expect-invalid', `the topology has no site or bubble ${JSON.stringify(unknown)}`)
  return expected
}
