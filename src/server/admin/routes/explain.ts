/** The handout that a client would get now, each peer with its reason. Changes nothing. */
import type { FastifyInstance } from 'fastify'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { reasons } from '../../../handout/decision.ts'
import { flags } from '../../../swarm/peer-rows.ts'
import type { AdminContext } from '../admin-context.ts'
import { describeObservation } from '../peer-progress.ts'
import { ApiError, type Query, readAddress, readInfoHash, readPort } from '../requests.ts'
import { describePeer, problemOf, publicRoles } from './swarms.ts'

export function addExplainRoute(
  routes: FastifyInstance,
  context: Pick<AdminContext, 'topology' | 'tracker' | 'table' | 'clock'>,
): void {
  routes.get<{ Querystring: Query }>('/api/v1/explain', async (request) => {
    const { topology, tracker, table, clock } = context
    const infoHash = readInfoHash(request.query['info_hash'])
    const address = readAddress(request.query['ip'])
    const port = readPort(request.query['port'])
    const explained = tracker.explain(infoHash, address, port)
    if (explained === undefined)
      throw new ApiError(404, 'swarm-unknown', `no peer has announced ${formatInfoHash(infoHash)} here`)

    const { decision, requester, isDecidedHere, loopbackWithheld } = explained
    const nowMs = clock.nowMs()
    const observed = (row: number) => describeObservation(table, row, nowMs)
    const place = topology.value.places[requester.place]
    const site = place === undefined ? undefined : explained.swarm.site(place.site.index)
    return {
      infoHash: formatInfoHash(infoHash),
      ip: address.toString(),
      port: port ?? null,
      site: place?.site.name ?? null,
      bubble: place?.bubble ?? null,
      /** True if this peer is in the swarm; otherwise the handout is that of a new leecher. */
      isKnown: requester.row >= 0,
      role: publicRoles[requester.role],
      state: decision.state,
      /** What a node of its site observed of this peer; null if nothing. */
      observed: requester.row >= 0 ? observed(requester.row) : null,
      problem: site === undefined ? null : (problemOf(explained.swarm, site) ?? null),
      isGateway: requester.row >= 0 && table.rows.has(requester.row, flags.gateway),
      /** False if the peer's own site is connected and decides; `peers` is then the handout that a client gets here. */
      isDecidedHere,
      becomesGateway: decision.election ?? null,
      /** Peers on loopback addresses, which a requester on another host cannot reach. */
      loopbackWithheld,
      peers: decision.choices.map(({ row, locality, reason }) => ({
        ...describePeer(context, row),
        ring: locality,
        reason,
        because: reasons[reason],
        observed: observed(row),
      })),
    }
  })
}
