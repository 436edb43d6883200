/**
 * What a site is in, for one torrent, read from the table alone: its state, and whether content reaches it.
 */
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { SiteState } from './decision.ts'

/**
 * Whether the site has a complete copy of its own. A `left=0` that a magnet client may have sent without having
 * anything counts only where nobody else has a better one: else a site of magnet clients would be taken for
 * complete, and be told of nobody.
 */
export function hasCopy(swarm: Swarm, site: SiteSwarm): boolean {
  if (site.trustedSeeds > 0) return true
  return site.seeds > 0 && swarm.sites.every((other) => other.trustedSeeds === 0)
}

export function siteState(swarm: Swarm, site: SiteSwarm): SiteState {
  if (hasCopy(swarm, site)) return 'warm'
  if (site.needy === 0) return 'idle'
  if (site.gateways.length > 0) return 'filling'
  return swarm.sites.some((other) => hasCopy(swarm, other)) ? 'filling' : 'stranded'
}

/**
 * Whether content reaches this site: it has a copy, or one of its gateways has an upstream in a site that
 * content reaches, and that path does not lead through `without`.
 */
export function isFed(table: SwarmTable, swarm: Swarm, site: SiteSwarm, without: SiteSwarm): boolean {
  const path = [without]
  let at: SiteSwarm | undefined = site
  while (at !== undefined && !path.includes(at)) {
    if (hasCopy(swarm, at)) return true
    path.push(at)
    at = upstreamSite(table, at)
  }
  return false
}

/** The site that this site's gateways fetch from. Several gateways fetch from the first one's, by `chooseUpstream`. */
function upstreamSite(table: SwarmTable, site: SiteSwarm): SiteSwarm | undefined {
  for (const gateway of site.gateways) if (gateway.upstreamRow >= 0) return table.siteOf(gateway.upstreamRow)
  return undefined
}
