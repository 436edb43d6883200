/** Sites with their federation state in the answers of the API. */
import * as z from 'zod'
import { time } from './fields.ts'

export const CONNECTION_STATES = ['up', 'stale', 'down'] as const

export const sitesSchema = z.object({
  sites: z.array(
    z.object({
      site: z.string(),
      region: z.string().nullable(),
      isOwn: z.boolean().describe('True for the site of this node.'),
      state: z
        .enum(['here', ...CONNECTION_STATES])
        .describe("here: this node answers for the site. up, stale, down: liveness of the site's own nodes."),
      since: time().nullable().describe('Time of the last change of state.'),
      reason: z.string().nullable(),
      ageSeconds: z.number().nullable().describe('Time since the last message of the site.'),
      topologyHash: z.string().nullable(),
      torrents: z.int().describe('Torrents with peers in the site.'),
    }),
  ),
})

export type SiteList = z.output<typeof sitesSchema>
