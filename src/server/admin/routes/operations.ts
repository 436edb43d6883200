/** Operations on a node: reload and drain. */
import * as z from 'zod'
import { ConfigError } from '../../../core/errors.ts'
import { ApiError } from '../api-error.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { text } from '../parameters.ts'

export interface Reloaded {
  /** Sites of the new topology. */
  readonly sites: number
}

/** Some processes of the node have the new files and others do not. The message states each. */
export class IncompleteReload extends Error {}

export interface Operations {
  /**
   * Reloads the topology. Rejects with a `ConfigError` and changes nothing if it is invalid, and with an
   * `IncompleteReload` if only some processes reloaded it.
   */
  reload(): Promise<Reloaded>
  /**
   * Makes the node not ready, so that clients and load balancers use other nodes; it still answers. `reason` is shown
   * wherever the drain is.
   */
  drain(reason: string | undefined): void
  /** Makes a drained node ready again; false if it was not drained, or is about to stop. */
  undoDrain(): Promise<boolean>
}

/** One line of a log and of a page. */
const REASON_CHARACTERS_MAX = 200

export function addOperationRoutes(routes: ApiRoutes, operations: Operations): void {
  routes.post(
    '/api/v1/reload',
    {
      schema: {
        summary: 'Reloads the topology and the registered torrents',
        response: {
          200: z.object({
            sites: z.int().describe('Sites of the new topology.'),
          }),
        },
      },
    },
    async () => {
      try {
        return await operations.reload()
      } catch (error) {
        if (error instanceof IncompleteReload) throw new ApiError(503, 'reload-incomplete', error.message)
        if (error instanceof ConfigError) throw new ApiError(422, 'configuration-invalid', error.message)
        throw error
      }
    },
  )

  routes.post(
    '/api/v1/drain',
    {
      schema: {
        summary: 'Makes the node not ready; it still answers',
        querystring: z.strictObject({
          reason: text(
            { code: 'reason-invalid', expected: `text of at most ${REASON_CHARACTERS_MAX} characters` },
            REASON_CHARACTERS_MAX,
          )
            .optional()
            .describe('Shown by /readyz and in the log.'),
        }),
        response: { 202: z.object({ draining: z.literal(true) }) },
      },
    },
    async (request, reply) => {
      operations.drain(request.query.reason)
      return reply.code(202).send({ draining: true })
    },
  )

  routes.delete(
    '/api/v1/drain',
    {
      schema: {
        summary: 'Makes a drained node ready again',
        response: { 200: z.object({ draining: z.literal(false) }) },
      },
    },
    async () => {
      if (!(await operations.undoDrain()))
        throw new ApiError(409, 'not-draining', 'the node is not draining, or is about to stop')
      return { draining: false as const }
    },
  )
}
