/**
 * Elects the gateways of a site. There is one lease for each torrent and site (or the number in the topology), granted
 * to the first leecher that announces while the site has no copy. No other leecher gets peers of other sites, which
 * alone limits the bytes that enter a site to one copy.
 */
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { Gateway } from '../swarm/gateway.ts'
import { gatewaysMax } from '../topology/topology.ts'
import type { HandoutContext } from './decision.ts'
import { take } from './pick.ts'
import { isUnreachable, mayStillWait, reachableLeechers } from './unreachable-clients.ts'
import { hasCopy, hasNewFinisher } from './site-state.ts'
import { neverBegan } from './standby.ts'

/**
 * A lifetime is two intervals and some slack, so the next announce of a gateway is due at this share of it: 296 s after
 * the last one of a libtorrent client, which announces every 300 s. The other leechers of a site that started together
 * announce right after it, and then not for 300 s, so a later check would cost that long.
 */
const OVERDUE_PERCENT = 47

export interface LeaseEnd {
  readonly row: number
  readonly cause: ElectionCause
}

/** Leases that end with this announce, also the requester's own for lack of progress. */
export function endedLeases(context: HandoutContext): LeaseEnd[] {
  const { table, swarm, site, nowMs } = context
  const isWarm = hasCopy(swarm, site)
  const ended: LeaseEnd[] = []
  for (const gateway of site.gateways) {
    if (table.rows.isExpired(gateway.row, nowMs)) ended.push({ row: gateway.row, cause: 'expired' })
    else if (isWarm) ended.push({ row: gateway.row, cause: 'stopped' })
    else if (isStuck(context, gateway)) ended.push({ row: gateway.row, cause: 'stalled' })
    else if (isCutOff(context, gateway)) ended.push({ row: gateway.row, cause: 'unreachable' })
  }
  return ended
}

/**
 * A lease ends after several announces without progress in spite of an upstream, if there is another leecher; or when
 * the gateway's announce is overdue and the requester, which has announced before, is still incomplete. Progress of
 * the requester since its last announce, as long ago as the gateway's, does not show that it still progresses.
 */
function isStuck(context: HandoutContext, gateway: Gateway): boolean {
  const { table, site, requester, policy, nowMs } = context
  const { rows } = table
  if (gateway.upstreamRow < 0 || site.leechers < 2) return false
  if (neverBegan(context, gateway) || isWithoutProgress(context, gateway)) return true
  if (gateway.row === requester.row) return rows.stalls(requester.row) >= policy.stallsUntilReplaced
  const silentMs = nowMs - rows.lastSeenMs(gateway.row, nowMs)
  const isOverdue = silentMs >= rows.lifetimeSeconds(gateway.row) * 10 * OVERDUE_PERCENT
  if (!isOverdue || requester.row < 0 || requester.role !== 'leecher') return false
  return table.introductions.count(requester.row) > 0 || rows.stalls(requester.row) > 0
}

/**
 * By time, and in steps of some size: a gateway that announces every second, or advances one KiB each time, has no
 * progress either. Its client is given time for an announce.
 */
function isWithoutProgress(
  { table, policy, nowMs }: HandoutContext,
  { row, progressAtMs }: Gateway,
): boolean {
  const intervalMs = table.rows.lifetimeSeconds(row) * 500
  return nowMs - progressAtMs >= Math.max(policy.gatewayProgressMs, intervalMs * INTERVAL_SLACK)
}

/** A late announce does not count as one without progress. */
const INTERVAL_SLACK = 1.2

/**
 * A gateway that does not accept connections passes its pieces on only to the peers that it dials, and it learns of none
 * before its next announce. The requester, which accepts connections, replaces it.
 */
function isCutOff({ table, requester }: HandoutContext, gateway: Gateway): boolean {
  if (requester.row < 0 || requester.row === gateway.row || requester.role !== 'leecher') return false
  return (
    table.rows.has(gateway.row, flags.unreachable) &&
    !table.rows.has(requester.row, flags.unreachable) &&
    !table.introductions.has(requester.row, gateway.row)
  )
}

/** Cause of the requester's election as gateway; undefined if it is not elected. `live`: the leases that continue. */
export function election(
  context: HandoutContext,
  live: readonly Gateway[],
  ended: readonly LeaseEnd[],
): ElectionCause | undefined {
  const { table, topology, swarm, site, requester, mayElect, nowMs } = context
  if (!mayElect) return undefined
  if (requester.role !== 'leecher' || requester.peersWanted === 0 || hasCopy(swarm, site)) return undefined
  if (isUnreachable(context) && (mayStillWait(context) || reachableLeechers(context, 1) > 0)) return undefined
  if (live.some((gateway) => gateway.row === requester.row)) return undefined
  if (live.length >= gatewaysMax(topology, site.site)) return undefined
  // A deferred announce is attempted many times, also in the moment between the two.
  if (requester.waitedMs > 0 && hasNewFinisher(table, site, nowMs)) return undefined
  const isJustReplaced = ended.some(({ row, cause }) => row === requester.row && cause === 'stalled')
  if ((isJustReplaced || site.history.lastStalledRow === requester.row) && site.leechers > 1) return undefined
  if (isStalledHost(context, ended) && hasOtherHost(context)) return undefined
  if (live.length > 0) return 'added'
  return ended[0]?.cause ?? site.history.lastLeaseEnd
}

/** Whether a lease of the requester's host ended without progress, or ends so now. */
function isStalledHost({ table, site, requester }: HandoutContext, ended: readonly LeaseEnd[]): boolean {
  if (requester.row < 0) return false
  const { leases } = table
  const host = leases.hostOf(requester.row)
  return (
    site.history.stalledHosts.has(host) ||
    ended.some(({ row, cause }) => cause === 'stalled' && leases.hostOf(row) === host)
  )
}

/** Whether a leecher of another host can become gateway, as far as the first few leechers show. */
function hasOtherHost({ table, site, requester, nowMs }: HandoutContext): boolean {
  const { rows, leases } = table
  const own = leases.hostOf(requester.row)
  const isOther = (row: number) => {
    const host = leases.hostOf(row)
    return host !== own && !site.history.stalledHosts.has(host) && !rows.isExpired(row, nowMs)
  }
  return take(rows, site.listsOf('leecher'), 1, isOther).length > 0
}
