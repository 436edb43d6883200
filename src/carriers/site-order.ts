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
  /** The site fetches already, from this one. */
  readonly upstream?: string | undefined
  readonly rank?: number | undefined
}

export type Cost = (a: string, b: string) => number

/** A site with an equal cost to the tree joins it in an order that differs for each torrent (`tieOf`). */
export interface TreeContext {
  readonly cost: Cost
  readonly tieOf: (site: string) => number
}

export interface PlannedSite {
  /** Steps before the site joins the tree; 0 for a site with a source. */
  readonly rank: number
  /** Undefined for a site with a source, and where no site has one. */
  readonly upstream: string | undefined
}

/** A site that feeds another one already has half of its link for this one. */
const SHARED_COST = 0.5

/** Price of a link to a site that feeds this number of other sites. */
export function priceOf(cost: number, sitesFed: number): number {
  return cost * (1 + SHARED_COST * sitesFed)
}

/**
 * The whole tree. Sites that fetch already keep their place; those that begin at the same time and have the same view of each
 * other join behind them in the same order.
 */
export function planTree(
  sites: readonly RankedSite[],
  { cost, tieOf }: TreeContext,
): ReadonlyMap<string, PlannedSite> {
  const plan = new Map<string, PlannedSite>()
  const fed = new Map<string, number>()
  const waiting = new Set<string>()
  let firstRank = 1
  for (const { site, hasSource, upstream, rank = 1 } of sites) {
    if (hasSource) plan.set(site, { rank: 0, upstream: undefined })
    else if (upstream === undefined) waiting.add(site)
    else {
      plan.set(site, { rank, upstream })
      fed.set(upstream, (fed.get(upstream) ?? 0) + 1)
      firstRank = Math.max(firstRank, rank + 1)
    }
  }
  for (let rank = firstRank; waiting.size > 0; rank++) {
    let next: string | undefined
    let nextCost = Infinity
    for (const site of waiting) {
      const least = Math.min(Infinity, ...[...plan.keys()].map((joined) => cost(site, joined)))
      const isNearer = next === undefined || least < nextCost
      if (isNearer || (least === nextCost && tieOf(site) < tieOf(next as string)))
        [next, nextCost] = [site, least]
    }
    const site = next as string
    waiting.delete(site)
    let upstream: string | undefined
    let best = Infinity
    for (const joined of plan.keys()) {
      const price = priceOf(cost(site, joined), fed.get(joined) ?? 0)
      if (price < best) [upstream, best] = [joined, price]
    }
    plan.set(site, { rank, upstream })
    if (upstream !== undefined) fed.set(upstream, (fed.get(upstream) ?? 0) + 1)
  }
  return plan
}

export interface UpstreamCandidate {
  readonly site: string
  readonly rank: number
  /** Pieces that the site can deliver, from its clients, its cache or its own upstream. */
  readonly pieces: number
  /** Other sites that fetch from it. */
  readonly sitesFed: number
}

/** The site to fetch from, beside sites that already fetch: the cheapest one with a lower rank that has anything to deliver. */
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
    const price = priceOf(cost(site, candidate.site), candidate.sitesFed)
    if (price < bestCost) [best, bestCost] = [candidate, price]
  }
  return best
}
