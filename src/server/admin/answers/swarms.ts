/** Swarms in the answers of the API. */
import * as z from 'zod'
import { nextCursor } from './fields.ts'
import { peerFields, peerSchema } from './peers.ts'

export const stateSchema = z
  .enum(['filling', 'warm', 'stranded', 'idle'])
  .describe(
    'filling: leechers, and no complete copy yet. warm: a complete copy. stranded: leechers, and neither a gateway nor a complete copy at any site. idle: no leecher.',
  )

const totalsFields = {
  infoHash: z.string(),
  seeds: z.int(),
  leechers: z.int(),
  partial: z.int().describe('Clients that have all that they want, and not all of the torrent.'),
  completions: z.int().describe('Completed downloads so far.'),
}

export const swarmsSchema = z.object({
  total: z.int().describe('Swarms that match, those of all pages.'),
  swarms: z.array(
    z.object({
      ...totalsFields,
      sites: z.record(z.string(), stateSchema).describe('State in each site with peers.'),
    }),
  ),
  next: nextCursor(),
})

export const swarmSchema = z.object({
  ...totalsFields,
  sites: z.array(
    z.object({
      site: z.string(),
      state: stateSchema,
      seeds: z.int(),
      leechers: z.int(),
      partial: z.int(),
      problem: z.string().nullable().describe('Why the site gets nothing.'),
      gatewayHostsEver: z.int().describe('Hosts that were gateway since the swarm exists.'),
      gateways: z.array(z.object({ ...peerFields, leftBytes: z.number(), upstream: peerSchema.nullable() })),
    }),
  ),
})

export type SwarmPage = z.output<typeof swarmsSchema>
