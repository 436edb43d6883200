/** The sites of a rollout as a tree: each below the site that it fetches from at this moment, or fetched from. */
import type { RolloutSite } from '../api/responses.ts'

/** Of a complete site, the one that brought most of its content. */
export function upstreamOf({ carrier, gateway, isComplete, bytes }: RolloutSite): string | undefined {
  const now = carrier?.upstreamSite ?? gateway?.upstream?.site ?? undefined
  if (now !== undefined || !isComplete) return now
  return bytes.from.toSorted((a, b) => b.bytes - a.bytes)[0]?.site
}

/** A site whose clients had the content from the start, and where no host downloads: 0 % would be a false alarm. */
export function isSourceOnly({ hosts }: RolloutSite): boolean {
  return hosts.sources > 0 && Math.max(hosts.seen, hosts.expected ?? 0) === 0
}

/** By the name of the upstream; undefined has the roots. */
export function childrenOf(sites: readonly RolloutSite[]): ReadonlyMap<string | undefined, RolloutSite[]> {
  const byName = new Map(sites.map((site) => [site.site, site]))
  const byUpstream = new Map<string | undefined, RolloutSite[]>()
  for (const site of sites) {
    const parent = parentOf(site, byName)
    byUpstream.set(parent, [...(byUpstream.get(parent) ?? []), site])
  }
  return byUpstream
}

/** undefined for a root, which is also a site in a circle, as two nodes report it for a moment: no site disappears. */
function parentOf(site: RolloutSite, byName: ReadonlyMap<string, RolloutSite>): string | undefined {
  const parent = upstreamOf(site)
  if (parent === undefined || !byName.has(parent)) return undefined
  const seen = new Set<string>()
  let above: string | undefined = parent
  while (above !== undefined && !seen.has(above)) {
    if (above === site.site) return undefined
    seen.add(above)
    const next = byName.get(above)
    above = next === undefined ? undefined : upstreamOf(next)
  }
  return parent
}
