/**
 * One host: its place, and the torrents that its clients have announced, each with its progress.
 *
 * The table has no index by address: each row is compared with the words of the address, which takes a few
 * milliseconds for a million rows.
 */
import * as z from 'zod'
import { formatInfoHash } from '../../../core/info-hash.ts'
import { flags } from '../../../swarm/peer-rows.ts'
import type { AdminContext } from '../admin-context.ts'
import { HOST_TORRENTS_MAX, hostSchema } from '../answers/hosts.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { addressParameter } from '../parameters.ts'
import { progressOf } from '../peer-progress.ts'
import { describePeer } from '../shown-peer.ts'

type Context = Pick<AdminContext, 'topology' | 'table' | 'clock' | 'torrents'>

export function addHostRoute(routes: ApiRoutes, context: Context): void {
  routes.get(
    '/api/v1/hosts/:ip',
    {
      schema: {
        summary: 'Place and torrents of one host',
        params: z.strictObject({ ip: addressParameter() }),
        response: { 200: hostSchema },
      },
    },
    async ({ params: { ip: address } }) => {
      const { topology, table, clock, torrents } = context
      const nowMs = clock.nowMs()
      const { rows } = table
      const found: number[] = []
      for (let row = 0; row < rows.end; row++)
        if (rows.isLive(row) && rows.isAt(row, address) && !rows.isExpired(row, nowMs)) found.push(row)
      const match = topology.value.match(address)
      return {
        address: address.toString(),
        site: match?.place.site.name ?? null,
        bubble: match?.place.bubble ?? null,
        prefix: match?.prefix ?? null,
        total: found.length,
        torrents: found
          .toSorted((a, b) => rows.lastSeenMs(b, nowMs) - rows.lastSeenMs(a, nowMs))
          .slice(0, HOST_TORRENTS_MAX)
          .map((row) => {
            const { infoHash } = table.swarmOf(row)
            const peer = describePeer(context, row)
            return {
              infoHash: formatInfoHash(infoHash),
              name: torrents.registry.find(infoHash)?.name ?? null,
              port: peer.port,
              role: peer.role,
              isGateway: rows.has(row, flags.gateway),
              ...progressOf(table, row, nowMs),
            }
          }),
      }
    },
  )
}
