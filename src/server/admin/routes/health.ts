/** Metrics, liveness and readiness, for scrapers, load balancers and service managers. */
import * as z from 'zod'
import { type Readiness, writeReadiness } from '../../../observe/health.ts'
import type { ApiRoutes } from '../api-routes.ts'

export interface HealthSource {
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>
  /** Readiness to get clients from a load balancer. */
  readiness(): Promise<Readiness>
}

const plainText = (description: string) => ({
  description,
  content: { 'text/plain': { schema: z.string() } },
})

export function addHealthRoutes(routes: ApiRoutes, health: HealthSource): void {
  routes.get(
    '/metrics',
    { schema: { summary: 'Metrics for Prometheus', response: { 200: plainText('The metrics.') } } },
    async (_request, reply) => {
      const { contentType, body } = await health.metrics()
      return reply.type(contentType).send(body)
    },
  )
  // The response itself is the check: a process that hangs sends none, and is restarted.
  routes.get(
    '/healthz',
    { schema: { summary: 'Liveness', response: { 200: plainText('The process is alive.') } } },
    async (_request, reply) => reply.type('text/plain').send('ok\n'),
  )
  routes.get(
    '/readyz',
    {
      schema: {
        summary: 'Readiness to get clients from a load balancer',
        querystring: z.strictObject({ verbose: z.string().optional().describe('Lists the checks.') }),
        response: {
          200: plainText('The node is ready.'),
          503: plainText('The node is not ready; a line for each check.'),
        },
      },
    },
    async (request, reply) => {
      const readiness = await health.readiness()
      const { isReady } = readiness
      reply.code(isReady ? 200 : 503).type('text/plain')
      // A node that is not ready always lists its checks.
      return reply.send(
        isReady && request.query.verbose === undefined ? 'ready\n' : writeReadiness(readiness),
      )
    },
  )
}
