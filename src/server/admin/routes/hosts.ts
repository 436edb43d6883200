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
import { bubbleName, siteName } from '../answer-fields.ts'
import type { ApiRoutes } from '../api-routes.ts'
import { addressParameter } from '../parameters.ts'
import { progressFields, progressOf } from '../peer-progress.ts'
import { describePeer, peerFields } from '../shown-peer.ts'

/** The last seen ones. A host with more torrents is a mirror, which the list of torrents shows. */
const TORRENTS_MAX = 200

type Context = Pick<AdminContext, 'topology' | 'table' | 'clock' | 'torrents'>

const { port, role } = peerFields

const hostSchema = z.object({
  address: z.string(),
  site: siteName(),
  bubble: bubbleName(),
  prefix: z.string().nullable().describe('null if no prefix contains the address.'),
  total: z.int().describe('Its peers at this node; a node has those of its site, and some of remote sites.'),
  torrents: z
    .array(
      z.object({
        infoHash: z.string(),
        name: z.string().nullable().describe('null if the torrent is not registered.'),
        port,
        role,
        isGateway: z.boolean(),
        ...progressFields,
      }),
    )
    .describe(`The last ${TORRENTS_MAX} seen.`),
})

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
          .slice(0, TORRENTS_MAX)
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
