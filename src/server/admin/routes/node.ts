/** The node itself: version, uptime, checks, and its configuration without secrets. */
import * as z from 'zod'
import type { AdminContext } from '../admin-context.ts'
import { time } from '../answer-fields.ts'
import type { ApiRoutes } from '../api-routes.ts'

type Context = Pick<AdminContext, 'version' | 'site' | 'topology' | 'clock' | 'health' | 'node'>

const stateFields = {
  site: z.string(),
  version: z.string(),
  startedAt: time(),
  topologyHash: z.string(),
  isReady: z.boolean().describe('True if a load balancer should send clients to this node.'),
  drain: z
    .object({ since: time(), reason: z.string().nullable() })
    .nullable()
    .describe('null while the node is not draining.'),
  checks: z
    .array(
      z.object({
        check: z.string(),
        isOk: z.boolean(),
        isRequired: z.boolean().describe('The node is ready only if all required checks are ok.'),
        sentence: z.string(),
        worker: z.int().nullable().describe('null if the node is one process.'),
      }),
    )
    .describe('The checks of /readyz.'),
}

const nodeSchema = z.object({
  ...stateFields,
  uptimeSeconds: z.number(),
  configuration: z
    .record(z.string(), z.unknown())
    .describe('In the form of the configuration file; a secret is `set` or null.'),
})

export function addNodeRoute(routes: ApiRoutes, context: Context): void {
  routes.get(
    '/api/v1/node',
    {
      schema: {
        summary: 'Version, uptime, checks and configuration of the node',
        response: { 200: nodeSchema },
      },
    },
    async () => ({
      ...(await describeNode(context)),
      uptimeSeconds: Math.max(0, Math.round((context.clock.nowMs() - context.node.startedAtMs) / 1_000)),
      configuration: { ...context.node.configuration },
    }),
  )
}

/** What changes rarely, and is sent as an event. */
export async function describeNode({ version, site, topology, health, node }: Context) {
  const { isReady, checks } = await health.readiness()
  const drain = node.drain()
  return {
    site,
    version,
    startedAt: new Date(node.startedAtMs).toISOString(),
    topologyHash: topology.value.hash,
    isReady,
    drain:
      drain === undefined
        ? null
        : { since: new Date(drain.sinceMs).toISOString(), reason: drain.reason ?? null },
    checks: checks.map(({ name, isOk, isRequired, sentence, worker }) => ({
      check: name,
      isOk,
      isRequired,
      sentence,
      worker: worker ?? null,
    })),
  }
}
