/** Lists of rollouts, of their hosts, and of savings in the answers of the API. */
import * as z from 'zod'
import { rolloutSchema, rolloutSiteSchema } from '../../../rollouts/rollout-answer.ts'
import { savingsRowSchema } from '../../../rollouts/savings-row.ts'
import { stragglerReasons } from '../../../rollouts/straggler.ts'
import { nextCursor, time, warningSchema } from './fields.ts'

export const HOST_STATES = ['complete', 'downloading', 'gone'] as const
export const SAVINGS_BY = ['site', 'torrent'] as const
export const SAVINGS_PERIODS = ['month', 'all'] as const

export const rolloutsSchema = z.object({
  total: z.int().describe('Rollouts that match the filters, those of all pages.'),
  rollouts: z.array(rolloutSchema),
  next: nextCursor(),
})

export const hostsSchema = z.object({
  infoHash: z.string(),
  site: z.string(),
  total: z.int().describe('Hosts that match the filters, those of all pages.'),
  hosts: z.array(
    z.object({
      address: z.string(),
      port: z.int(),
      bubble: z.string(),
      client: z.string().nullable(),
      state: z.enum(HOST_STATES),
      reason: z.enum(stragglerReasons).nullable().describe('Why the host is late; null if it is not.'),
      percent: z.number(),
      progressFrom: rolloutSiteSchema.shape.stragglers.element.shape.progressFrom,
      rateBytesPerSecond: z.number(),
      isUnreachable: z.boolean(),
      isGatewayHost: z.boolean(),
      lastSeenAt: time(),
    }),
  ),
  next: nextCursor(),
})

/** Answer of a hold and of a release. */
export const heldSchema = z.object({
  infoHash: z.string(),
  name: z.string(),
  sites: z.array(z.object({ site: z.string(), isHeld: z.boolean(), heldAt: time().nullable() })),
  warnings: z.array(warningSchema),
})

export const savingsSchema = z.object({
  by: z.enum(SAVINGS_BY),
  period: z.enum(SAVINGS_PERIODS),
  rows: z.array(savingsRowSchema),
})

export type RolloutPage = z.output<typeof rolloutsSchema>
export type HostPage = z.output<typeof hostsSchema>
export type Savings = z.output<typeof savingsSchema>
