/**
 * A rollout in the answers of the API: the schema that the document states, and the types that nodes, commands and the
 * dashboard share. `describe-rollout.ts` makes the values.
 *
 * The dashboard is compiled without the types of Node.js, so that this file imports zod and files without such types.
 */
import * as z from 'zod'
import { rolloutStates } from './rollout-states.ts'
import { siteReportSchema } from './site-report.ts'

const time = () => z.string().meta({ format: 'date-time' })
const report = siteReportSchema.shape
const bytesOrigin = () =>
  z
    .enum(['counted', 'bound'])
    .describe(
      'counted: exact. bound: an upper bound, because gateways fetched, and clients show their content alone.',
    )

const hostCounts = () =>
  report.hosts.extend({
    absent: z.int().min(0).describe('Expected hosts that have not announced: expected less seen.'),
  })

export const rolloutSchema = z.object({
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
  hosts: hostCounts(),
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
})

const stragglerSchema = report.stragglers.element.omit({ lastSeenMs: true }).extend({ lastSeenAt: time() })

export const rolloutSiteSchema = siteReportSchema
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
    hosts: hostCounts(),
    bubbles: z.array(report.bubbles.element.extend({ hosts: hostCounts() })),
    bytes: report.bytes.omit({ isCounted: true }),
    origin: z.object({ percent: report.progressFrom, betweenSites: bytesOrigin() }),
    stragglers: z.array(stragglerSchema),
  })

export const rolloutInFullSchema = rolloutSchema.extend({
  expect: z
    .record(z.string(), z.int())
    .describe('Numbers of expected hosts for this torrent, by site or site/bubble.'),
  sites: z.array(rolloutSiteSchema),
})

export type RolloutAnswer = z.output<typeof rolloutSchema>
/** Of a rollout, a site or a bubble. */
export type HostCountsAnswer = RolloutAnswer['hosts']
export type BytesAnswer = RolloutAnswer['bytes']
export type SiteAnswer = z.output<typeof rolloutSiteSchema>
export type RolloutInFull = z.output<typeof rolloutInFullSchema>
