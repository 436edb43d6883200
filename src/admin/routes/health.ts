/** For scrapers, load balancers and supervisors. */
import type { FastifyInstance } from 'fastify'
import type { Query } from '../queries.ts'

export interface HealthAnswer {
  readonly status: number
  readonly body: string
}

export interface HealthSource {
  metrics(): Promise<{ readonly contentType: string; readonly body: string }>
  /** Whether the process works at all. */
  healthz(): HealthAnswer
  /** Whether clients should be sent here; verbose: each check with a sentence. */
  readyz(isVerbose: boolean): HealthAnswer
}

export function addHealthRoutes(routes: FastifyInstance, health: HealthSource): void {
  routes.get('/metrics', async (_request, reply) => {
    const { contentType, body } = await health.metrics()
    return reply.type(contentType).send(body)
  })
  routes.get('/healthz', async (_request, reply) => {
    const { status, body } = health.healthz()
    return reply.code(status).type('text/plain').send(body)
  })
  routes.get<{ Querystring: Query }>('/readyz', async (request, reply) => {
    const { status, body } = health.readyz(request.query['verbose'] !== undefined)
    return reply.code(status).type('text/plain').send(body)
  })
}
