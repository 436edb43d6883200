/**
 * Selects the upstream of a gateway: the edges of the tree over the sites.
 *
 * A site feeds others from one uplink, which those fed at the same time share. The cost of a site therefore grows with
 * each site that it already feeds: equally distant sites form a chain (measured: 26.7 s; a star of all gateways around
 * the source took 43 s), while a much cheaper link is shared before an expensive one is used.
 */
import type { Random } from '../core/random.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { Gateway } from '../swarm/gateway.ts'
import type { SiteSwarm } from '../swarm/swarm.ts'
import type { HandoutContext } from './decision.ts'
import { FetchTree } from './fetch-tree.ts'
import { pick } from './pick.ts'
import { hasCopy } from './site-state.ts'
import { TreePlan, treeRank } from './tree-rank.ts'

/** Far more than the sites need to agree on a tree, and than the difference between their clocks. */
const CHOOSING_MS = 2_000

/** The row to fetch from, or -1 if no content is available. One of `avoid` only if there is no other. */
export function chooseUpstream(context: HandoutContext, avoid: readonly number[], random: Random): number {
  const { table, topology, swarm, site, policy, nowMs } = context
  const tree = new FetchTree(table, swarm, site, nowMs)
  const plan = context.isFederated ? new TreePlan(context, tree, rankOfRequester(context)) : undefined
  const ranked: { readonly other: SiteSwarm; readonly cost: number }[] = []
  for (const other of swarm.sites) {
    if (other === site || !(plan?.mayFetchFrom(other) ?? tree.isFed(other))) continue
    const cost = topology.cost(site.site, other.site)
    if (cost === Infinity) continue
    const slowness = isSlowToForward(context, other) ? policy.slowForwarderCost : 1
    const shared = policy.sharedUplinkCost * (plan ?? tree).sitesFedBy(other)
    ranked.push({ other, cost: cost * (1 + shared) * slowness })
  }
  ranked.sort((a, b) => a.cost - b.cost)
  for (const isLastResort of [false, true])
    for (const { other } of ranked) {
      const row = sourceIn(context, tree, other, isLastResort ? [] : avoid, random)
      if (row >= 0) return row
    }
  return -1
}

/** Gateways without an upstream that the requester can feed, nearest first. */
export function gatewaysWithoutUpstream(context: HandoutContext): number[] {
  const { table, topology, swarm, site, policy, nowMs } = context
  const found: { readonly row: number; readonly other: SiteSwarm; readonly cost: number }[] = []
  for (const other of swarm.sites) {
    if (other === site || other.gateways.length === 0) continue
    const cost = topology.cost(site.site, other.site)
    if (cost === Infinity || hasCopy(swarm, other)) continue
    for (const gateway of other.gateways)
      if (needsUpstream(context, gateway) && !table.rows.isExpired(gateway.row, nowMs))
        found.push({ row: gateway.row, other, cost })
  }
  if (found.length === 0) return []
  const path = new FetchTree(table, swarm, site, nowMs).pathOfRequester()
  if (path === undefined) return []
  return found
    .filter((candidate) => !path.has(candidate.other))
    .sort((a, b) => a.cost - b.cost)
    .slice(0, policy.upstreamAssignmentsMax)
    .map((candidate) => candidate.row)
}

/**
 * True for a gateway without an upstream that is not about to choose one itself. If a remote site decides about it, the
 * requester may feed it only if that closes no circle with any decision of the remote site.
 */
function needsUpstream(context: HandoutContext, gateway: Gateway): boolean {
  const { swarm, site, nowMs, isFederated } = context
  if (gateway.upstreamRow >= 0 || gateway.isTentative) return false
  if (!isFederated) return true
  const isDone = nowMs - gateway.sinceMs >= CHOOSING_MS
  return isDone && (hasCopy(swarm, site) || rankOfRequester(context) < gateway.treeRank)
}

function rankOfRequester({ topology, swarm, site, requester, nowMs }: HandoutContext): number {
  return site.gatewayOf(requester.row)?.treeRank ?? treeRank(topology, swarm, site.site, nowMs)
}

/** Live gateways of other sites that fetch from this row. */
export function downstreamOf(context: HandoutContext, row: number): Gateway[] {
  const { table, swarm, nowMs } = context
  const found: Gateway[] = []
  for (const site of swarm.sites)
    for (const gateway of site.gateways)
      if (gateway.upstreamRow === row && !table.rows.isExpired(gateway.row, nowMs)) found.push(gateway)
  return found
}

/** Live gateways of other sites that fetch from any peer of the requester's site. */
export function downstreamOfSite(context: HandoutContext): Gateway[] {
  const { table, swarm, site, nowMs } = context
  const found: Gateway[] = []
  for (const other of swarm.sites)
    for (const gateway of other === site ? [] : other.gateways)
      if (
        gateway.upstreamRow >= 0 &&
        table.siteOf(gateway.upstreamRow) === site &&
        !table.rows.isExpired(gateway.row, nowMs)
      )
        found.push(gateway)
  return found
}

/** True for a site without a copy whose gateways upload hardly anything before they are complete. */
function isSlowToForward({ table, swarm }: HandoutContext, other: SiteSwarm): boolean {
  return (
    !hasCopy(swarm, other) &&
    other.gateways.every((gateway) => table.rows.has(gateway.row, flags.slowToForward))
  )
}

/** More than any rank of a host that did not fail: 1,000 for a doubt, and 16 for each gateway that it feeds. */
const FAILED_RANK = 1 << 20

/** A seed of the site, or a gateway if there is none; the one that feeds the fewest gateways. */
function sourceIn(
  context: HandoutContext,
  tree: FetchTree,
  other: SiteSwarm,
  avoid: readonly number[],
  random: Random,
): number {
  const { table, site, nowMs, requester } = context
  const rank = (row: number) => {
    const { rows } = table
    if (rows.has(row, flags.unreachable) || rows.isExpired(row, nowMs)) return -1
    // By host: another port of it is no other source.
    if (avoid.some((avoided) => rows.addressHash(avoided) === rows.addressHash(row))) return -1
    if (context.loopback.withholds(row)) return -1
    if (row === requester.row || (rows.has(row, flags.seed) && table.observed.isIncomplete(row))) return -1
    if (requester.isBitfieldOnly && !rows.has(row, flags.seed) && rows.has(row, flags.slowToForward))
      return -1
    const doubt = rows.has(row, flags.unverifiedSeed) ? 1000 : 0
    // Of hosts that gave nothing to gateways of this site, the one that failed the longest ago.
    const failed = site.history.failedUpstreamHosts.orderOf(rows.addressHash(row)) * FAILED_RANK
    return failed + doubt + tree.gatewaysFedBy(row) * 16 + table.introductions.count(row)
  }
  const seeds = hasCopy(context.swarm, other) ? other.listsOf('seed') : []
  const [seed] = pick(table.rows, seeds, 1, random, rank)
  if (seed !== undefined) return seed
  let best = -1
  for (const { row, isTentative } of other.gateways)
    if (!isTentative && rank(row) >= 0 && (best < 0 || rank(row) < rank(best))) best = row
  return best
}
