/**
 * Seeds that no leecher of their site progresses with: false ones, as far as a tracker can see without a connection to
 * them.
 *
 * Threat: one host announces `left=0` and has nothing. Its site counts as complete, gets no gateway, and its other hosts
 * starve for as long. When leechers of two hosts, or the only one, have made no progress for several announces,
 * the seeds of the site count as unverified, so that a gateway is elected and fetches from another site. If the seeds were
 * real, this costs one copy. A seed whose pieces a node has observed is never distrusted.
 */
import type { ObservedPeers } from './observed-peers.ts'
import type { PeerRows } from './peer-rows.ts'
import type { SiteSwarm } from './swarm.ts'

/** Seeds that are distrusted at once; further ones by the next stalled announce. */
const SEEDS_MAX = 64

/**
 * Records that a leecher of the site is stalled. Returns the seeds that are distrusted from now on; their hosts stay
 * distrusted.
 */
export function distrustSeeds(
  { rows, observed }: { readonly rows: PeerRows; readonly observed: ObservedPeers },
  site: SiteSwarm,
  stalledRow: number,
): number[] {
  if (site.trustedSeeds === 0) return []
  const host = rows.addressHash(stalledRow)
  const history = site.historyToWrite()
  history.starvedHost ??= host
  if (history.starvedHost === host && site.leechers > 1) return []
  const seeds: number[] = []
  for (const list of site.listsOf('seed'))
    for (const row of list.all(rows)) {
      // One real seed is enough: the leecher is stalled for another reason.
      if (observed.isComplete(row)) return []
      if (seeds.length < SEEDS_MAX) seeds.push(row)
    }
  for (const row of seeds) history.distrustedHosts.add(rows.addressHash(row))
  history.starvedHost = undefined
  return seeds
}
