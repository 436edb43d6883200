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
 * No other peer gets one of another site. A short response is a correct response. In a site whose node carries the
 * torrent there are no gateways: carried-site.ts.
 */
import { flags } from '../swarm/peer-rows.ts'
import type { Gateway } from '../swarm/gateway.ts'
import { LocalChoices } from './choose-local-peers.ts'
import { decideCarried } from './carried-site.ts'
import { chooseUpstream, downstreamOf } from './choose-upstream.ts'
import type { Choice, Decision, HandoutContext, UpstreamChange } from './decision.ts'
import { addCoDownstream, receivesFromNoLeecher } from './bitfield-only-clients.ts'
import { election, endedLeases } from './elect-gateway.ts'
import { feedGateways } from './feed-gateways.ts'
import { nearestFirst } from './nearest-first.ts'
import { DecisionRandom } from './pick.ts'
import { siteState } from './site-state.ts'
import { type JoinStrategy, joinStrategy } from './small-site.ts'
import { isStandby } from './standby.ts'
import { waitsForReachablePeers } from './unreachable-clients.ts'

/** Local seeds for a peer that announces `left=0` and may lack the content. */
const SEEDS_FOR_UNVERIFIED = 3

export function decideHandout(context: HandoutContext): Decision {
  const { carrier, requester } = context
  const carried = carrier === undefined ? undefined : decideCarried(context, carrier)
  if (carried !== undefined) return carried
  const decision = decideWithGateways(context)
  const isEmpty = requester.role === 'leecher' && requester.peersWanted > 0 && decision.choices.length === 0
  return isEmpty && carrier?.isDialable === true ? { ...decision, dialsCarrier: true } : decision
}

function decideWithGateways(context: HandoutContext): Decision {
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
        const strategy = joinStrategy(context)
        isRescue = forLeecher(context, local, strategy)
        isTooEarly =
          strategy === 'reserve' ||
          waitsForReachablePeers(context, local.choices.length) ||
          isStandby(context, live)
      }
    } else forSource(context, random, local, remote)
    if (requester.role === 'seed' || lease !== undefined) feedGateways(context, remote, upstreams)
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
    dialsCarrier: false,
  }
}

/** Returns true if a peer without progress got a fresh source. */
function forLeecher(context: HandoutContext, local: LocalChoices, strategy: JoinStrategy): boolean {
  const { table, policy, requester } = context
  local.addForLeecher(strategy)
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
  if (chosen < 0) {
    if (remote.length === 0 && !requester.isBitfieldOnly) local.addAny()
    return false
  }
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

function isUsable(context: HandoutContext, upstreamRow: number): boolean {
  const { table, site, loopback, nowMs } = context
  return (
    !table.rows.isExpired(upstreamRow, nowMs) &&
    table.siteOf(upstreamRow) !== site &&
    !loopback.withholds(upstreamRow)
  )
}
