/** The handout that a client would get now, each peer with its reason. Changes nothing. */
import * as z from 'zod'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { reasons } from '../../../handout/reasons.ts'
import { flags } from '../../../swarm/peer-rows.ts'
import type { AdminContext } from '../admin-context.ts'
import { explanationSchema } from '../answers/explanation.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { addressParameter, infoHashParameter, portParameter } from '../parameters.ts'
import { describeObservation } from '../peer-progress.ts'
import { describePeer } from '../shown-peer.ts'
import { problemOf, swarmUnknown } from './swarms.ts'

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
