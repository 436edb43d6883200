/** The state of a torrent at a site, read from the table alone. */
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { SiteState } from './decision.ts'
import { take } from './pick.ts'
import type { Policy } from './policy.ts'

/**
 * True if the site has a complete copy of its own. An unverified `left=0`, as of a magnet client without metadata,
 * counts only if no site has a trusted seed: otherwise a site of magnet clients would count as complete, and its
 * leechers would get no upstream.
 */
export function hasCopy(swarm: Swarm, site: SiteSwarm): boolean {
  if (site.trustedSeeds > 0) return true
  return site.seeds > 0 && swarm.sites.every((other) => other.trustedSeeds === 0)
}

/** The last pieces of a client that announced its completion are observed within this time. */
const FINISHER_MS = 5_000

/** True if a leecher of the site has just completed, and the observation that shows it has not arrived. */
export function hasNewFinisher({ rows }: SwarmTable, site: SiteSwarm, nowMs: number): boolean {
  if (site.unverifiedSeeds === 0) return false
  const isNew = (row: number) =>
    rows.has(row, flags.unverifiedSeed) &&
    rows.has(row, flags.verifiedSeed) &&
    nowMs - rows.lastSeenMs(row, nowMs) < FINISHER_MS
  return take(rows, site.listsOf('seed'), 1, isNew).length > 0
}

/** True if the numbers for large sites apply; see `Policy.largeSitePeers`. */
export function isLargeSite(policy: Policy, site: SiteSwarm): boolean {
  return site.peers > policy.largeSitePeers
}

export function siteState(swarm: Swarm, site: SiteSwarm): SiteState {
  if (hasCopy(swarm, site)) return 'warm'
  if (site.leechers === 0) return 'idle'
  if (site.gateways.length > 0) return 'filling'
  return swarm.sites.some((other) => hasCopy(swarm, other)) ? 'filling' : 'stranded'
}
