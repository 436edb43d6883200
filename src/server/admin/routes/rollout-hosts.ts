/** The hosts of one rollout at one site, in pages and filtered. */
import { percentOf } from '../../../rollouts/site-report.ts'
import type { MeasuredHost } from '../../../rollouts/measured-hosts.ts'
import { stragglerReasons } from '../../../rollouts/straggler.ts'
import type { RolloutTorrent } from '../../../rollouts/rollout.ts'
import type { Rollouts } from '../../../rollouts/rollouts.ts'
import { ApiError, type Query, readWhole } from '../requests.ts'

const PAGE_MAX = 1_000
const PAGE_DEFAULT = 100
export const HOST_PARAMETERS: readonly string[] = ['site', 'bubble', 'state', 'reason', 'q', 'limit', 'after']
const STATES = ['complete', 'downloading', 'gone', 'late'] as const

export function describeHosts(
  { rollouts }: { readonly rollouts: Rollouts },
  torrent: RolloutTorrent,
  site: string,
  query: Query,
) {
  const isMatch = readFilter(query)
  const limit = readWhole('limit', query['limit'], { min: 1, max: PAGE_MAX }) ?? PAGE_DEFAULT
  const after = readText('after', query['after'])
  const matching = (rollouts.hosts(torrent.infoHashes[0] as Buffer, site) ?? [])
    .filter(isMatch)
    .map((host) => ({ host, key: keyOf(host) }))
    .toSorted((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
  const rest = after === undefined ? matching : matching.filter(({ key }) => key > after)
  const page = rest.slice(0, limit)
  return {
    infoHash: (torrent.infoHashes[0] as Buffer).toString('hex'),
    site,
    /** Hosts that match the filters, those of all pages. */
    total: matching.length,
    hosts: page.map(({ host }) => describeHost(host, torrent.sizeBytes)),
    /** Value of `after` for the next page; null on the last one. */
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
    /** Why the host is late; null if it is not. */
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

function readFilter(query: Query): (host: MeasuredHost) => boolean {
  const bubble = readText('bubble', query['bubble'])
  const search = readText('q', query['q'])
  const state = readOneOf('state', query['state'], STATES)
  const reason = readOneOf('reason', query['reason'], stragglerReasons)
  return (host) =>
    (bubble === undefined || host.bubble === bubble) &&
    (search === undefined || host.address.includes(search)) &&
    (reason === undefined || host.reason === reason) &&
    (state === undefined || (state === 'late' ? host.reason !== undefined : host.state === state))
}

function readOneOf<Value extends string>(
  name: string,
  text: Query[string],
  values: readonly Value[],
): Value | undefined {
  if (text === undefined) return undefined
  const found = values.find((value) => value === text)
  if (found === undefined)
    throw new ApiError(
      400,
      `${name}-unknown`,
      `${name} must be one of ${values.join(', ')}, not ${JSON.stringify(text)}`,
    )
  return found
}

function readText(name: string, text: Query[string]): string | undefined {
  if (text === undefined) return undefined
  if (typeof text !== 'string' || text.length > 200)
    throw new ApiError(400, `${name}-invalid`, `${name} must be given once, with at most 200 characters`)
  return text
}
