/**
 * How the first leechers of a site meet, where the clients hang up on whoever finishes.
 *
 * libtorrent drops a neighbour that becomes complete before its last HAVE arrives, and neither side reconnects for a
 * minute. Only a peer it has never met still gets the last piece to it, and among two, three or four who all know each
 * other there is none. So the second leecher of a site meets nobody: it is the stranger to whom the first one, once
 * complete, gives everything, and who has the last piece for the third. From the fourth on strangers remain anyway.
 *
 * Measured with sites of two and three hosts and 48 MiB: the last host at 8.5 s instead of 67 s (docs/measurements.md).
 */
import { LEFT_UNKNOWN } from '../swarm/peer-rows.ts'
import { downstreamOfSite } from './choose-upstream.ts'
import type { HandoutContext } from './decision.ts'
import type { Policy } from './policy.ts'

/** `seed`: a seed above all, however busy. `reserve`: nobody. `chain`: nobody in reserve. `graph`: as in any site. */
export type JoinStrategy = 'seed' | 'reserve' | 'chain' | 'graph'

/** A row of four has a stranger for everybody, so from there on the site is joined as any other. */
const CHAIN_LEECHERS = 3

export function joinStrategy(context: HandoutContext): JoinStrategy {
  const { table, site, requester, policy } = context
  if (!requester.dropsFinishers || requester.row < 0 || site.leechers < 2 || site.leechers > CHAIN_LEECHERS)
    return 'graph'
  const { rows } = table
  // Only as it begins: whoever comes back without anybody has waited long enough.
  if (rows.stalls(requester.row) > 0 || table.introductions.count(requester.row) > 0) return 'graph'
  // Nobody hangs up on a peer that was complete before they met.
  if (hasSeedToSpare(context)) return 'seed'
  if (!isSmallEnough(rows.leftKib(requester.row), policy)) return 'graph'
  return site.leechers === 2 ? 'reserve' : 'chain'
}

/**
 * Whether the peer is the one in reserve. A gateway must not be told of it either, however many came between its
 * announce and the answer, which waits for other nodes and sites.
 */
export function isInReserve({ table, site, policy }: HandoutContext, row: number): boolean {
  const { rows } = table
  if (site.leechers > CHAIN_LEECHERS || table.introductions.count(row) > 0 || rows.stalls(row) > 0)
    return false
  return isSmallEnough(rows.leftKib(row), policy)
}

const isSmallEnough = (leftKib: number, policy: Policy) =>
  leftKib !== LEFT_UNKNOWN && leftKib <= policy.reserveKibMax

/** A seed that no other site fetches from, nor is about to: the only one of a new torrent is everybody's source. */
function hasSeedToSpare(context: HandoutContext): boolean {
  const { site, swarm, topology } = context
  if (site.trustedSeeds === 0 || downstreamOfSite(context).length > 0) return false
  const isOnly = site.trustedSeeds === 1 && swarm.sites.every((other) => other === site || other.seeds === 0)
  return !isOnly || topology.sites.length === 1
}
