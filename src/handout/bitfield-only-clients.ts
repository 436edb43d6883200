/**
 * Leechers that hear nothing from their neighbours. rtorrent 0.9.8 sends HAVE only along with other messages, and
 * whoever asked it once when it had nothing new is not served again before its next round, every 30 s. When it
 * finishes it hangs up on everybody. Two rtorrent leechers that meet empty are of no use to each other (observed: of
 * 23 that knew three others each, two were done after 140 s).
 *
 * A newcomer can use one that has begun before, and is never stuck as long as it also knows somebody complete. So where
 * all others are like it, it waits for the first complete peer of its site. From then on they come one after the
 * other, each to somebody complete and to those before it. Gateways of different sites do the same with their common
 * upstream: what one has fetched, the next one gets from it, and the line of the upstream carries most of it once.
 */
import { flags, LEFT_UNKNOWN, type PeerRows } from '../swarm/peer-rows.ts'
import type { Choice, HandoutContext, UpstreamChange } from './decision.ts'
import { take } from './pick.ts'

/** Whether no leecher of the site would tell the requester what it gets. */
export function receivesFromNoLeecher({ table, site, requester, nowMs }: HandoutContext): boolean {
  if (!requester.isBitfieldOnly) return false
  const { rows } = table
  const tells = (row: number) =>
    row !== requester.row && !rows.has(row, flags.slowToForward) && !rows.isExpired(row, nowMs)
  return take(rows, site.listsOf('leecher'), 1, tells).length === 0
}

/** Whether it is known to have something. */
export function hasBegun(rows: PeerRows, row: number): boolean {
  return rows.downloadedKib(row) > 0
}

/**
 * For a deaf gateway with a new upstream: gateways of other sites with the same one that are ahead of it. Returns
 * whether to wait for one. Where other sites speak for themselves, how far their gateways are is not known.
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
        fetchesFrom === upstreamRow && !isTentative && !table.rows.isExpired(row, nowMs),
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

/** Of what it started with missing. */
function shareOf(rows: PeerRows, row: number): number {
  const [leftKib, downloadedKib] = [rows.leftKib(row), rows.downloadedKib(row)]
  return leftKib === LEFT_UNKNOWN || downloadedKib === 0 ? 0 : downloadedKib / (leftKib + downloadedKib)
}
