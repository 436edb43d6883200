/** Metrics, liveness and readiness, for scrapers, load balancers and service managers. */
import type { FastifyInstance } from 'fastify'
import type { Query } from '../requests.ts'

export interface HealthSource {
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>
  /** Readiness to get clients from a load balancer; the body has a line for each check. */
  readiness(): Promise<{ readonly isReady: boolean; readonly body: string }>
}

export function addHealthRoutes(routes: FastifyInstance, health: HealthSource): void {
  routes.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await health.metrics()
    return reply.type(contentType).send(body)
  })
  // The response itself is the check: a process that hangs sends none, and is restarted.
  routes.get('/healthz', async (_request, reply) => reply.type('text/plain').send('ok\n'))
  routes.get<{ Querystring: Query }>('/readyz', async (request, reply) => {
    const { isReady, body } = await health.readiness()
    reply.code(isReady ? 200 : 503).type('text/plain')
    // A node that is not ready always lists its checks.
    return reply.send(isReady && request.query['verbose'] === undefined ? 'ready\n' : body)
  })
}
