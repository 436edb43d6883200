/** The plan of a rollout in the answers of the API. `plan.ts` makes the values; `siteswarm plan` prints them. */
import * as z from 'zod'

const time = () => z.string().meta({ format: 'date-time' })
const texts = () => z.array(z.string()).readonly()

const plannedLinkSchema = z.object({
  from: z.string(),
  to: z.string(),
  cost: z.number(),
  carry: z
    .enum(['nodes', 'direct'])
    .describe(
      'nodes: carriers of the two sites exchange the content. direct: gateways, hosts of the receiving site, fetch it.',
    ),
  copiesMax: z
    .int()
    .describe(
      'Copies of the torrent that cross the link: one through carriers, or else one for each gateway of the receiving site.',
    ),
  bytes: z.number(),
  bytesAtMost: z.number(),
  nodes: z
    .object({ from: texts(), to: texts() })
    .describe(
      'Admin listeners of the two sites, which reach each other for federation; firewalls have to admit them.',
    ),
  rateBytesPerSecond: z
    .number()
    .nullable()
    .describe('In each direction; null: not limited, or not carried by nodes.'),
  hours: z.string().nullable().describe('null: open at all hours.'),
  finishedAt: time()
    .nullable()
    .describe(
      'Time at which the content has crossed the link if the rollout starts now. Links without a rate count as faster than all others; null if no link on the way has a rate, or if one has the rate 0.',
    ),
  contacts: z
    .object({ from: z.string().nullable(), to: z.string().nullable(), link: z.string().nullable() })
    .describe('People who operate the networks of the two sites and the link.'),
})

const planFields = {
  sourceSites: texts(),
  links: z.array(plannedLinkSchema).readonly(),
  sites: z
    .array(
      z.object({
        site: z.string(),
        expected: z.int().nullable(),
        downloads: z
          .number()
          .nullable()
          .describe('Bytes that its hosts download; null without a number of expected hosts.'),
      }),
    )
    .readonly(),
  bytesWithoutTree: z
    .number()
    .nullable()
    .describe('If every host fetched from the site of the source; null without numbers of expected hosts.'),
  bytesBetweenSites: z.number(),
  finishedAt: time().nullable().describe('The last of the times of the links; null if none is known.'),
}

export const planAnswerSchema = z.object({
  infoHash: z.string(),
  name: z.string(),
  sizeBytes: z.number(),
  ...planFields,
})

export type PlannedLink = Readonly<z.output<typeof plannedLinkSchema>>
export type RolloutPlan = Readonly<z.output<z.ZodObject<typeof planFields>>>
export type PlanAnswer = Readonly<z.output<typeof planAnswerSchema>>
