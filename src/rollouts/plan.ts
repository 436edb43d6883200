/**
 * The traffic that a rollout will cause between sites, before it starts: the links of the cheapest tree from the sites of
 * the source to all others, and for each of them the bytes, the rate, the hours, the time, and the people to contact.
 */
import { formatHours } from '../topology/link-hours.ts'
import { gatewaysMax, type Site, type Topology, UNMAPPED_SITE } from '../topology/topology.ts'
import { crossingTimes } from './crossing-times.ts'
import { expectedAt, type ExpectedHosts } from './expected-hosts.ts'
import type { PlannedLink, RolloutPlan } from './plan-answer.ts'

export interface PlanInput {
  readonly topology: Topology
  readonly sizeBytes: number
  readonly expected: ExpectedHosts
  /** At least one. */
  readonly sourceSites: readonly string[]
  /** A rate that an operator set for the link between two sites; undefined if the one of the topology applies. */
  readonly rateSetFor: (a: string, b: string) => number | undefined
  /** The start of the rollout. */
  readonly startMs: number
}

export function planRollout(input: PlanInput): RolloutPlan {
  const { topology, sizeBytes, expected, sourceSites } = input
  const sites = topology.sites.filter(({ name }) => name !== UNMAPPED_SITE)
  const counted = sites.map(({ name }) => ({ name, count: expectedAt(expected, topology, name) }))
  const isCounted = counted.some(({ count }) => count !== undefined)
  const targets = sites.filter(
    ({ name }) =>
      !isCounted ||
      (counted.find((each) => each.name === name)?.count ?? 0) > 0 ||
      sourceSites.includes(name),
  )
  const links = planLinks(input, treeOver(topology, targets, sourceSites))
  const known = links.map(({ finishedAt }) => finishedAt).filter((time) => time !== null)
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
    finishedAt: known.toSorted().at(-1) ?? null,
  }
}

interface TreeLink {
  readonly from: Site
  readonly to: Site
  readonly cost: number
}

function planLinks(
  { topology, sizeBytes, rateSetFor, startMs }: PlanInput,
  tree: readonly TreeLink[],
): PlannedLink[] {
  const limited = tree.map(({ from, to }) => {
    const { carry, rate, hours } = topology.linkOf(from.index, to.index)
    // Only carriers have rates and hours.
    return carry === 'direct'
      ? { from: from.name, to: to.name, carry, rate: undefined, hours: undefined }
      : { from: from.name, to: to.name, carry, rate: rateSetFor(from.name, to.name) ?? rate, hours }
  })
  const times = crossingTimes(limited, sizeBytes, startMs)
  /** Sites whose content comes over a link with a rate. */
  const timed = new Set<string>()
  return tree.map(({ from, to, cost }, index) => {
    const { carry, rate, hours } = limited[index] as (typeof limited)[number]
    if (rate !== undefined || timed.has(from.name)) timed.add(to.name)
    const finishedMs = timed.has(to.name) ? times[index] : undefined
    const copiesMax = carry === 'nodes' ? 1 : gatewaysMax(topology, to.index)
    return {
      from: from.name,
      to: to.name,
      cost,
      carry,
      copiesMax,
      bytes: sizeBytes,
      bytesAtMost: copiesMax * sizeBytes,
      nodes: { from: from.federation, to: to.federation },
      rateBytesPerSecond: rate ?? null,
      hours: hours === undefined ? null : formatHours(hours),
      finishedAt: finishedMs === undefined ? null : new Date(finishedMs).toISOString(),
      contacts: {
        from: from.contact ?? null,
        to: to.contact ?? null,
        link: topology.linkOf(from.index, to.index).contact ?? null,
      },
    }
  })
}

/** The cheapest tree (Prim): each step adds the site with the cheapest link to a site that is in the tree. */
function treeOver(topology: Topology, targets: readonly Site[], sourceSites: readonly string[]): TreeLink[] {
  const inTree = targets.filter(({ name }) => sourceSites.includes(name))
  const left = new Set(targets.filter((site) => !inTree.includes(site)))
  const links: TreeLink[] = []
  while (left.size > 0) {
    let best: TreeLink | undefined
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
