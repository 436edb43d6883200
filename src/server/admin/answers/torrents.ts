/** Registered torrents in the answers of the API. */
import * as z from 'zod'
import { nextCursor, time, warningSchema } from './fields.ts'

export const torrentSchema = z.object({
  infoHash: z.string().describe('Name of the torrent in paths of the API: v1, or the first 40 digits of v2.'),
  infoHashV1: z.string().nullable(),
  infoHashV2: z.string().nullable(),
  name: z.string(),
  sizeBytes: z.number(),
  isPrivate: z.boolean(),
  origin: z.string().nullable(),
  registeredAt: time(),
})

export const torrentInFullSchema = torrentSchema.extend({
  sites: z.array(
    z.object({ site: z.string(), bubble: z.string(), torrentUrl: z.string(), magnetUrl: z.string() }),
  ),
  warnings: z.array(warningSchema),
})

export const torrentsSchema = z.object({
  total: z.int().describe('Torrents that match, those of all pages.'),
  torrents: z.array(torrentSchema),
  next: nextCursor(),
})

export const removedSchema = z.object({ removed: z.literal(true), infoHash: z.string(), name: z.string() })

export type Torrent = z.output<typeof torrentSchema>
export type TorrentInFull = z.output<typeof torrentInFullSchema>
export type TorrentPage = z.output<typeof torrentsSchema>
