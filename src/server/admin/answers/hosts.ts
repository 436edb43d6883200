/** One host in the answers of the API. */
import * as z from 'zod'
import { bubbleName, siteName } from './fields.ts'
import { peerFields, progressFields } from './peers.ts'

/** The last seen ones. A host with more torrents is a mirror, which the list of torrents shows. */
export const HOST_TORRENTS_MAX = 200

const { port, role } = peerFields

export const hostSchema = z.object({
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
    .describe(`The last ${HOST_TORRENTS_MAX} seen.`),
})

export type HostInformation = z.output<typeof hostSchema>
