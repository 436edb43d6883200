/**
 * Announce tiers of a place (BEP 12): the trackers of its bubble, those of its site, then the fallback tier.
 *
 * Many clients announce to every tier at once, so a later tier is not an idle reserve; every node gives the same
 * answer.
 */
import type { Place, Topology } from './topology.ts'

/** The same tiers with a token behind each `/announce`. A tracker with another path is not one of this program. */
export function withToken(tiers: readonly (readonly string[])[], token: string | undefined): string[][] {
  const suffix = token === undefined ? '' : `/${token}`
  return tiers.map((tier) => tier.map((url) => (url.endsWith('/announce') ? url + suffix : url)))
}

/**
 * Omits empty tiers, and a URL that an earlier tier has: Transmission would announce once, libtorrent twice. Empty
 * if the topology has no tracker for this place.
 */
export function announceTiers(topology: Topology, place: Place): string[][] {
  const seen = new Set<string>()
  const tiers: string[][] = []
  for (const candidates of [place.trackers, place.site.trackers, topology.fallbackTrackers(place.site)]) {
    const tier: string[] = []
    for (const url of candidates) {
      if (seen.has(url)) continue
      seen.add(url)
      tier.push(url)
    }
    if (tier.length > 0) tiers.push(tier)
  }
  return tiers
}
