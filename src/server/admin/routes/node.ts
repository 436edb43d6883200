/** The node itself: version, uptime, checks, and its configuration without secrets. */
import type { AdminContext } from '../admin-context.ts'
import { nodeSchema } from '../answers/node.ts'
import type { ApiRoutes } from '../api-routes.ts'

type Context = Pick<AdminContext, 'version' | 'site' | 'topology' | 'clock' | 'health' | 'node'>

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
