/**
 * The handout: whom one announce hears of, and what follows from it. Pure: reads the table, changes nothing.
 *
 * | who asks | gets |
 * |---|---|
 * | leecher | a source of its site with a free slot, then leechers: its own bubble first, never nobody of the others |
 * | gateway | few local peers, the site's other gateways, its upstream in the tree over the sites |
 * | seed | needy peers of its site, and gateways of other sites that fetch from it |
 *
 * Nobody else hears of another site. A short answer is a correct answer.
 */
import { flags } from '../swarm/peer-rows.ts'
import type { Gateway } from '../swarm/swarm.ts'
import { LocalChoices } from './choose-local-peers.ts'
import { chooseUpstream, downstreamOf, downstreamOfSite, orphanGateways } from './choose-upstream.ts'
import type { Choice, Decision, Reason, Situation, UpstreamChange } from './decision.ts'
import { addSiblings, hearsFromNobody } from './deaf-leecher.ts'
import { election, endedLeases } from './elect-gateway.ts'
import { DecisionRandom } from './pick.ts'
import { siteState } from './site-state.ts'
import { openingOf } from './small-site.ts'

/** Local seeds shown to one that says `left=0` and may have nothing. */
const SEEDS_FOR_UNVERIFIED = 3

export function decideHandout(situation: Situation): Decision {
  const { swarm, site, asker } = situation
  const random = new DecisionRandom(situation.seed)
  const ended = endedLeases(situation)
  const live = site.gateways.filter((gateway) => !ended.some(({ row }) => row === gateway.row))
  const elected = election(situation, live, ended)
  const lease = live.find((gateway) => gateway.row === asker.row && !gateway.isTentative)

  const local = new LocalChoices(situation, random)
  const remote: Choice[] = []
  const upstreams: UpstreamChange[] = []
  let isRescue = false
  let isTooEarly = false
  if (asker.peersWanted > 0) {
    local.addIntroduced()
    if (asker.role === 'leecher') {
      if (elected !== undefined || lease !== undefined) {
        isRescue = forGateway(situation, lease, live, random, local, remote, upstreams)
        if (asker.isDeaf) isTooEarly = addSiblings(situation, remote, upstreams)
      } else if (hearsFromNobody(situation)) {
        if (local.choices.length === 0) local.addForDeafLeecher(downstreamOf)
        isTooEarly = local.choices.length === 0
      } else isRescue = forLeecher(situation, local)
    } else forSource(situation, random, local, remote)
    if (asker.role === 'seed' || lease !== undefined) adopt(situation, remote, upstreams)
  }

  return {
    state: siteState(swarm, site),
    choices: nearestFirst([...local.choices, ...remote], asker.peersWanted),
    introductions: local.introductions,
    leaseEnds: ended,
    election: elected,
    upstreams,
    isRescue,
    isTooEarly,
  }
}

/** Returns whether a fresh source was given to a peer without progress. */
function forLeecher(situation: Situation, local: LocalChoices): boolean {
  const { table, policy, asker } = situation
  local.addForLeecher(openingOf(situation))
  const stalls = asker.row < 0 ? 0 : table.rows.stalls(asker.row)
  return stalls > 0 && stalls % policy.stallsUntilRescue === 0 && local.addRescue()
}

