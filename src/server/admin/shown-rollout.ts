/** Schemas of rollouts in answers. `describe-rollout.ts` makes the values. */
import * as z from 'zod'
import { rolloutStates } from '../../rollouts/rollout.ts'
import { siteReportSchema } from '../../rollouts/site-report.ts'
import { stragglerReasons } from '../../rollouts/straggler.ts'
import { time } from './answer-fields.ts'

const report = siteReportSchema.shape
const bytesOrigin = () =>
  z.enum(['counted', 'bound']).describe('bound: an upper bound, because gateways fetched.')

export const rolloutFields = {
  infoHash: z.string(),
  name: z.string(),
  sizeBytes: z.number(),
  state: z.enum(rolloutStates),
  isRegistered: z.boolean(),
  registeredAt: time(),
  startedAt: time().nullable(),
  completedAt: time().nullable(),
  sentence: z.string().describe('The cause of the state.'),
  percent: z.number(),
  rateBytesPerSecond: z.number(),
  etaSeconds: z.number().nullable(),
  hosts: report.hosts,
  bytes: z.object({
    downloaded: z.number(),
    betweenSites: z.number(),
    betweenSitesAtMost: z.number(),
    saved: z
      .number()
      .describe(
        'What would have crossed if every host had fetched from the site of the source, less what did.',
      ),
  }),
  origin: z.object({
    percent: report.progressFrom,
    downloaded: report.progressFrom,
    betweenSites: bytesOrigin(),
    saved: bytesOrigin(),
  }),
}

const stragglerFields = report.stragglers.element.omit({ lastSeenMs: true }).shape

const siteFields = siteReportSchema
  .omit({
    atMs: true,
    startedAtMs: true,
    completedAtMs: true,
    stragglers: true,
    bytes: true,
    progressFrom: true,
  })
  .extend({
    measuredAt: time().describe('Older where the nodes of the site are unreachable.'),
    startedAt: time().nullable(),
    completedAt: time().nullable(),
    copiesIn: z.number(),
    bytes: report.bytes.omit({ isCounted: true }),
    origin: z.object({ percent: report.progressFrom, betweenSites: bytesOrigin() }),
    stragglers: z.array(z.object({ ...stragglerFields, lastSeenAt: time() })).readonly(),
  })

export const rolloutSchema = z.object({
  ...rolloutFields,
  expect: z
    .record(z.string(), z.int())
    .describe('Numbers of expected hosts for this torrent, by site or site/bubble.'),
  sites: z.array(siteFields),
})

export const HOST_STATES = ['complete', 'downloading', 'gone'] as const

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
      progressFrom: stragglerFields.progressFrom,
      rateBytesPerSecond: z.number(),
      isUnreachable: z.boolean(),
      isGatewayHost: z.boolean(),
      lastSeenAt: time(),
    }),
  ),
  next: z.string().nullable().describe('`after` of the next page; null on the last one.'),
})
