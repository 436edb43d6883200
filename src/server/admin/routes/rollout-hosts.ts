/** The hosts of one rollout at one site, in pages and filtered. */
import * as z from 'zod'
import type { MeasuredHost } from '../../../rollouts/measured-hosts.ts'
import type { RolloutTorrent } from '../../../rollouts/rollout.ts'
import type { Rollouts } from '../../../rollouts/rollouts.ts'
import { percentOf } from '../../../rollouts/site-report.ts'
import { stragglerReasons } from '../../../rollouts/straggler.ts'
import { HOST_STATES } from '../answers/rollouts.ts'
import { limitParameter } from '../page.ts'
import { oneOf, siteParameter, text } from '../parameters.ts'

const TEXT_CHARACTERS_MAX = 200

const textParameter = (name: string) =>
  text(
    { code: `${name}-invalid`, expected: `text of at most ${TEXT_CHARACTERS_MAX} characters` },
    TEXT_CHARACTERS_MAX,
  )

export const hostsQuery = z.strictObject({
  site: siteParameter().optional().describe('The site of the node without it.'),
  bubble: textParameter('bubble').optional(),
  state: oneOf('state', [...HOST_STATES, 'late']).optional(),
  reason: oneOf('reason', stragglerReasons).optional(),
  q: textParameter('q').optional().describe('A part of the address.'),
  limit: limitParameter(),
  after: textParameter('after').optional().describe('`next` of the previous page.'),
})

type HostsQuery = z.output<typeof hostsQuery>

export function describeHosts(
  { rollouts }: { readonly rollouts: Rollouts },
  torrent: RolloutTorrent,
  site: string,
  query: HostsQuery,
) {
  const { limit, after } = query
  const isMatch = filterOf(query)
  const matching = (rollouts.hosts(torrent.infoHashes[0] as Buffer, site) ?? [])
    .filter(isMatch)
    .map((host) => ({ host, key: keyOf(host) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const rest = after === undefined ? matching : matching.filter(({ key }) => key > after)
  const page = rest.slice(0, limit)
  return {
    infoHash: (torrent.infoHashes[0] as Buffer).toString('hex'),
    site,
    total: matching.length,
    hosts: page.map(({ host }) => describeHost(host, torrent.sizeBytes)),
    next: rest.length > page.length ? (page.at(-1)?.key ?? null) : null,
  }
}

function describeHost(host: MeasuredHost, sizeBytes: number) {
  const { address, port, bubble, client, share, progressFrom, state, reason, isUnreachable, isGatewayHost } =
    host
  return {
    address,
    port,
    bubble,
    client: client ?? null,
    state,
    reason: reason ?? null,
    percent: percentOf(share),
    progressFrom,
    rateBytesPerSecond: Math.round((host.sharePerSecond ?? 0) * sizeBytes),
    isUnreachable,
    isGatewayHost,
    lastSeenAt: new Date(host.lastSeenMs).toISOString(),
  }
}

/** Hosts stay in their order while others join and leave between two pages. */
function keyOf({ address, port }: MeasuredHost): string {
  return `${address} ${port}`
}

function filterOf({ bubble, q, state, reason }: HostsQuery): (host: MeasuredHost) => boolean {
  return (host) =>
    (bubble === undefined || host.bubble === bubble) &&
    (q === undefined || host.address.includes(q)) &&
    (reason === undefined || host.reason === reason) &&
    (state === undefined || (state === 'late' ? host.reason !== undefined : host.state === state))
}
