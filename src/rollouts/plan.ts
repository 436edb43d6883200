/**
 * The traffic that a rollout will cause between sites, before it starts: the links of the cheapest tree from the sites of
 * the source to all others, and what crosses each of them.
 */
import { type Site, type Topology, UNMAPPED_SITE } from '../topology/topology.ts'
import { expectedAt, type ExpectedHosts } from './expected-hosts.ts'

export interface PlannedLink {
  readonly from: string
  readonly to: string
  readonly cost: number
  /** Copies of the torrent that cross the link: one for each gateway of the receiving site. */
  readonly copiesMax: number
  readonly bytes: number
  readonly bytesAtMost: number
  /** Admin listeners of the two sites, which reach each other for federation; firewalls have to admit them. */
  readonly nodes: { readonly from: readonly string[]; readonly to: readonly string[] }
}

export interface RolloutPlan {
  readonly sourceSites: readonly string[]
  readonly links: readonly PlannedLink[]
  readonly sites: readonly {
    readonly site: string
    readonly expected: number | null
    /** Bytes that its hosts download, with a number of expected hosts. */
    readonly downloads: number | null
  }[]
  /** Bytes between sites if every host fetched from the site of the source; null without numbers of expected hosts. */
  readonly bytesWithoutTree: number | null
  readonly bytesBetweenSites: number
}

export interface PlanInput {
  readonly topology: Topology
  readonly sizeBytes: number
  readonly expected: ExpectedHosts
  /** At least one. */
  readonly sourceSites: readonly string[]
}

export function planRollout({ topology, sizeBytes, expected, sourceSites }: PlanInput): RolloutPlan {
  const sites = topology.sites.filter(({ name }) => name !== UNMAPPED_SITE)
  const counted = sites.map(({ name }) => ({ name, count: expectedAt(expected, topology, name) }))
  const isCounted = counted.some(({ count }) => count !== undefined)
  const targets = sites.filter(
    ({ name }) =>
      !isCounted ||
      (counted.find((each) => each.name === name)?.count ?? 0) > 0 ||
      sourceSites.includes(name),
  )
  const links = treeOver(topology, targets, sourceSites).map(({ from, to, cost }) => {
    const copiesMax = to.gateways === 'auto' ? 1 : to.gateways
    return {
      from: from.name,
      to: to.name,
      cost,
      copiesMax,
      bytes: sizeBytes,
      bytesAtMost: copiesMax * sizeBytes,
      nodes: { from: from.federation, to: to.federation },
    }
  })
  const planned = targets.map(({ name }) => {
    const count = counted.find((each) => each.name === name)?.count
    return { site: name, expected: count ?? null, downloads: count === undefined ? null : count * sizeBytes }
  })
  const remote = planned.filter(({ site }) => !sourceSites.includes(site))
  return {
    sourceSites,
    links,
    sites: planned,
    bytesWithoutTree: isCounted ? remote.reduce((sum, { downloads }) => sum + (downloads ?? 0), 0) : null,
    bytesBetweenSites: links.length * sizeBytes,
  }
}

/** The cheapest tree (Prim): each step adds the site with the cheapest link to a site that is in the tree. */
function treeOver(
  topology: Topology,
  targets: readonly Site[],
  sourceSites: readonly string[],
): { readonly from: Site; readonly to: Site; readonly cost: number }[] {
  const inTree = targets.filter(({ name }) => sourceSites.includes(name))
  const left = new Set(targets.filter((site) => !inTree.includes(site)))
  const links: { from: Site; to: Site; cost: number }[] = []
  while (left.size > 0) {
    let best: { from: Site; to: Site; cost: number } | undefined
    for (const to of left)
      for (const from of inTree) {
        const cost = topology.cost(from.index, to.index)
        if (best === undefined || cost < best.cost) best = { from, to, cost }
      }
    if (best === undefined) break
    links.push(best)
    inTree.push(best.to)
    left.delete(best.to)
  }
  return links
}
