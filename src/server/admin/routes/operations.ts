/** Operations on a node: reload and drain. */
import type { FastifyInstance } from 'fastify'
import { ConfigError } from '../../../core/errors.ts'
import { ApiError } from '../requests.ts'

export interface Operations {
  /** Reloads the topology. Rejects with a `ConfigError` and changes nothing if it is invalid. */
  reload(): Promise<{ readonly sites: number }>
  /** Makes the node not ready, so that clients and load balancers use other nodes; it still answers. */
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
