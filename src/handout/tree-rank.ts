/**
 * The tree over sites that decide for themselves and learn of each other's decisions late.
 *
 * Each gateway has a rank in the tree, which is set and advertised to all sites before it chooses an upstream, and
 * never changes. It fetches from a complete peer, or from a gateway with a lower rank, so no view of the other sites,
 * of any age, can close a circle. The ranks follow the minimum spanning tree as it grows from the sites with a copy,
 * so the best upstream has the lower rank. If the views agree, the result is that tree; if they differ, the tree only
 * costs more.
 */
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { Topology } from '../topology/topology.ts'
import type { HandoutContext } from './decision.ts'
import type { FetchTree } from './fetch-tree.ts'
import { hasCopy } from './site-state.ts'

/** A rank consists of 16 bits for the step and 16 bits of a hash. */
const STEPS_MAX = 0xffff
const STEP = 0x1_0000

/**
 * Time that a site waits before its gateway chooses an upstream, to receive the ranks of those that choose at the same
 * time. A message may take half of it: half the way around the world, or two processors that start 24 clients (180 ms
 * were measured, and with a delay of 150 ms every second rollout had a site that fed two others, at half the rate).
 */
export const CONVERGENCE_DELAY_MS = 400
/** After this time a message may reach a gateway only after its choice. */
const RECEIVED_IN_TIME_MS = CONVERGENCE_DELAY_MS / 2

/**
 * Rank of a site's gateway for this torrent: the step at which the site joins the tree, then a hash, which orders
 * equally distant sites into a different chain for each torrent. A copy that appears later changes no rank.
 *
 * A site that starts after others joins behind them: with a low rank it could fetch from the source alone. The
 * successor of a gateway keeps the site's step, for the gateways that fetched from the predecessor.
 */
export function treeRank(topology: Topology, swarm: Swarm, siteIndex: number, nowMs: number): number {
  const isFirst = (swarm.site(siteIndex)?.gatewayHostsEver ?? 0) === 0
  const step = stepOf(topology, swarm, siteIndex) + (isFirst ? stepsBegun(swarm, siteIndex, nowMs) : 0)
  const hash = hashSite(swarm.infoHash, topology.sites[siteIndex]?.name ?? '')
  return Math.min(step, STEPS_MAX) * STEP + (hash >>> 16)
}

/** Highest step of the gateways that already fetch, or will choose before they learn of this one. */
function stepsBegun(swarm: Swarm, siteIndex: number, nowMs: number): number {
  // Gateways choose only after a copy has appeared.
  const hasAnyCopy = swarm.sites.some((site) => hasCopy(swarm, site))
  let steps = 0
  for (const other of swarm.sites)
    for (const { upstreamRow, sinceMs, treeRank: rank } of other.gateways) {
      const hasBegun = upstreamRow >= 0 || (hasAnyCopy && nowMs - sinceMs >= RECEIVED_IN_TIME_MS)
      if (other.site !== siteIndex && hasBegun) steps = Math.max(steps, Math.floor(rank / STEP))
    }
  return steps
}

/** Number of sites that join the tree before this one. */
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

/** The sites from which a gateway with this rank may fetch, and the number of sites that each of them feeds by then. */
export class TreePlan {
  readonly #context: HandoutContext
  readonly #tree: FetchTree
  readonly #rank: number
  readonly #feeds = new Map<number, number>()

  constructor(context: HandoutContext, tree: FetchTree, rank: number) {
    this.#context = context
    this.#tree = tree
    this.#rank = rank
    this.#plan()
  }

  mayFetchFrom(other: SiteSwarm): boolean {
    return this.#isOpen(other, this.#rank)
  }

  sitesFedBy(other: SiteSwarm): number {
    return this.#tree.sitesFedBy(other) + (this.#feeds.get(other.site) ?? 0)
  }

  /** Simulates the choices of the gateways that also choose now, in the order of their ranks. */
  #plan(): void {
    const { swarm, site, topology, policy } = this.#context
    const choosing = swarm.sites
      .filter((other) => other !== site && isChoosing(swarm, other) && rankOf(other) < this.#rank)
      .sort((a, b) => rankOf(a) - rankOf(b))
    for (const other of choosing) {
      let best: SiteSwarm | undefined
      let bestCost = Infinity
      for (const from of swarm.sites) {
        if (from === other || from === site || !this.#isOpen(from, rankOf(other))) continue
        const cost =
          topology.cost(other.site, from.site) * (1 + policy.sharedUplinkCost * this.sitesFedBy(from))
        if (cost < bestCost) [best, bestCost] = [from, cost]
      }
      if (best === undefined) continue
      this.#feeds.set(best.site, (this.#feeds.get(best.site) ?? 0) + 1)
      this.#tree.expect(other)
    }
  }

  #isOpen(from: SiteSwarm, rank: number): boolean {
    if (hasCopy(this.#context.swarm, from)) return true
    return rankOf(from) < rank && this.#tree.isFed(from)
  }
}

/** Highest rank of the gateways of a site; Infinity without gateways. */
function rankOf(site: SiteSwarm): number {
  let rank = site.gateways.length === 0 ? Infinity : 0
  for (const gateway of site.gateways) rank = Math.max(rank, gateway.treeRank)
  return rank
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
