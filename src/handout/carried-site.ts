/**
 * The handout in a carried site: a node of the site fetches the content, and offers each piece to one host. Leechers
 * need only neighbours, to exchange their pieces: no gateway, no upstream, and none waits for another.
 *
 * The sources of the site are known to the carrier alone, which requests each block from them once; a leecher that knew
 * one would fetch from it what others already have. Once seeds outnumber the leechers, the site is answered like any
 * other warm site.
 */
import { flags, LEFT_UNKNOWN } from '../swarm/peer-rows.ts'
import { LocalChoices } from './choose-local-peers.ts'
import type { CarrierContact, Choice, Decision, HandoutContext, UpstreamChange } from './decision.ts'
import { feedGateways } from './feed-gateways.ts'
import { nearestFirst } from './nearest-first.ts'
import { DecisionRandom, take } from './pick.ts'
import { receivesFromNoLeecher } from './bitfield-only-clients.ts'
import { siteState } from './site-state.ts'
import { isUnreachable, waitsForReachablePeers } from './unreachable-clients.ts'

/** A magnet without metadata lacks 16 KiB as libtorrent announces it, and one byte as rtorrent does. */
const MAGNET_KIB_MAX = 16

/** undefined where the requester is answered as in a site that is not carried. */
export function decideCarried(context: HandoutContext, carrier: CarrierContact): Decision | undefined {
  const { swarm, site, requester } = context
  if (site.seeds > site.leechers || isNotLinked(context)) return undefined
  const isRefusing = refusesNode(context)
  const isAlone = isRefusing && !hasServed(context)
  if (isAlone && requester.waitedMs >= context.policy.reserveMs) return undefined
  const local = new LocalChoices(context, new DecisionRandom(context.seed))
  const remote: Choice[] = []
  const upstreams: UpstreamChange[] = []
  let neighbours: readonly Choice[] = local.choices
  let dialsCarrier = false
  if (requester.peersWanted > 0) {
    local.addIntroduced()
    if (requester.role === 'leecher') {
      local.addForCarried()
      if (isRefusing) local.addOneOf((row) => isServed(context, row))
      if (local.choices.length === 0 && lacksMetadata(context)) return undefined
      neighbours = withoutDiallers(context, carrier, local.choices)
      dialsCarrier = carrier.isDialable && needsToDial(context, neighbours.length)
      if (!dialsCarrier) local.addLastResort()
    } else if (requester.hasCompleted) local.addStrangers()
    if (requester.role === 'seed') feedGateways(context, remote, upstreams)
  }
  return {
    state: siteState(swarm, site),
    choices: nearestFirst([...neighbours, ...remote], requester.peersWanted - (dialsCarrier ? 1 : 0)),
    introductions: local.introductions,
    leaseEnds: site.gateways.filter(({ isTentative }) => !isTentative).map(endedLease),
    election: undefined,
    upstreams,
    isRescue: false,
    isTooEarly:
      isAlone ||
      (carrier.isSettling && mayWait(context)) ||
      (carrier.isUndecided && meetsNoneYet(context)) ||
      // Without neighbours it would get everything over the link (measured: 2.06 copies for two such hosts of eight).
      (carrier.isRemote && waitsForReachablePeers(context, local.choices.length)),
    dialsCarrier,
  }
}

/**
 * The response waits until the carrier has found a source, because a client asks again only after minutes: where there is
 * none, the client becomes gateway at once. A client that the carrier cannot reach has to connect to it first.
 */
function mayWait(context: HandoutContext): boolean {
  const { requester } = context
  return requester.role === 'leecher' && requester.mayWait && !isUnreachable(context)
}

/**
 * True for a leecher that refuses the node, such as one that requires encryption: it gets every piece from peers that the
 * carrier serves. While its site has none, its response is deferred, and a datagram is refused, because its client would ask
 * again only after minutes. If none comes, it is answered as in a site that is not carried.
 */
function refusesNode({ table, requester }: HandoutContext): boolean {
  return requester.role === 'leecher' && requester.row >= 0 && table.observed.refusesNode(requester.row)
}

/** The peer gets its pieces from the carrier, and accepts connections. */
function isServed({ table: { rows, observed }, requester, nowMs }: HandoutContext, row: number): boolean {
  const isUsable = row !== requester.row && !rows.isExpired(row, nowMs) && !rows.has(row, flags.unreachable)
  return isUsable && !observed.refusesNode(row)
}

function hasServed(context: HandoutContext): boolean {
  const lists = (['leecher', 'partial', 'seed'] as const).flatMap((role) => context.site.listsOf(role))
  return take(context.table.rows, lists, 1, (row) => isServed(context, row)).length > 0
}

/** A bitfield-only leecher that meets others of its kind while all are empty is of no use to them; a datagram is refused. */
function meetsNoneYet(context: HandoutContext): boolean {
  return context.requester.role === 'leecher' && receivesFromNoLeecher(context)
}

/**
 * Without the peers that were handed the requester before its first response: they dial it. Responses that waited for
 * the carrier are sent at the same moment, and of two connections that two peers begin at once, libtorrent ends one, which
 * it chooses by the ports of both clients. Where these are equal, each side chooses at random, both connections end in
 * every second case, and neither side reconnects for a minute (measured: in sites of two and three hosts, one host 10 s
 * late and up to 2.16 copies).
 *
 * A client that refuses the node keeps them: libtorrent dials without encryption first, and again after a minute, so
 * that a client which requires it has to dial (measured: a host a minute late in two of five runs).
 */
function withoutDiallers(
  { table, requester, nowMs }: HandoutContext,
  { isDialable }: CarrierContact,
  choices: readonly Choice[],
): readonly Choice[] {
  const observed = table.observed.get(requester.row, nowMs)
  const isReached = observed?.reachability === 'reachable' && observed.refusesNode !== true
  const isDialled = requester.isNew && isReached
  if (!isDialled) return choices
  const others = choices.filter(({ reason }) => reason !== 'introduced')
  return others.length > 0 || isDialable ? others : choices
}

const endedLease = ({ row }: { readonly row: number }) => ({ row, cause: 'stopped' as const })

/**
 * True for a client that the carrier cannot serve: it made no progress since its last announce and has shown no piece,
 * such as one that requires encryption; and for a magnet client that announces `left=0`, which needs a real peer.
 */
function isNotLinked({ table, requester, nowMs }: HandoutContext): boolean {
  if (requester.row < 0) return false
  const { rows, observed } = table
  if (requester.role !== 'leecher') return rows.has(requester.row, flags.unverifiedSeed)
  return rows.stalls(requester.row) > 0 && observed.get(requester.row, nowMs)?.share === undefined
}

/** A carrier has no metadata for a magnet. */
function lacksMetadata({ table: { rows }, requester }: HandoutContext): boolean {
  if (requester.row < 0) return false
  const leftKib = rows.leftKib(requester.row)
  if (leftKib >= LEFT_UNKNOWN - 1) return true
  return leftKib <= MAGNET_KIB_MAX && rows.downloadedKib(requester.row) === 0
}

/** The carrier has not reached the requester, or no other peer would be in the response. */
function needsToDial({ table, requester, nowMs }: HandoutContext, chosen: number): boolean {
  if (requester.row < 0) return true
  if (table.observed.refusesNode(requester.row)) return false
  return chosen === 0 || table.observed.get(requester.row, nowMs)?.reachability !== 'reachable'
}