/** Few local peers, fellow gateways, the upstream. Returns whether a fresh upstream was tried. */
function forGateway(
  situation: Situation,
  lease: Gateway | undefined,
  live: readonly Gateway[],
  random: DecisionRandom,
  local: LocalChoices,
  remote: Choice[],
  upstreams: UpstreamChange[],
): boolean {
  const { table, asker, policy } = situation
  if (!asker.isDeaf) local.addSpreaders()
  for (const gateway of live)
    if (gateway.row !== asker.row && !local.includes(gateway.row))
      remote.push({ row: gateway.row, ring: 'site', reason: 'co-gateway' })

  const stalls = asker.row < 0 ? 0 : table.rows.stalls(asker.row)
  const isStuck = stalls > 0 && stalls % policy.stallsUntilRescue === 0
  const known = lease?.upstreamRow ?? -1
  const current = known >= 0 && isUsable(situation, known) ? known : -1
  const failed = lease?.failedUpstreamRows ?? []
  const chosen =
    current >= 0 && !isStuck
      ? current
      : chooseUpstream(situation, current >= 0 ? [...failed, current] : failed, random)
  if (chosen < 0) return false
  remote.push({ row: chosen, ring: 'remote', reason: 'upstream' })
  if (chosen === known) return false
  upstreams.push({ gatewayRow: asker.row, upstreamRow: chosen, failedRow: isStuck ? known : -1 })
  return isStuck
}

/** A seed, or a partial seed: local peers that need something. */
function forSource(
  situation: Situation,
  random: DecisionRandom,
  local: LocalChoices,
  remote: Choice[],
): void {
  const { table, asker, site } = situation
  if (asker.hasCompleted) local.addStrangers()
  else local.addLeechers()
  const isVerifiedSeed = asker.row >= 0 && table.rows.has(asker.row, flags.verifiedSeed)
  if (asker.role !== 'seed' || isVerifiedSeed || local.choices.length > 0) return
  local.addSeeds(SEEDS_FOR_UNVERIFIED)
  // Nobody near has it: a magnet client would wait for ever. A real seed only finds another seed, and hangs up.
  const isUnverifiedSeed = asker.row >= 0 && table.rows.has(asker.row, flags.unverifiedSeed)
  if (!isUnverifiedSeed || local.choices.length > 0 || site.trustedSeeds > 0) return
  const source = chooseUpstream(situation, [], random)
  if (source >= 0) remote.push({ row: source, ring: 'remote', reason: 'seed' })
}

/** The gateways that fetch from the asker, and those that have nobody to fetch from until now. */
function adopt(situation: Situation, remote: Choice[], upstreams: UpstreamChange[]): void {
  const { asker } = situation
  if (asker.row < 0) return
  const add = (row: number, reason: Reason) => remote.push({ row, ring: 'remote', reason })
  for (const gateway of downstreamOf(situation, asker.row)) add(gateway.row, 'downstream')
  if (isHeir(situation))
    for (const { row } of downstreamOfSite(situation))
      if (!remote.some((choice) => choice.row === row)) add(row, 'first-finisher')
  for (const row of orphanGateways(situation)) {
    add(row, 'downstream')
    upstreams.push({ gatewayRow: row, upstreamRow: asker.row, failedRow: -1 })
  }
}

/**
 * One of the first finishers of a site. Complete, it takes nothing back from a gateway of another site, so what enters
 * its own site does not grow.
 */
function isHeir({ policy, site, asker }: Situation): boolean {
  const heirs = asker.dropsFinishers ? policy.heirsOnCompletion : policy.heirsThatDropNobody
  return asker.hasCompleted && site.seeds <= 1 + heirs
}

function isUsable(situation: Situation, upstreamRow: number): boolean {
  const { table, site, nowMs } = situation
  return !table.rows.isExpired(upstreamRow, nowMs) && table.siteOf(upstreamRow) !== site
}

const RING_ORDER = { bubble: 0, site: 1, remote: 2 } as const

/** Nearest first; if there is not room for all, what comes from elsewhere stays, since nobody else is told of it. */
function nearestFirst(choices: readonly Choice[], peersWanted: number): Choice[] {
  const sorted = choices.toSorted((a, b) => RING_ORDER[a.ring] - RING_ORDER[b.ring])
  const surplus = sorted.length - peersWanted
  if (surplus <= 0) return sorted
  const remote = sorted.filter((choice) => choice.ring === 'remote').slice(0, peersWanted)
  return [
    ...sorted.slice(0, peersWanted - remote.length).filter((choice) => choice.ring !== 'remote'),
    ...remote,
  ]
}
