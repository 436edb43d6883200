/**
 * The topology file. One schema gives its types, its checks, the editor schema and the reference page.
 *
 * Messages have up to two lines: the problem, and the remedy. `config/check-topology.ts` has the checks across
 * several values (the same prefix twice, a bubble outside its site).
 */
import * as z from 'zod'
import { SITES_MAX } from '../core/limits.ts'
import { isHoursProblem, type LinkHours, readHours } from './link-hours.ts'
import { rateHint, readRate } from './link-rate.ts'
import { NAME } from './name.ts'
import { isPrefixProblem, readPrefix } from './prefix.ts'
import { trackerUrlProblems } from './tracker-url.ts'

/** Values of `unmapped`. */
const RESERVED_SITE_NAMES = ['unmapped', 'refuse', 'isolate']

const NAME_HINT =
  'a name has up to 63 letters, digits, dots, hyphens and underscores, and starts with a letter or digit'

function name(kind: 'site' | 'bubble' | 'region') {
  return z.string(`expected the name of a ${kind}`).regex(NAME, {
    error: (issue) =>
      `${JSON.stringify(issue.input)} is not a valid name of a ${kind}\n${nameHint(kind, issue.input)}`,
  })
}

function nameHint(kind: string, given: unknown): string {
  return kind === 'bubble' && given === '-'
    ? 'this is the bubble of all addresses outside the other bubbles; choose another name'
    : NAME_HINT
}

const siteName = () =>
  name('site').refine((text) => !RESERVED_SITE_NAMES.includes(text.toLowerCase()), {
    error: (issue) =>
      `a site cannot be called ${JSON.stringify(issue.input)}\nthis word has another meaning in this file; choose another name`,
  })

const PREFIX_MESSAGE =
  'expected an address prefix such as 10.1.0.0/16\nwrite a prefix such as 10.1.0.0/16 or "fd00:1::/48"'

/** An IPv4 or IPv6 prefix, as text. Also used by the node configuration. */
export function prefixText() {
  return z.string(PREFIX_MESSAGE).superRefine((text, context) => {
    const read = readPrefix(text)
    if (isPrefixProblem(read)) context.addIssue(issueOf(read))
  })
}

function issueOf({
  kind,
  what,
  hint,
}: {
  readonly kind?: string
  readonly what: string
  readonly hint: string
}) {
  return { code: 'custom' as const, message: `${what}\n${hint}`, params: { kind: kind ?? hint } }
}

function trackerUrl() {
  return z
    .string('expected a tracker URL\nwrite it as http://tracker.example:6969/announce')
    .superRefine((url, context) => {
      for (const problem of trackerUrlProblems(url)) context.addIssue(issueOf(problem))
    })
}

