/**
 * The handout: the peers in the response to one announce, and the changes that follow from it. Pure: reads the table,
 * changes nothing.
 *
 * | requester | gets |
 * |---|---|
 * | leecher | a source of its site with a free slot, then leechers: its own bubble first, at least one of the others |
 * | gateway | few local peers, the site's other gateways, its upstream in the tree over the sites |
 * | seed | leechers of its site, and gateways of other sites that fetch from it |
 *
 * No other peer gets one of another site. A short response is a correct response.
 */
import { flags } from '../swarm/peer-rows.ts'
import type { Gateway } from '../swarm/swarm.ts'
import { LocalChoices } from './choose-local-peers.ts'
import { chooseUpstream, downstreamOf, downstreamOfSite, gatewaysWithoutUpstream } from './choose-upstream.ts'
import type { Choice, Decision, HandoutContext, Reason, UpstreamChange } from './decision.ts'
import { addCoDownstream, receivesFromNoLeecher } from './bitfield-only-clients.ts'
import { election, endedLeases } from './elect-gateway.ts'
import { DecisionRandom } from './pick.ts'
import { siteState } from './site-state.ts'
import { joinStrategy } from './small-site.ts'
import { isStandby } from './standby.ts'
import { waitsForReachablePeers } from './unreachable-clients.ts'

/** Local seeds for a peer that announces `left=0` and may lack the content. */
const SEEDS_FOR_UNVERIFIED = 3

export function decideHandout(context: HandoutContext): Decision {
  const { swarm, site, requester } = context
  const random = new DecisionRandom(context.seed)
  const ended = endedLeases(context)
  const live = site.gateways.filter((gateway) => !ended.some(({ row }) => row === gateway.row))
  const elected = election(context, live, ended)
  const lease = live.find((gateway) => gateway.row === requester.row && !gateway.isTentative)

  const local = new LocalChoices(context, random)
  const remote: Choice[] = []
  const upstreams: UpstreamChange[] = []
  let isRescue = false
  let isTooEarly = false
  if (requester.peersWanted > 0) {
    local.addIntroduced()
    if (requester.role === 'leecher') {
      if (elected !== undefined || lease !== undefined) {
        isRescue = forGateway(context, lease, live, random, local, remote, upstreams)
        if (requester.isBitfieldOnly) isTooEarly = addCoDownstream(context, remote, upstreams)
      } else if (receivesFromNoLeecher(context)) {
        if (local.choices.length === 0) local.addForBitfieldOnly(downstreamOf)
        isTooEarly = local.choices.length === 0
      } else {
        isRescue = forLeecher(context, local)
        isTooEarly = waitsForReachablePeers(context, local.choices.length) || isStandby(context, live)
      }
    } else forSource(context, random, local, remote)
    if (requester.role === 'seed' || lease !== undefined) assignUpstreams(context, remote, upstreams)
  }

  return {
    state: siteState(swarm, site),
    choices: nearestFirst([...local.choices, ...remote], requester.peersWanted),
    introductions: local.introductions,
    leaseEnds: ended,
    election: elected,
    upstreams,
    isRescue,
    isTooEarly,
  }
}

/** Returns true if a peer without progress got a fresh source. */
function forLeecher(context: HandoutContext, local: LocalChoices): boolean {
  const { table, policy, requester } = context
  local.addForLeecher(joinStrategy(context))
  const stalls = requester.row < 0 ? 0 : table.rows.stalls(requester.row)
  return stalls > 0 && stalls % policy.stallsUntilRescue === 0 && local.addRescue()
}

