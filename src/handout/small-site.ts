/**
 * Join strategies: the introductions of the first leechers of a site whose clients disconnect finishers.
 *
 * libtorrent drops a neighbour that becomes complete before its last HAVE arrives, and neither side reconnects for a
 * minute. Only a peer that it never met can still send it the last piece, and among two, three or four leechers that
 * all know each other there is no such peer. The response to the second leecher of a site is therefore deferred: the
 * first one, when complete, sends it everything, and it has the last piece for the third. From the fourth leecher on
 * there are always strangers.
 *
 * The response is deferred and not empty, because a client with an empty one asks again only after minutes. A deferred
 * leecher also replaces a gateway that is lost meanwhile, at once.
 *
 * Measured with sites of two and three hosts and 48 MiB: the last host at 8.5 s instead of 67 s (docs/measurements.md).
 */
import { LEFT_UNKNOWN } from '../swarm/peer-rows.ts'
import { downstreamOfSite } from './choose-upstream.ts'
import type { HandoutContext } from './decision.ts'
import type { Policy } from './policy.ts'
import { isUnreachable } from './unreachable-clients.ts'

/**
 * `seed`: a seed first, even without a free slot. `reserve`: the response is deferred. `met`: the peers that were
 * introduced to it meanwhile. `chain`: no leecher in reserve. `graph`: the rules of larger sites.
 */
export type JoinStrategy = 'seed' | 'reserve' | 'met' | 'chain' | 'graph'

/** In a chain of four each leecher has a stranger, so larger sites need no strategy of their own. */
const CHAIN_LEECHERS = 3

export function joinStrategy(context: HandoutContext): JoinStrategy {
  const { table, site, requester, policy } = context
  if (isUnreachable(context)) return 'graph'
  if (!requester.dropsFinishers || requester.row < 0 || site.leechers < 2 || site.leechers > CHAIN_LEECHERS)
    return 'graph'
  const { rows } = table
  // Only at the start: a leecher that announces again without peers has waited long enough.
  if (rows.stalls(requester.row) > 0) return 'graph'
  // The first one is complete, and sends it everything. It stays a stranger to the third.
  if (table.introductions.count(requester.row) > 0)
    return requester.waitedMs > 0 && site.trustedSeeds > 0 ? 'met' : 'graph'
  // Clients do not disconnect a peer that was complete when they met.
  if (hasSeedToSpare(context)) return 'seed'
  if (!isSmallEnough(rows.leftKib(requester.row), policy)) return 'graph'
  // The leecher in reserve is the second one, also when the third has announced.
  if (site.leechers === 3 && requester.waitedMs === 0) return 'chain'
  return requester.mayWait && requester.waitedMs < policy.reserveMs ? 'reserve' : 'graph'
}

/**
 * True for the leecher in reserve. It is not handed out to a gateway either, although others may have announced between
 * the gateway's announce and its response, which waits for other nodes and sites. Only a gateway without any other peer
 * gets it.
 */
export function isInReserve({ table, site, policy }: HandoutContext, row: number): boolean {
  const { rows } = table
  if (site.leechers > CHAIN_LEECHERS || table.introductions.count(row) > 0 || rows.stalls(row) > 0)
    return false
  return isSmallEnough(rows.leftKib(row), policy)
}

const isSmallEnough = (leftKib: number, policy: Policy) =>
  leftKib !== LEFT_UNKNOWN && leftKib <= policy.reserveKibMax

/** True if no other site fetches from the seeds, or is about to: all sites need the only seed of a new torrent. */
function hasSeedToSpare(context: HandoutContext): boolean {
  const { site, swarm, topology } = context
  if (site.trustedSeeds === 0 || downstreamOfSite(context).length > 0) return false
  const isOnly = site.trustedSeeds === 1 && swarm.sites.every((other) => other === site || other.seeds === 0)
  return !isOnly || topology.sites.length === 1
}
