/**
 * Bitfield-only clients: leechers that learn from a neighbour's first bitfield and from no HAVE after it. rtorrent
 * 0.9.8 sends HAVE only along with other messages, does not serve a neighbour again for up to 30 s after a request that
 * found nothing new, and closes all connections when it completes. Two rtorrent leechers that connect while both are
 * empty are of no use to each other (observed: of 23 leechers with three neighbours each, two were complete after 140
 * s).
 *
 * A new leecher can use one that began earlier, and never stalls while it also has a complete neighbour. If all others
 * are of this kind, it therefore waits for the first complete peer of its site. From then on leechers start one after
 * the other, each with complete peers and with the leechers before it. Gateways of different sites do the same with
 * their common upstream: each fetches from those ahead of it, and the upstream's link carries most of the content once.
 */
import { flags, LEFT_UNKNOWN, type PeerRows } from '../swarm/peer-rows.ts'
import type { Choice, HandoutContext, UpstreamChange } from './decision.ts'
import { take } from './pick.ts'

/** True if no leecher of the site would advertise its new pieces to the requester. */
export function receivesFromNoLeecher({ table, site, requester, nowMs }: HandoutContext): boolean {
  if (!requester.isBitfieldOnly) return false
  const { rows } = table
  const advertises = (row: number) =>
    row !== requester.row && !rows.has(row, flags.slowToForward) && !rows.isExpired(row, nowMs)
  return take(rows, site.listsOf('leecher'), 1, advertises).length === 0
}

/** True if the peer has reported a download. */
export function hasBegun(rows: PeerRows, row: number): boolean {
  return rows.downloadedKib(row) > 0
}

/**
 * For a bitfield-only gateway with a new upstream: adds gateways of other sites that fetch from the same one and are
 * ahead. Returns true if the requester should wait for one. The progress of gateways of remote sites is not known.
 */
export function addCoDownstream(
  context: HandoutContext,
  remote: Choice[],
  upstreams: readonly UpstreamChange[],
): boolean {
  const { table, topology, swarm, site, requester, policy, nowMs, isFederated } = context
  const upstreamRow = upstreams.find(({ gatewayRow }) => gatewayRow === requester.row)?.upstreamRow ?? -1
  if (upstreamRow < 0 || isFederated) return false
  const costMax = topology.cost(site.site, table.siteIndexOf(upstreamRow))
  const coDownstream = swarm.sites
    .filter((other) => other !== site && topology.cost(site.site, other.site) <= costMax)
    .flatMap((other) => other.gateways)
    .filter(
      ({ row, isTentative, upstreamRow: fetchesFrom }) =>
        fetchesFrom === upstreamRow &&
        !isTentative &&
        !table.rows.isExpired(row, nowMs) &&
        !context.loopback.withholds(row),
    )
    .map(({ row }) => row)
  const ahead = coDownstream
    .filter((row) => shareOf(table.rows, row) >= policy.bitfieldOnlyLeadShare)
    .slice(0, policy.bitfieldOnlyCoDownstream)
  for (const row of ahead) remote.push({ row, locality: 'remote', reason: 'co-downstream' })
  if (ahead.length > 0 || coDownstream.length === 0) return false
  const haveBegun = coDownstream.some((row) => hasBegun(table.rows, row))
  return (
    requester.waitedMs <
    (haveBegun ? policy.bitfieldOnlyCoDownstreamWaitMs : policy.bitfieldOnlyCoDownstreamBeginMs)
  )
}

/** Share of the bytes missing at its start that the peer has downloaded. */
function shareOf(rows: PeerRows, row: number): number {
  const [leftKib, downloadedKib] = [rows.leftKib(row), rows.downloadedKib(row)]
  return leftKib === LEFT_UNKNOWN || downloadedKib === 0 ? 0 : downloadedKib / (leftKib + downloadedKib)
}
