/** The topology, its links, the place of an address, and the dry run of a changed file in the answers of the API. */
import * as z from 'zod'
import { bubbleName, siteName, time, warningSchema } from './fields.ts'

export const topologySchema = z.object({
  topologyHash: z.string().describe('The same on all nodes with a file of the same meaning.'),
  unmapped: z.string().describe('refuse, isolate, or the site of addresses outside of all prefixes.'),
  sites: z.array(
    z.object({
      site: z.string(),
      region: z.string().nullable(),
      gateways: z.union([z.literal('auto'), z.int()]),
      trackers: z.array(z.string()),
      federation: z.array(z.string()).describe('Admin listeners of its nodes.'),
      fallback: z
        .array(z.string())
        .describe('Trackers for clients of this site while its own do not answer.'),
      bubbles: z.array(z.object({ bubble: z.string(), trackers: z.array(z.string()) })),
      costs: z.record(z.string(), z.number()).describe('Cost of a byte to each other site.'),
    }),
  ),
})

export const locatedSchema = z.array(
  z.object({
    address: z.string(),
    site: siteName(),
    bubble: bubbleName(),
    prefix: z.string().nullable().describe('null if no prefix contains the address.'),
  }),
)

/** In the document a list: its generator writes a tuple in the form of an earlier draft, which is not valid. */
const twoSites = z.array(z.string()).length(2) as unknown as z.ZodType<[string, string], [string, string]>

export const linkSchema = z.object({
  between: twoSites,
  cost: z.number(),
  carry: z.enum(['nodes', 'direct']),
  rateBytesPerSecond: z.number().nullable().describe('Of each direction; null: not limited.'),
  rateFrom: z
    .enum(['override', 'topology'])
    .nullable()
    .describe('override: an operator has replaced the rate of the topology.'),
  rateSetAt: time().nullable(),
  hours: z.string().nullable(),
  isOpen: z.boolean(),
  nextChangeAt: time().nullable(),
})

export const linksSchema = z.object({ total: z.int(), links: z.array(linkSchema) })

export const changedLinkSchema = linkSchema.extend({ warnings: z.array(warningSchema) })

export const topologyCheckSchema = z.object({
  topologyHash: z.string().nullable().describe('Of the file; null if it has problems.'),
  isSame: z.boolean().describe('The file means the same as the current topology.'),
  problems: z
    .array(
      z.object({
        line: z.int().describe('From 1; 0 if the problem is not in a single line.'),
        column: z.int(),
        message: z.string(),
        hint: z.string().nullable().describe('What to do.'),
      }),
    )
    .describe('Empty if the nodes would accept the file.'),
  changes: z.array(z.string()).describe('A sentence for each move of addresses and each changed setting.'),
})

export type TopologyAnswer = z.output<typeof topologySchema>
export type Located = z.output<typeof locatedSchema>
export type Link = z.output<typeof linkSchema>
export type LinkList = z.output<typeof linksSchema>
export type TopologyCheck = z.output<typeof topologyCheckSchema>
