/**
 * The numbers of the overlay, each with its reason. Clients dial every peer that they receive and never drop one, so
 * this is the place where every edge of the graph is decided; figures and commands are in docs/measurements.md.
 */
import { assert } from '../core/assert.ts'
import { LINKS_MAX } from '../swarm/introductions.ts'

export interface Policy {
  /**
   * Local peers that a source or gateway is handed out to; they spread its content. One: its other connections are to
   * other sites, and its upload to a second neighbour is missing there. Two take a fifth
   * to nine tenths of the rate of the link between the sites, until their own site is complete (docs/measurements.md).
   */
  readonly sourceSlots: number
  /** The same for a client that uploads hardly anything before it is complete: each step costs a whole download. */
  readonly slowSourceSlots: number
  /** Factor on the cost of a gateway that uploads hardly anything before it is complete. */
  readonly slowForwarderCost: number
  /**
   * Share by which the cost of a site grows with each other site that it feeds: enough for a chain of equally distant
   * sites, little enough for a tree of at most 1.2 times the least cost (30 sites, any costs; docs/decisions/0017).
   */
  readonly sharedUplinkCost: number
  /** Same-bubble leechers in the response to a leecher's first announce. */
  readonly bubbleNeighbours: number
  /** Leechers of other bubbles: at least one, or a bubble becomes an island. */
  readonly otherNeighbours: number
  /**
   * Leechers for a client that uploads hardly anything before it is complete. It requests and serves in rounds of ten
   * seconds, so a neighbour that it gets when others finish is a round late; it gets them at the start instead
   * (docs/measurements.md).
   */
  readonly slowNeighbours: number
  /** `neighboursMax` for such a client; in small sites only. */
  readonly slowNeighboursMax: number
  /** Introductions of a leecher beyond which it is not handed out to further leechers, so that strangers remain. */
  readonly neighboursMax: number
  /**
   * A site with more peers of one torrent than this is large. The numbers for small sites were measured with real
   * clients; those for large ones, which do not fit into a laboratory, were simulated:
   * docs/decisions/0016-one-gateway-large-sites.md.
   */
  readonly largeSitePeers: number
  /** Leechers, of any bubble, in the response to a leecher's first announce in a large site. */
  readonly largeNeighbours: number
  /** `neighboursMax` in a large site. The first leechers are handed out to all later ones. */
  readonly largeNeighboursMax: number
  /** Number of neighbours up to which a leecher also gets idle sources, if there are not enough leechers. */
  readonly neighboursMin: number
  /** Leechers that a finisher never met and is introduced to: they have no reconnect ban for it. */
  readonly strangersOnCompletion: number
  /**
   * Number of first finishers of a site that get the downstream gateways. When its upstream completes, a gateway that
   * lacks only the last piece may disconnect it for a minute, and so may a second one.
   */
  readonly firstFinishers: number
  /**
   * The same for clients that disconnect no finisher. One, so that a gateway does not wait for its next announce when
   * its source leaves: aria2 requests the same last pieces from all its neighbours (docs/measurements.md).
   */
  readonly firstFinishersWithoutDrops: number
  /**
   * KiB. Up to this size the second leecher of a site is kept in reserve: it downloads everything inside the site when
   * the first one is complete, which for larger files takes longer than the minute that it saves.
   */
  readonly reserveKibMax: number
  /** Time for which its response is deferred at most. libtorrent waits 30 s for a tracker. */
  readonly reserveMs: number
  /**
   * Bitfield-only leechers that a complete peer serves at the same time. Each later one also downloads from those
   * before it: seven are complete after 2.6 times the time of one; two at a time took 4 times, with a check of the file
   * in between.
   */
  readonly bitfieldOnlySourceSlots: number
  /** The same while a gateway of another site fetches from it. */
  readonly bitfieldOnlySlotsWhileFeeding: number
  /** Complete peers for a bitfield-only leecher, which gets no more for minutes. Fewer while others wait. */
  readonly bitfieldOnlySourcesMax: number
  /** Bitfield-only leechers that began earlier, for a new one that also gets a complete peer. */
  readonly bitfieldOnlyEarlierLeechers: number
  /** Time for which a bitfield-only leecher without reported progress counts as about to begin. */
  readonly bitfieldOnlyBeginMs: number
  /** Gateways of other sites with the same upstream, for a bitfield-only gateway. */
  readonly bitfieldOnlyCoDownstream: number
  /**
   * Times for which a bitfield-only gateway waits: until the first of them has begun, and until it is far enough ahead.
   */
  readonly bitfieldOnlyCoDownstreamBeginMs: number
  readonly bitfieldOnlyCoDownstreamWaitMs: number
  /** Lead that is far enough: a gateway must not catch up with one that it fetches from. */
  readonly bitfieldOnlyLeadShare: number
  /** Time for which a bitfield-only leecher leaves the sources of its site to the gateways of other sites. */
  readonly bitfieldOnlyWaitMs: number
  /** Time after which a gateway without a first piece is replaced; longer than a large piece takes on a slow link. */
  readonly gatewayBeginMs: number
  /** Time for which the standby waits for that; see `standby.ts`. */
  readonly standbyMs: number
  /**
   * KiB that a leecher lacks at least to become the standby. A small torrent is complete within seconds: its standby
   * found only complete neighbours, and waited 60 s for a reconnection (docs/measurements.md, "Small sites").
   */
  readonly standbyKibMin: number
  /** Leechers for a client that does not accept connections; see `unreachable-clients.ts`. */
  readonly unreachableNeighbours: number
  /** With fewer, its response is deferred, for this time at most: the hosts of a rollout start within seconds. */
  readonly unreachableNeighboursMin: number
  readonly unreachableWaitMs: number
  /** Gateways without an upstream that are assigned to a source when it announces. */
  readonly upstreamAssignmentsMax: number
  /** Consecutive announces without progress after which a peer gets a fresh source. */
  readonly stallsUntilRescue: number
  /** Time without progress after which a gateway loses its lease, if there is another leecher. */
  readonly gatewayProgressMs: number
  /** Announces without progress after which a gateway loses its lease, if there is another leecher. */
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
  reserveMs: 24_000,
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
  gatewayBeginMs: 6_000,
  standbyMs: 7_000,
  standbyKibMin: 131_072,
  unreachableNeighbours: 6,
  unreachableNeighboursMin: 4,
  unreachableWaitMs: 4_000,
  upstreamAssignmentsMax: 4,
  gatewayProgressMs: 180_000,
  stallsUntilRescue: 1,
  stallsUntilReplaced: 3,
}

assert(
  Math.max(defaultPolicy.neighboursMax, defaultPolicy.slowNeighboursMax, defaultPolicy.largeNeighboursMax) +
    defaultPolicy.strangersOnCompletion +
    defaultPolicy.sourceSlots <=
    LINKS_MAX,
  'a finisher must remember the peers that it met, or it is introduced to them again',
)
assert(defaultPolicy.otherNeighbours >= 1, 'a bubble without links to others becomes an island')
assert(
  defaultPolicy.stallsUntilReplaced > defaultPolicy.stallsUntilRescue,
  'a gateway gets another upstream before it is replaced',
)
assert(
  defaultPolicy.standbyMs > defaultPolicy.gatewayBeginMs,
  'the standby waits until it can replace the gateway',
)
