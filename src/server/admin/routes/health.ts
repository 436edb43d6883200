/** For scrapers, load balancers and supervisors. */
import type { FastifyInstance } from 'fastify'
import type { Query } from '../requests.ts'

export interface HealthSource {
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>
  /** Whether clients should be sent here; the body has a sentence for each check. */
  readiness(): Promise<{ readonly isReady: boolean; readonly body: string }>
}

export function addHealthRoutes(routes: FastifyInstance, health: HealthSource): void {
  routes.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await health.metrics()
    return reply.type(contentType).send(body)
  })
  // That it answers is all there is to say: a process that hangs does not, and is restarted for that.
  routes.get('/healthz', async (_request, reply) => reply.type('text/plain').send('ok\n'))
  routes.get<{ Querystring: Query }>('/readyz', async (request, reply) => {
    const { isReady, body } = await health.readiness()
    reply.code(isReady ? 200 : 503).type('text/plain')
    // What keeps a node from being ready is worth its lines even if nobody asked for them.
    return reply.send(isReady && request.query['verbose'] === undefined ? 'ready\n' : body)
  })
}
