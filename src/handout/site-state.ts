/** The state of a torrent at a site, read from the table alone. */
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SiteState } from './decision.ts'
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
