/** The handout that a client would get now, each peer with its reason. Changes nothing. */
import * as z from 'zod'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { type Reason, reasons } from '../../../handout/decision.ts'
import { causes, localities } from '../../../observe/counters.ts'
import { flags } from '../../../swarm/peer-rows.ts'
import type { AdminContext } from '../admin-context.ts'
import { bubbleName, siteName } from '../answer-fields.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { addressParameter, infoHashParameter, portParameter } from '../parameters.ts'
import { describeObservation } from '../peer-progress.ts'
import { describePeer, peerFields } from '../shown-peer.ts'
import { problemOf, stateSchema, swarmUnknown } from './swarms.ts'

const observed = () =>
  z.string().nullable().describe('What a node of its site observed of this client; null if nothing.')

const explanationSchema = z.object({
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
  becomesGateway: z.enum(causes).nullable().describe('Cause of the election that the announce would start.'),
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
      ring: z.enum(localities).describe('Distance to the requester.'),
      reason: z.enum(Object.keys(reasons) as [Reason, ...Reason[]]),
      because: z.string().describe('The reason as a sentence.'),
      observed: observed(),
    }),
  ),
})

export function addExplainRoute(
  routes: ApiRoutes,
  context: Pick<AdminContext, 'topology' | 'tracker' | 'table' | 'clock'>,
): void {
  routes.get(
    '/api/v1/explain',
    {
      schema: {
        summary: 'The handout that a client would get now, each peer with its reason',
        querystring: z.strictObject({
          info_hash: infoHashParameter(),
          ip: addressParameter(),
          port: portParameter().optional(),
        }),
        response: { 200: explanationSchema },
      },
    },
    async ({ query: { info_hash: infoHash, ip: address, port } }) => {
      const { topology, tracker, table, clock } = context
      const explained = tracker.explain(infoHash, address, port)
      if (explained === undefined) throw swarmUnknown(infoHash)
      const { decision, requester, isDecidedHere, loopbackWithheld, carrier } = explained
      const nowMs = clock.nowMs()
      const observedOf = (row: number) => describeObservation(table, row, nowMs)
      const place = topology.value.places[requester.place]
      const site = place === undefined ? undefined : explained.swarm.site(place.site.index)
      return {
        infoHash: formatInfoHash(infoHash),
        address: address.toString(),
        port: port ?? null,
        site: place?.site.name ?? null,
        bubble: place?.bubble ?? null,
        isKnown: requester.row >= 0,
        role: requester.role,
        state: decision.state,
        observed: requester.row >= 0 ? observedOf(requester.row) : null,
        problem: site === undefined ? null : (problemOf(explained.swarm, site) ?? null),
        isGateway: requester.row >= 0 && table.rows.has(requester.row, flags.gateway),
        isDecidedHere,
        becomesGateway: decision.election ?? null,
        carrier:
          carrier === undefined
            ? null
            : {
                node: carrier.node,
                isHere: carrier.isHere,
                transport: carrier.transport,
                upstreamSite: carrier.upstreamSite ?? null,
                isHandedOut: decision.dialsCarrier,
              },
        loopbackWithheld,
        peers: decision.choices.map(({ row, locality, reason }) => ({
          ...describePeer(context, row),
          ring: locality,
          reason,
          because: reasons[reason],
          observed: observedOf(row),
        })),
      }
    },
  )
}
