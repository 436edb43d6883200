/**
 * The numbers of the overlay, each with its reason. Clients dial everybody they hear of and never forget, so
 * every edge of the graph is decided here; figures and commands are in docs/measurements.md.
 */
import { assert } from '../core/assert.ts'
import { LINKS_MAX } from '../swarm/introductions.ts'

export interface Policy {
  /**
   * Local peers that know a source or gateway; they spread it. One: its other connections are to other sites, and
   * whatever it uploads to a second neighbour is missing there. Two starve the link between the sites of a fifth to
   * nine tenths of its rate, until their own site is done (docs/measurements.md).
   */
  readonly sourceSlots: number
  /** The same for one that passes hardly anything on before it is complete: each step costs a whole download. */
  readonly slowSourceSlots: number
  /** How many times further away a gateway is that passes hardly anything on before it is complete. */
  readonly slowForwarderCost: number
  /**
   * How much further away a site is for each other that it feeds already: enough to make a chain of equally distant
   * ones, little enough that the tree costs at most 1.2 times the least one (30 sites, any costs; docs/decisions/0017).
   */
  readonly sharedUplinkCost: number
  /** Leechers of its own bubble that a leecher hears of when it asks first. */
  readonly bubbleNeighbours: number
  /** Leechers of other bubbles: never none, or a bubble becomes an island. */
  readonly otherNeighbours: number
  /**
   * Leechers that one hears of which passes hardly anything on before it is complete. It asks and is answered in rounds
   * of ten seconds, so whom it meets when others finish is a round too late: it had better know them from the start
   * (docs/measurements.md).
   */
  readonly slowNeighbours: number
  /** What `neighboursMax` is for it; small sites only, as for anybody else. */
  readonly slowNeighboursMax: number
  /** A leecher with so many introductions is not introduced to further ones, so that strangers remain. */
  readonly neighboursMax: number
  /**
   * A site with more peers of one torrent than this is large. What small ones do was measured with real clients; the
   * numbers for large ones, which no laboratory holds, were simulated:
   * docs/decisions/0016-one-gateway-large-sites.md.
   */
  readonly largeSitePeers: number
  /** Leechers that one of a large site hears of when it asks first, from whichever bubbles. */
  readonly largeNeighbours: number
  /** What `neighboursMax` is there. Whoever is there first is who all others come to. */
  readonly largeNeighboursMax: number
  /** What a leecher is filled up to from idle sources, when there are not enough leechers around. */
  readonly neighboursMin: number
  /** Needy peers that a finisher never met and is introduced to: no reconnect ban stands between them. */
  readonly strangersOnCompletion: number
  /**
   * The first so many finishers of a site are told of the gateways that fetch from it: when its upstream
   * completes, a gateway that has all but the last piece may hang up on it for a minute, and so may the next one.
   */
  readonly firstFinishers: number
  /**
   * The same of clients that hang up on nobody. One, so that a gateway does not wait for its next announce when its
   * source leaves: an aria2 asks all that it knows for the same last pieces (docs/measurements.md).
   */
  readonly firstFinishersWithoutDrops: number
  /**
   * KiB. Up to this size the second leecher of a site is kept in reserve: it then fetches everything in the site's own
   * network when the first is done, which for larger files takes longer than the minute that it saves.
   */
  readonly reserveKibMax: number
  /**
   * Deaf leechers that a complete peer serves at the same time. Each later one also fetches from those before it, so
   * seven are done after 2.6 times what one takes; two at a time took 4 times that, and a check of the file in between.
   */
  readonly bitfieldOnlySourceSlots: number
  /** The same while a gateway of another site fetches from it. */
  readonly bitfieldOnlySlotsWhileFeeding: number
  /** Complete peers that a deaf leecher hears of at most: it will hear of no more for minutes. Fewer while others wait. */
  readonly bitfieldOnlySourcesMax: number
  /** Deaf leechers that have begun and that a later one hears of, beside somebody complete. */
  readonly bitfieldOnlyEarlierLeechers: number
  /** How long a deaf leecher that was answered counts as about to begin, when nothing is heard of it. */
  readonly bitfieldOnlyBeginMs: number
  /** Gateways of other sites that a deaf gateway shares an upstream with, and hears of. */
  readonly bitfieldOnlyCoDownstream: number
  /** How long a deaf gateway waits until the first of them has begun, and until it is far enough ahead. */
  readonly bitfieldOnlyCoDownstreamBeginMs: number
  readonly bitfieldOnlyCoDownstreamWaitMs: number
  /** How far ahead that is: nobody may catch up with whom it fetches from. */
  readonly bitfieldOnlyLeadShare: number
  /** How long a deaf leecher leaves the sources of its site to the gateways of others. */
  readonly bitfieldOnlyWaitMs: number
  /** Gateways without an upstream that a source takes on when it announces. */
  readonly upstreamAssignmentsMax: number
  /** Announces in a row without progress since the one before, after which a peer is given a fresh source. */
  readonly stallsUntilRescue: number
  /** Announces without progress after which a gateway loses its lease, if there is somebody else to try. */
  readonly stallsUntilReplaced: number
}

export const defaultPolicy: Policy = {
  sourceSlots: 1,
  slowSourceSlots: 4,
  slowForwarderCost: 4,
  sharedUplinkCost: 0.25,
  bubbleNeighbours: 2,
  otherNeighbours: 1,
  slowNeighbours: 6,
  slowNeighboursMax: 7,
  neighboursMax: 4,
  largeSitePeers: 20,
  largeNeighbours: 3,
  largeNeighboursMax: 7,
  neighboursMin: 3,
  strangersOnCompletion: 6,
  firstFinishers: 2,
  firstFinishersWithoutDrops: 1,
  reserveKibMax: 512 * 1024,
  bitfieldOnlySourceSlots: 7,
  bitfieldOnlySlotsWhileFeeding: 1,
  bitfieldOnlySourcesMax: 4,
  bitfieldOnlyEarlierLeechers: 4,
  bitfieldOnlyBeginMs: 5_000,
  bitfieldOnlyCoDownstream: 2,
  bitfieldOnlyCoDownstreamBeginMs: 5_000,
  bitfieldOnlyCoDownstreamWaitMs: 40_000,
  bitfieldOnlyLeadShare: 0.1,
  bitfieldOnlyWaitMs: 3_000,
  upstreamAssignmentsMax: 4,
  stallsUntilRescue: 1,
  stallsUntilReplaced: 3,
}

assert(
  Math.max(defaultPolicy.neighboursMax, defaultPolicy.slowNeighboursMax, defaultPolicy.largeNeighboursMax) +
    defaultPolicy.strangersOnCompletion +
    defaultPolicy.sourceSlots <=
    LINKS_MAX,
  'a finisher must remember whom it met before, or it is introduced to them again',
)
assert(defaultPolicy.otherNeighbours >= 1, 'a bubble that never looks outside becomes an island')
assert(
  defaultPolicy.stallsUntilReplaced > defaultPolicy.stallsUntilRescue,
  'a gateway gets another upstream before it is given up',
)
