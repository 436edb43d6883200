/**
 * Which trackers the clients of a place are told of, and in which order (BEP 12).
 *
 * The nearest come first: those of the bubble, those of the site, then the fallback tier. Many clients announce to
 * every tier at once, so a later tier is no reserve that stays idle; every node gives the same answer.
 */
import type { Place, Topology } from './topology.ts'

/**
 * Tiers without empty ones, and without a URL that an earlier tier has: Transmission would announce once, libtorrent
 * twice. Empty where the topology names no tracker at all for this place.
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
