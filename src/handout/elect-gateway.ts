/**
 * Who fetches for its site. One lease a torrent and site (or as many as the topology says), given to whoever
 * announces first while the site has no copy: the others are told of nobody elsewhere, and that alone keeps the
 * bytes that enter a site at one copy.
 */
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { Gateway } from '../swarm/swarm.ts'
import { gatewaysMax } from '../topology/topology.ts'
import type { HandoutContext } from './decision.ts'
import { hasCopy } from './site-state.ts'

/**
 * A lifetime is two intervals and some slack, so this is when the next announce of a gateway is due: 296 s after
 * the last one of a libtorrent client, which comes every 300 s. The others of a site that started together come
 * right behind it, and not again for 300 s: who waits for more certainty waits that long.
 */
const OVERDUE_PERCENT = 47

export interface LeaseEnd {
  readonly row: number
  readonly cause: ElectionCause
}

/** Leases that are over, seen from this announce; the asker's own by lack of progress included. */
export function endedLeases(context: HandoutContext): LeaseEnd[] {
  const { table, swarm, site, nowMs } = context
  const isWarm = hasCopy(swarm, site)
  const ended: LeaseEnd[] = []
  for (const gateway of site.gateways) {
    if (table.rows.isExpired(gateway.row, nowMs)) ended.push({ row: gateway.row, cause: 'expired' })
    else if (isWarm) ended.push({ row: gateway.row, cause: 'stopped' })
    else if (isStuck(context, gateway)) ended.push({ row: gateway.row, cause: 'stalled' })
  }
  return ended
}

/**
 * A gateway is given up when it announced often without progress though it had an upstream, and somebody else is
 * there to try; or when it did not announce when it was due and the requester, who came as early, still needs something.
 * That the requester got further since its last announce, as long ago as the gateway's, does not say that it still does.
 */
function isStuck(context: HandoutContext, gateway: Gateway): boolean {
  const { table, site, requester, policy, nowMs } = context
  const { rows } = table
  if (gateway.upstreamRow < 0 || site.leechers < 2) return false
  if (gateway.row === requester.row) return rows.stalls(requester.row) >= policy.stallsUntilReplaced
  const silentMs = nowMs - rows.lastSeenMs(gateway.row, nowMs)
  const isOverdue = silentMs >= rows.lifetimeSeconds(gateway.row) * 10 * OVERDUE_PERCENT
  if (!isOverdue || requester.row < 0 || requester.role !== 'leecher') return false
  return table.introductions.count(requester.row) > 0 || rows.stalls(requester.row) > 0
}

/** Why the requester becomes gateway now; undefined where it does not. `live` are the leases that go on. */
export function election(
  context: HandoutContext,
  live: readonly Gateway[],
  ended: readonly LeaseEnd[],
): ElectionCause | undefined {
  const { table, topology, swarm, site, requester, mayElect } = context
  if (!mayElect) return undefined
  if (requester.role !== 'leecher' || requester.peersWanted === 0 || hasCopy(swarm, site)) return undefined
  if (requester.row >= 0 && table.rows.has(requester.row, flags.unreachable)) return undefined
  if (live.some((gateway) => gateway.row === requester.row)) return undefined
  if (live.length >= gatewaysMax(topology, site.site)) return undefined
  const isJustReplaced = ended.some(({ row, cause }) => row === requester.row && cause === 'stalled')
  if ((isJustReplaced || site.lastStalledRow === requester.row) && site.leechers > 1) return undefined
  if (live.length > 0) return 'added'
  return ended[0]?.cause ?? site.lastLeaseEnd
}
