/** The handout that a client would get now, in the answer of the API. */
import * as z from 'zod'
import { type Reason, reasons } from '../../../handout/reasons.ts'
import { bubbleName, siteName } from './fields.ts'
import { peerFields } from './peers.ts'
import { stateSchema } from './swarms.ts'

const observed = () =>
  z.string().nullable().describe('What a node of its site observed of this client; null if nothing.')

export const explanationSchema = z.object({
  infoHash: z.string(),
  address: z.string(),
  port: z.int().nullable(),
  site: siteName(),
  bubble: bubbleName(),
  isKnown: z.boolean().describe('False: the handout is that of a new leecher.'),
  role: peerFields.role,
  state: stateSchema,
  observed: observed(),
  problem: z.string().nullable().describe('Why the site gets nothing.'),
  isGateway: z.boolean(),
  isDecidedHere: z
    .boolean()
    .describe("False if the peer's own site decides; `peers` is then the handout that a client gets here."),
  becomesGateway: z
    .enum(['first', 'stopped', 'expired', 'stalled', 'added', 'surplus', 'unreachable'])
    .nullable()
    .describe('Cause of the election that the announce would start.'),
  carrier: z
    .object({
      node: z.string(),
      isHere: z.boolean().describe('It is the node that answers.'),
      transport: z
        .enum(['carried', 'settling', 'direct'])
        .describe(
          '`carried`: the content reaches the site through the node. `settling`: the node looks for a site to fetch from. `direct`: it found none, and a host fetches.',
        ),
      upstreamSite: z.string().nullable().describe('The site from which it fetches.'),
      isHandedOut: z.boolean().describe('This client is handed the address of the node as a peer.'),
    })
    .nullable()
    .describe('The node that carries the torrent at the site of the client; null if none does.'),
  loopbackWithheld: z
    .int()
    .describe('Peers on loopback addresses, which a requester on another host cannot reach.'),
  peers: z.array(
    z.object({
      ...peerFields,
      ring: z.enum(['bubble', 'site', 'remote']).describe('Distance to the requester.'),
      reason: z.enum(Object.keys(reasons) as [Reason, ...Reason[]]),
      because: z.string().describe('The reason as a sentence.'),
      observed: observed(),
    }),
  ),
})

export type Explanation = z.output<typeof explanationSchema>
