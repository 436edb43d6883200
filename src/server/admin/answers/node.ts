/** The node in the answers of the API. */
import * as z from 'zod'
import { time } from './fields.ts'

export const nodeSchema = z.object({
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
  uptimeSeconds: z.number(),
  configuration: z
    .record(z.string(), z.unknown())
    .describe('In the form of the configuration file; a secret is `set` or null.'),
})

export type NodeInformation = z.output<typeof nodeSchema>
