/**
 * What a site is in, for one torrent, read from the table alone.
 */
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SiteState } from './decision.ts'
import type { Policy } from './policy.ts'

/**
 * Whether the site has a complete copy of its own. A `left=0` that a magnet client may have sent without having
 * anything counts only where nobody else has a better one: else a site of magnet clients would be taken for
 * complete, and be told of nobody.
 */
export function hasCopy(swarm: Swarm, site: SiteSwarm): boolean {
  if (site.trustedSeeds > 0) return true
  return site.seeds > 0 && swarm.sites.every((other) => other.trustedSeeds === 0)
}

/** Whether the numbers for large sites hold here; see `Policy.largeSitePeers`. */
export function isLargeSite(policy: Policy, site: SiteSwarm): boolean {
  return site.peers > policy.largeSitePeers
}

export function siteState(swarm: Swarm, site: SiteSwarm): SiteState {
  if (hasCopy(swarm, site)) return 'warm'
  if (site.leechers === 0) return 'idle'
  if (site.gateways.length > 0) return 'filling'
  return swarm.sites.some((other) => hasCopy(swarm, other)) ? 'filling' : 'stranded'
}
