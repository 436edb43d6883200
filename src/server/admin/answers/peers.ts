/** A peer and its progress in the answers of all routes. */
import * as z from 'zod'
import { bubbleName, siteName, time } from './fields.ts'

export const ROLES = ['leecher', 'seed', 'partial'] as const
export const REACHABILITIES = ['reachable', 'unreachable', 'unknown'] as const

export const peerFields = {
  address: z.string(),
  port: z.int().min(0).max(65_535),
  site: siteName(),
  bubble: bubbleName(),
  role: z.enum(ROLES).describe('As announced; a seed that lacks pieces still has the role seed.'),
}

export const peerSchema = z.object(peerFields)

export const progressFields = {
  percent: z
    .number()
    .nullable()
    .describe('Completion, rounded down to one decimal, so that only a complete peer has 100.'),
  progressFrom: z.enum(['observed', 'announced', 'unknown']),
  observedAt: time().nullable(),
  ratePercentPerSecond: z.number().nullable().describe('Mean of about ten seconds.'),
  reachability: z.enum(REACHABILITIES),
  isStalled: z.boolean().describe('The client lacks pieces and has received none for some time.'),
  lastSeenAt: time(),
}

export const peersSchema = z.object({
  infoHash: z.string(),
  total: z.int().describe('Peers that match the filters, those of all pages.'),
  peers: z.array(z.object({ ...peerFields, isGateway: z.boolean(), ...progressFields })),
  next: z.int().nullable().describe('`after` of the next page; null on the last one.'),
})

export type PeerProgress = z.output<z.ZodObject<typeof progressFields>>