/** Federation calls fixed paths of the admin listener, so the URL is an origin. */
const ADMIN_URL = /^https?:\/\/[^\s/?#@]+\/?$/

const adminUrl = () =>
  z
    .string('expected the URL of an admin listener\nwrite it as http://t1.example:6970')
    .regex(
      ADMIN_URL,
      'expected the URL of an admin listener\nwrite it as http://t1.example:6970, without a path',
    )

const GATEWAYS_MESSAGE = 'expected auto, or a number from 1 to 16'

const gateways = () =>
  z.union(
    [z.literal('auto'), z.int(GATEWAYS_MESSAGE).min(1, GATEWAYS_MESSAGE).max(16, GATEWAYS_MESSAGE)],
    GATEWAYS_MESSAGE,
  )

const EXPECT_MESSAGE = 'expected a number of hosts, such as 600'

const expectHosts = () =>
  z
    .int(EXPECT_MESSAGE)
    .min(0, EXPECT_MESSAGE)
    .max(1_000_000, EXPECT_MESSAGE)
    .meta({ title: 'number of hosts' })
    .optional()

const CONTACT_MESSAGE =
  'expected one line of text\nwrite a name, an address or a telephone number, of at most 200 characters'

const contact = () =>
  z
    .string(CONTACT_MESSAGE)
    .regex(/^[^\p{Cc}]{1,200}$/u, CONTACT_MESSAGE)
    .meta({ title: 'text' })
    .optional()

const bubbleSchema = z.strictObject({
  cidrs: z
    .array(prefixText())
    .meta({ title: 'list of prefixes' })
    .min(1, 'a bubble without prefixes has no addresses\nlist its prefixes')
    .describe('The prefixes of the bubble. Each is inside a prefix of its site.'),
  trackers: z
    .array(trackerUrl())
    .meta({ title: 'list of URLs' })
    .prefault([])
    .describe(
      'Announce URLs of the bubble. A bubble of a large site can have trackers of its own; without any, its clients use those of the site.',
    ),
  expect: expectHosts().describe(
    'Hosts of the bubble that are expected to download each torrent; see `expect` of the site.',
  ),
})

const siteSchema = z.strictObject({
  region: name('region')
    .meta({ title: 'name' })
    .optional()
    .describe('Region of the site. A link between two sites of one region costs 10, any other link 100.'),
  cidrs: z
    .array(prefixText())
    .meta({ title: 'list of prefixes' })
    .prefault([])
    .describe(
      'The prefixes of the site, IPv4 and IPv6. An address belongs to the site and bubble of the longest prefix that contains it, over the whole file.',
    ),
  trackers: z
    .array(trackerUrl())
    .meta({ title: 'list of URLs' })
    .prefault([])
    .describe(
      'Announce URLs of the nodes of this site: the first tier of its clients. One host name or address per node. Without any, its clients use the fallback tier.',
    ),
  federation: z
    .array(adminUrl())
    .meta({ title: 'list of URLs' })
    .prefault([])
    .describe('URLs of the admin listeners of the nodes of this site. Nodes of other sites connect to them.'),
  gateways: gateways()
    .prefault('auto')
    .describe(
      'Number of hosts of this site that fetch one torrent from other sites. Set a number from 1 to 16 when a single host is slower than the link into the site; each can cost one more copy over that link.',
    ),
  expect: expectHosts().describe(
    'Hosts of the site that are expected to download each torrent. A rollout is complete at the site when as many hosts are; without a number, when all hosts that announced the torrent are. `publish --expect` sets other numbers for one torrent.',
  ),
  contact: contact().describe(
    'People who operate the network of the site, such as a name and a telephone number. `siteswarm plan` names them.',
  ),
  bubbles: z
    .record(name('bubble'), bubbleSchema)
    .prefault({})
    .describe('Parts of the site whose hosts prefer each other, by name, such as a row or a rack group.'),
})

const RATE_MESSAGE = 'expected a rate such as 200Mbit'

/** `200Mbit` becomes 25,000,000 bytes per second. */
function linkRate() {
  const error = (issue: { readonly input?: unknown }) => `${RATE_MESSAGE}\n${rateHint(issue.input)}`
  return z
    .string({ error })
    .refine((text) => readRate(text) !== undefined, { error })
    .meta({ title: 'rate' })
    .transform((text) => readRate(text) ?? 0)
}

const HOURS_MESSAGE =
  'expected hours and a time zone\nwrite them in quotes, such as "20:00-06:00 UTC"; the zone may be a name such as Europe/Berlin'

function linkHours() {
  return z
    .string(HOURS_MESSAGE)
    .superRefine((text, context) => {
      const read = readHours(text)
      if (isHoursProblem(read)) context.addIssue(issueOf(read))
    })
    .meta({ title: 'hours and time zone' })
    .transform((text): LinkHours => {
      const read = readHours(text)
      return isHoursProblem(read) ? { beginMinute: 0, endMinute: 0, zone: '' } : read
    })
}

const linkSchema = z.strictObject({
  between: z
    .tuple([siteName(), siteName()], 'expected two sites\nwrite it as [fra, ams]')
    .describe('Two sites. All other keys of the link apply to both directions.'),
  cost: z
    .number('expected a number above 0')
    .positive('the cost of a link is above 0\nthe default is 10 inside a region and 100 between regions')
    .optional()
    .describe(
      'Cost of traffic between them, relative to the other links. The default is 10 inside a region and 100 between regions or without one.',
    ),
  carry: z
    .enum(['nodes', 'direct'], 'expected nodes or direct')
    .optional()
    .describe(
      'Transport of content between them. `nodes`: the nodes of the two sites exchange each block once, over one connection. `direct`: a host of one site fetches from a host of the other. The default is `nodes` where both sites have nodes. Choose `direct` where the nodes cannot reach each other or have too slow a link.',
    ),
  rate: linkRate()
    .optional()
    .describe(
      'Highest rate of content in each direction, shared by the nodes of a site, such as `200Mbit`. It applies to content that nodes carry. Without it, the link is used as fast as it allows.',
    ),
  hours: linkHours()
    .optional()
    .describe(
      'Hours of the day in which nodes carry content over the link, with a time zone, such as `20:00-06:00 Europe/Berlin`. Outside of them, transfers wait. Without it, the link is open at all hours.',
    ),
  contact: contact().describe(
    'People who operate the link, such as a name and a telephone number. `siteswarm plan` names them.',
  ),
})

export const topologySchema = z
  .strictObject({
    sites: z
      .record(siteName(), siteSchema, 'expected the sites by name')
      .refine((sites) => Object.keys(sites).length > 0, 'a topology needs a site\nadd one under sites')
      .refine((sites) => Object.keys(sites).length <= SITES_MAX, `more than ${SITES_MAX} sites`)
      .describe('The sites, by name. Bandwidth is cheap inside a site and expensive between sites.'),
    links: z
      .array(linkSchema)
      .prefault([])
      .describe('Links between two sites whose cost, transport, rate or hours differ from the defaults.'),
    fallback: z
      .strictObject({
        trackers: z
          .array(trackerUrl())
          .meta({ title: 'list of URLs' })
          .optional()
          .describe(
            'Announce URLs of the last tier. The default is the trackers of the other sites, nearest first.',
          ),
      })
      .prefault({})
      .describe(
        'The last tier, for clients whose own trackers do not respond. Many clients announce to it all the time.',
      ),
    unmapped: z
      .string('expected refuse, isolate or the name of a site')
      .meta({ title: '`refuse`, `isolate` or a site' })
      .prefault('refuse')
      .describe(
        'Addresses outside all prefixes. `refuse` rejects them with a reason; `isolate` lets them exchange data only among themselves; the name of a site assigns them to that site.',
      ),
  })
  .meta({
    title: 'siteswarm topology',
    description: 'Sites, their addresses, and the cost of the links between them.',
  })

/** Output of the schema, defaults filled in. */
export type TopologyFile = z.output<typeof topologySchema>
