/** What an operator tells a node to do. */
import type { FastifyInstance } from 'fastify'
import { ConfigError } from '../../../core/errors.ts'
import { ApiError } from '../requests.ts'

export interface Operations {
  /** Reads the topology again. Rejects with a `ConfigError`, and changes nothing, where it is wrong. */
  reload(): Promise<{ readonly sites: number }>
  /** Tells clients and load balancers that this node goes away; it still answers. */
  drain(): void
}

export function addOperationRoutes(routes: FastifyInstance, operations: Operations): void {
  routes.post('/api/v1/reload', async () => {
    try {
      return await operations.reload()
    } catch (error) {
      if (error instanceof ConfigError) throw new ApiError(422, 'configuration-invalid', error.message)
      throw error
    }
  })
  routes.post('/api/v1/drain', async (_request, reply) => {
    operations.drain()
    return reply.code(202).send({ draining: true })
  })
}
