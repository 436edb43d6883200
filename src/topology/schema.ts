/**
 * The topology file: one schema gives its types, its checks, the editor schema and the reference page.
 *
 * Messages have up to two lines: what is wrong, and what to do. What needs more than one place of the file
 * (the same prefix twice, a bubble outside its site) is checked in `config/check-topology.ts`.
 */
import * as z from 'zod'
import { SITES_MAX } from '../core/limits.ts'
import { isPrefixFault, readPrefix } from './prefix.ts'
import { trackerUrlFaults } from './tracker-url.ts'

/** Names become metric labels, Redis keys and file names. 63 characters is a DNS label. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** The words that `unmapped` already knows. */
const RESERVED_SITE_NAMES = ['unmapped', 'refuse', 'isolate']

const NAME_HINT =
  'a name has up to 63 letters, digits, dots, hyphens and underscores, and starts with a letter or digit'

function name(kind: 'site' | 'bubble' | 'region') {
  return z.string(`expected the name of a ${kind}`).regex(NAME, {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is no name for a ${kind}\n${nameHint(kind, issue.input)}`,
  })
}

function nameHint(kind: string, given: unknown): string {
  return kind === 'bubble' && given === '-'
    ? 'this is the bubble of all addresses in no other bubble; choose another name'
    : NAME_HINT
}

const siteName = () =>
  name('site').refine((text) => !RESERVED_SITE_NAMES.includes(text.toLowerCase()), {
    error: (issue) =>
      `a site cannot be called ${JSON.stringify(issue.input)}\nthe word means something else in this file; choose another name`,
  })

const PREFIX_MESSAGE =
  'expected an address prefix such as 10.1.0.0/16\nwrite a prefix such as 10.1.0.0/16 or "fd00:1::/48"'

/** An IPv4 or IPv6 prefix, as text. Shared with the node configuration. */
export function prefixText() {
  return z.string(PREFIX_MESSAGE).superRefine((text, context) => {
    const read = readPrefix(text)
    if (isPrefixFault(read)) context.addIssue({ code: 'custom', message: `${read.what}\n${read.hint}` })
  })
}

function trackerUrl() {
  return z
    .string('expected a tracker URL\nwrite it as http://tracker.example:6969/announce')
    .superRefine((url, context) => {
      for (const fault of trackerUrlFaults(url)) {
        context.addIssue({ code: 'custom', message: `${fault.what}\n${fault.hint}` })
      }
    })
}

/** Federation calls the admin listener, whose paths are ours: the URL is an origin. */
const ADMIN_URL = /^https?:\/\/[^\s/?#@]+\/?$/

const adminUrl = () =>
  z
    .string('expected the URL of an admin listener\nwrite it as http://t1.example:6970')
    .regex(
      ADMIN_URL,
      'expected the URL of an admin listener\nwrite it as http://t1.example:6970, with nothing behind the port',
    )

const GATEWAYS_MESSAGE = 'expected auto, or a number from 1 to 16'

const gateways = () =>
  z.union(
    [z.literal('auto'), z.int(GATEWAYS_MESSAGE).min(1, GATEWAYS_MESSAGE).max(16, GATEWAYS_MESSAGE)],
    GATEWAYS_MESSAGE,
  )

const bubbleSchema = z.strictObject({
  cidrs: z
    .array(prefixText())
    .meta({ title: 'list of prefixes' })
    .min(1, 'a bubble without prefixes has no addresses\nlist its prefixes')
    .describe('The prefixes of the bubble. Each lies inside one of its site.'),
  trackers: z
    .array(trackerUrl())
    .meta({ title: 'list of URLs' })
    .prefault([])
    .describe(
      'Announce URLs of the bubble itself. Give a bubble its own trackers when its site is large; without any, it uses those of the site.',
    ),
})

const siteSchema = z.strictObject({
  region: name('region')
    .meta({ title: 'name' })
    .optional()
    .describe('Sites of one region are near each other: a link between them costs 10, any other 100.'),
  cidrs: z
    .array(prefixText())
    .meta({ title: 'list of prefixes' })
    .prefault([])
    .describe(
      'The prefixes of the site, IPv4 and IPv6. The longest prefix around an address decides where it is, over all sites and bubbles.',
    ),
  trackers: z
    .array(trackerUrl())
    .meta({ title: 'list of URLs' })
    .prefault([])
    .describe(
      'Announce URLs of the nodes of this site: the first tier for its clients. One host name or address per node. Without any, its clients use the fallback tier.',
    ),
  federation: z
    .array(adminUrl())
    .meta({ title: 'list of URLs' })
    .prefault([])
    .describe('URLs of the admin listeners of its nodes, which the nodes of other sites call.'),
  gateways: gateways()
    .prefault('auto')
    .describe(
      'How many hosts of this site fetch one torrent from other sites. Set a number from 1 to 16 when one host is slower than the link into the site; each can cost one more copy over that link.',
    ),
  bubbles: z
    .record(name('bubble'), bubbleSchema)
    .prefault({})
    .describe('Parts of the site whose hosts prefer each other, by name: a row, a rack group.'),
})

const linkSchema = z.strictObject({
  between: z
    .tuple([siteName(), siteName()], 'expected two sites\nwrite it as [fra, ams]')
    .describe('Two sites. The link is the same in both directions.'),
  cost: z
    .number('expected a number above 0')
    .positive(
      'a link costs more than 0\nthe cheapest path is taken; 10 is the cost inside a region, 100 between regions',
    )
    .describe('What traffic between them costs, compared with the other links.'),
})

export const topologySchema = z
  .strictObject({
    sites: z
      .record(siteName(), siteSchema, 'expected the sites by name')
      .refine((sites) => Object.keys(sites).length > 0, 'a topology needs a site\nadd one under sites')
      .refine((sites) => Object.keys(sites).length <= SITES_MAX, `more than ${SITES_MAX} sites`)
      .describe('The sites, by name. A site has cheap bandwidth inside and dear bandwidth outside.'),
    links: z
      .array(linkSchema)
      .prefault([])
      .describe(
        'Links that cost something else than 10 (inside a region) or 100 (between regions, or without one).',
      ),
    fallback: z
      .strictObject({
        trackers: z
          .array(trackerUrl())
          .meta({ title: 'list of URLs' })
          .optional()
          .describe(
            'Announce URLs of the last tier. Omitted: the trackers of the other sites, nearest first.',
          ),
      })
      .prefault({})
      .describe(
        'What clients use when no tracker of their own site answers. Many clients announce there all the time.',
      ),
    unmapped: z
      .string('expected refuse, isolate or the name of a site')
      .meta({ title: '`refuse`, `isolate` or a site' })
      .prefault('refuse')
      .describe(
        'Addresses in no prefix. `refuse` turns them away with a reason; `isolate` lets them share among themselves and with no site; the name of a site counts them to that site.',
      ),
  })
  .meta({ title: 'siteswarm topology', description: 'Where addresses are, and how far apart.' })

/** A topology file that the schema accepts, defaults filled in. */
export type TopologyFile = z.output<typeof topologySchema>
