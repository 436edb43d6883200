/** For scrapers, load balancers and supervisors. */
import type { FastifyInstance } from 'fastify'
import type { Query } from '../queries.ts'

export interface HealthSource {
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>
  /** Whether the process works at all. */
  isAlive(): boolean
  /** Whether clients should be sent here; `body` lists each check with a sentence. */
  readiness(): { readonly isReady: boolean; readonly body: string }
}

export function addHealthRoutes(routes: FastifyInstance, health: HealthSource): void {
  routes.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await health.metrics()
    return reply.type(contentType).send(body)
  })
  routes.get('/healthz', async (_request, reply) => {
    const isAlive = health.isAlive()
    return reply
      .code(isAlive ? 200 : 503)
      .type('text/plain')
      .send(isAlive ? 'ok\n' : 'not ok\n')
  })
  routes.get<{ Querystring: Query }>('/readyz', async (request, reply) => {
    const { isReady, body } = health.readiness()
    reply.code(isReady ? 200 : 503).type('text/plain')
    if (request.query['verbose'] !== undefined) return reply.send(body)
    return reply.send(isReady ? 'ok\n' : 'not ready\n')
  })
}
