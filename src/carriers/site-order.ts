/**
 * The tree over the sites for one torrent: each site fetches from one other site.
 *
 * A site has a rank: the step at which it joins the minimum spanning tree that grows from the sites with a source. It
 * fetches from a site with a lower rank only, and the rank does not change while it fetches. No set of such choices
 * closes a circle, also where sites have different views of the others. The reference for gateways is
 * handout/tree-rank.ts.
 */

export interface RankedSite {
  readonly site: string
  readonly hasSource: boolean
}

export type Cost = (a: string, b: string) => number

/**
 * Steps before `site` joins the tree; 0 for a site with a source. Sites at equal cost join in an order that differs for
 * each torrent (`tieOf`), so that one site is not the first of all torrents.
 */
export function siteRank(
  site: string,
  sites: readonly RankedSite[],
  { cost, tieOf }: { readonly cost: Cost; readonly tieOf: (site: string) => number },
): number {
  const distances = new Map(sites.map((other) => [other.site, other.hasSource ? 0 : Infinity]))
  if (distances.get(site) === 0) return 0
  for (let rank = 1; distances.size > 0;) {
    let next: string | undefined
    for (const [other, distance] of distances) {
      const least = next === undefined ? Infinity : (distances.get(next) as number)
      if (next === undefined || distance < least || (distance === least && tieOf(other) < tieOf(next)))
        next = other
    }
    if (next === undefined) break
    const isSource = distances.get(next) === 0
    if (next === site) return rank
    distances.delete(next)
    if (!isSource) rank++
    for (const [other, distance] of distances)
      distances.set(other, distance === 0 ? 0 : Math.min(distance, cost(next, other)))
  }
  return sites.length
}

export interface UpstreamCandidate {
  readonly site: string
  readonly rank: number
  /** Pieces that the site can deliver, from its clients, its cache or its own upstream. */
  readonly pieces: number
  /** Other sites that fetch from it. */
  readonly sitesFed: number
}

/** A site that feeds another one already has half of its link for this one. */
const SHARED_COST = 0.5

/** The site to fetch from: the cheapest one with a lower rank that has anything to deliver. */
export function chooseUpstream<Candidate extends UpstreamCandidate>(
  site: string,
  rank: number,
  candidates: readonly Candidate[],
  cost: Cost,
): Candidate | undefined {
  let best: Candidate | undefined
  let bestCost = Infinity
  for (const candidate of candidates) {
    if (candidate.rank >= rank || candidate.pieces === 0) continue
    const price = cost(site, candidate.site) * (1 + SHARED_COST * candidate.sitesFed)
    if (price < bestCost) [best, bestCost] = [candidate, price]
  }
  return best
}
