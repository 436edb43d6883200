/**
 * The tree over sites that decide for themselves and see each other late.
 *
 * Each gateway has a number in the order of the tree, settled and told to everybody before it chooses an upstream,
 * and never changed: it fetches from a complete peer, or from a gateway with a lower number. So no view of the others,
 * however old, can close a circle. The numbers follow the least spanning tree as it grows from the sites that have
 * a copy, so that whoever is best fetched from has the lower number. Where the views agree, the tree is that one; where
 * they do not, it only costs more.
 */
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { Topology } from '../topology/topology.ts'
import type { HandoutContext } from './decision.ts'
import type { FetchTree } from './fetch-tree.ts'
import { hasCopy } from './site-state.ts'

/** What a number has room for: sixteen bits of steps, and as many of a hash. */
const STEPS_MAX = 0xffff
const STEP = 0x1_0000

/**
 * How long a site waits before its gateway chooses an upstream, so that it hears of those who choose at the same moment.
 * Half of it is what a word may take: half a way around the world, or two processors that start 24 clients (180 ms
 * were measured, and with 150 ms to wait every second rollout had a site that fed two others, at half the rate).
 */
export const CONVERGENCE_DELAY_MS = 400
/** After so long nobody can count on being heard by a gateway before it chooses. */
const HEARD_IN_TIME_MS = CONVERGENCE_DELAY_MS / 2

/**
 * The number of a site's gateway for this torrent: when the site would join the tree, then a hash, which makes
 * equally distant sites a different chain for each torrent. A copy that comes up later changes no number.
 *
 * A site that comes when others have begun joins behind them: with a low number it could fetch from the source alone.
 * The successor of a gateway keeps the site's place, for those who fetched from there.
 */
export function treeRank(topology: Topology, swarm: Swarm, siteIndex: number, nowMs: number): number {
  const isFirst = (swarm.site(siteIndex)?.gatewayHostsEver ?? 0) === 0
  const step = stepOf(topology, swarm, siteIndex) + (isFirst ? stepsBegun(swarm, siteIndex, nowMs) : 0)
  const hash = hashSite(swarm.infoHash, topology.sites[siteIndex]?.name ?? '')
  return Math.min(step, STEPS_MAX) * STEP + (hash >>> 16)
}

/** Of the gateways that fetch already, or will have chosen before they hear of this one. */
function stepsBegun(swarm: Swarm, siteIndex: number, nowMs: number): number {
  // As long as nobody has a copy, nobody chooses.
  const isAnythingThere = swarm.sites.some((site) => hasCopy(swarm, site))
  let steps = 0
  for (const other of swarm.sites)
    for (const { upstreamRow, sinceMs, treeRank: order } of other.gateways) {
      const hasBegun = upstreamRow >= 0 || (isAnythingThere && nowMs - sinceMs >= HEARD_IN_TIME_MS)
      if (other.site !== siteIndex && hasBegun) steps = Math.max(steps, Math.floor(order / STEP))
    }
  return steps
}

/** How many sites join the tree before this one. */
function stepOf(topology: Topology, swarm: Swarm, siteIndex: number): number {
  const sites = topology.sites
  const hashes = sites.map((site) => hashSite(swarm.infoHash, site.name))
  const costs = new Float64Array(sites.length).fill(Infinity)
  for (const site of swarm.sites) if (hasCopy(swarm, site)) costs[site.site] = 0
  const joined = new Uint8Array(sites.length)
  for (let step = 0; step < sites.length; step++) {
    let next = -1
    for (let index = 0; index < sites.length; index++) {
      if (joined[index] === 1) continue
      const isNearer = next < 0 || at(costs, index) < at(costs, next)
      const isEqual = next >= 0 && at(costs, index) === at(costs, next)
      if (isNearer || (isEqual && at(hashes, index) < at(hashes, next))) next = index
    }
    if (next === siteIndex) return step
    joined[next] = 1
    for (let index = 0; index < sites.length; index++)
      costs[index] = Math.min(at(costs, index), topology.cost(next, index))
  }
  return 0
}

/** From whom a site may fetch whose gateway has this number, and how many each of them feeds by then. */
export class TreePlan {
  readonly #context: HandoutContext
  readonly #tree: FetchTree
  readonly #order: number
  readonly #feeds = new Map<number, number>()

  constructor(context: HandoutContext, tree: FetchTree, order: number) {
    this.#context = context
    this.#tree = tree
    this.#order = order
    this.#plan()
  }

  mayFetchFrom(other: SiteSwarm): boolean {
    return this.#isOpen(other, this.#order)
  }

  sitesFedBy(other: SiteSwarm): number {
    return this.#tree.sitesFedBy(other) + (this.#feeds.get(other.site) ?? 0)
  }

  /** Gateways that are about to choose, as this site is, in their order: each will take what is best for it. */
  #plan(): void {
    const { swarm, site, topology, policy } = this.#context
    const choosing = swarm.sites
      .filter((other) => other !== site && isChoosing(swarm, other) && orderOf(other) < this.#order)
      .sort((a, b) => orderOf(a) - orderOf(b))
    for (const other of choosing) {
      let best: SiteSwarm | undefined
      let bestCost = Infinity
      for (const from of swarm.sites) {
        if (from === other || from === site || !this.#isOpen(from, orderOf(other))) continue
        const cost =
          topology.cost(other.site, from.site) * (1 + policy.sharedUplinkCost * this.sitesFedBy(from))
        if (cost < bestCost) [best, bestCost] = [from, cost]
      }
      if (best === undefined) continue
      this.#feeds.set(best.site, (this.#feeds.get(best.site) ?? 0) + 1)
      this.#tree.expect(other)
    }
  }

  #isOpen(from: SiteSwarm, order: number): boolean {
    if (hasCopy(this.#context.swarm, from)) return true
    return orderOf(from) < order && this.#tree.isFed(from)
  }
}

/** Of the gateways of a site; Infinity where it has none. */
function orderOf(site: SiteSwarm): number {
  let order = site.gateways.length === 0 ? Infinity : 0
  for (const gateway of site.gateways) order = Math.max(order, gateway.treeRank)
  return order
}

function isChoosing(swarm: Swarm, site: SiteSwarm): boolean {
  return (
    site.gateways.length > 0 && !hasCopy(swarm, site) && site.gateways.every((each) => each.upstreamRow < 0)
  )
}

/** FNV-1a. */
function hashSite(infoHash: Buffer, name: string): number {
  let hash = 0x811c9dc5
  for (const byte of infoHash) hash = Math.imul(hash ^ byte, 0x01000193)
  for (let index = 0; index < name.length; index++)
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193)
  return hash >>> 0
}

function at(numbers: ArrayLike<number>, index: number): number {
  return numbers[index] as number
}