/** Adds few local peers, the other gateways, the upstream. Returns true if the upstream is a replacement. */
function forGateway(
  context: HandoutContext,
  lease: Gateway | undefined,
  live: readonly Gateway[],
  random: DecisionRandom,
  local: LocalChoices,
  remote: Choice[],
  upstreams: UpstreamChange[],
): boolean {
  const { table, requester, policy } = context
  if (!requester.isBitfieldOnly) local.addSpreaders()
  for (const gateway of live)
    if (
      gateway.row !== requester.row &&
      !local.includes(gateway.row) &&
      !context.loopback.withholds(gateway.row)
    )
      remote.push({ row: gateway.row, locality: 'site', reason: 'co-gateway' })

  const stalls = requester.row < 0 ? 0 : table.rows.stalls(requester.row)
  const isStuck = stalls > 0 && stalls % policy.stallsUntilRescue === 0
  const known = lease?.upstreamRow ?? -1
  const current = known >= 0 && isUsable(context, known) ? known : -1
  const failed = lease?.failedUpstreamRows ?? []
  const chosen =
    current >= 0 && !isStuck
      ? current
      : chooseUpstream(context, current >= 0 ? [...failed, current] : failed, random)
  if (chosen < 0) return false
  remote.push({ row: chosen, locality: 'remote', reason: 'upstream' })
  if (chosen === known) return false
  upstreams.push({ gatewayRow: requester.row, upstreamRow: chosen, failedRow: isStuck ? known : -1 })
  return isStuck
}

/** Adds local leechers for a seed or a partial seed. */
function forSource(
  context: HandoutContext,
  random: DecisionRandom,
  local: LocalChoices,
  remote: Choice[],
): void {
  const { table, requester, site } = context
  if (requester.hasCompleted) local.addStrangers()
  else local.addLeechers()
  const isVerifiedSeed = requester.row >= 0 && table.rows.has(requester.row, flags.verifiedSeed)
  if (requester.role !== 'seed' || isVerifiedSeed || local.choices.length > 0) return
  local.addSeeds(SEEDS_FOR_UNVERIFIED)
  // No local peer has the content, so a magnet client would wait without limit. A real seed finds a seed and
  // disconnects.
  const isUnverifiedSeed = requester.row >= 0 && table.rows.has(requester.row, flags.unverifiedSeed)
  if (!isUnverifiedSeed || local.choices.length > 0 || site.trustedSeeds > 0) return
  const source = chooseUpstream(context, [], random)
  if (source >= 0) remote.push({ row: source, locality: 'remote', reason: 'seed' })
}

/** Adds the gateways that fetch from the requester, and those without an upstream, of which it becomes the upstream. */
function assignUpstreams(context: HandoutContext, remote: Choice[], upstreams: UpstreamChange[]): void {
  const { requester, loopback } = context
  if (requester.row < 0) return
  const add = (row: number, reason: Reason) => {
    if (!loopback.withholds(row)) remote.push({ row, locality: 'remote', reason })
  }
  for (const gateway of downstreamOf(context, requester.row)) add(gateway.row, 'downstream')
  if (isFirstFinisher(context))
    for (const { row } of downstreamOfSite(context))
      if (!remote.some((choice) => choice.row === row)) add(row, 'first-finisher')
  for (const row of gatewaysWithoutUpstream(context)) {
    add(row, 'downstream')
    upstreams.push({ gatewayRow: row, upstreamRow: requester.row, failedRow: -1 })
  }
}

/**
 * True for one of the first finishers of a site. It is complete and downloads nothing from a gateway of another site,
 * so no more bytes enter its own site.
 */
function isFirstFinisher({ policy, site, requester }: HandoutContext): boolean {
  const countMax = requester.dropsFinishers ? policy.firstFinishers : policy.firstFinishersWithoutDrops
  return requester.hasCompleted && site.seeds <= 1 + countMax
}

function isUsable(context: HandoutContext, upstreamRow: number): boolean {
  const { table, site, loopback, nowMs } = context
  return (
    !table.rows.isExpired(upstreamRow, nowMs) &&
    table.siteOf(upstreamRow) !== site &&
    !loopback.withholds(upstreamRow)
  )
}

const LOCALITY_ORDER = { bubble: 0, site: 1, remote: 2 } as const

/** Nearest first. If there are too many, peers of other sites stay: no other response contains them. */
function nearestFirst(choices: readonly Choice[], peersWanted: number): Choice[] {
  const sorted = choices.toSorted((a, b) => LOCALITY_ORDER[a.locality] - LOCALITY_ORDER[b.locality])
  const surplus = sorted.length - peersWanted
  if (surplus <= 0) return sorted
  const remote = sorted.filter((choice) => choice.locality === 'remote').slice(0, peersWanted)
  return [
    ...sorted.slice(0, peersWanted - remote.length).filter((choice) => choice.locality !== 'remote'),
    ...remote,
  ]
}
