/**
 * What a handout decision is made of: who asks, what is chosen with which reason, and what follows from it.
 * A decision changes nothing by itself; `applyDecision` does, and `explain` only prints it.
 */
import type { ElectionCause, Locality } from '../core/tracker-metrics.ts'
import type { Role } from '../swarm/peer-state.ts'
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'
import type { Policy } from './policy.ts'

/** Why a peer is in an answer. */
export const reasons = {
  introduced: 'they were introduced before; clients remember, so the answer stays the same',
  'same-bubble': 'a leecher of the same bubble',
  'same-site': 'a leecher of another bubble of the site',
  source: 'a local source with a free slot',
  'last-resort': 'the only local source; all its slots are taken',
  partial: 'a partial seed of the site; it uploads what it has',
  leecher: 'a local leecher, which lacks what the requester has',
  stranger: 'a local leecher that the finisher never met: no reconnect ban between them',
  rescue: 'a fresh local source for a peer without progress',
  seed: 'a local seed, in case the asking peer only seems complete (a magnet without metadata)',
  upstream: 'the peer of another site through which this site fetches; only its gateway is told',
  'co-downstream': 'the gateway of another site that fetches from the same peer, and is ahead',
  downstream: 'the gateway of another site that fetches from the asking peer',
  'first-finisher':
    'the gateway of another site that fetches from this one; it never met this finisher, so no reconnect ban',
  'co-gateway': 'the other gateway of the site',
} as const

export type Reason = keyof typeof reasons

export interface Choice {
  readonly row: number
  readonly locality: Locality
  readonly reason: Reason
}

/**
 * A torrent at a site. `filling`: needy peers, no complete copy yet. `warm`: a complete copy is there.
 * `stranded`: needy peers, and neither a source nor a live gateway. `idle`: nobody needs anything.
 */
export type SiteState = 'filling' | 'warm' | 'stranded' | 'idle'

export interface Requester {
  /** -1 for a peer that the table does not know, such as one that `explain` imagines. */
  readonly row: number
  readonly place: number
  readonly role: Role
  readonly hasCompleted: boolean
  /** Choices wanted; 0 none. */
  readonly peersWanted: number
  /** Hangs up on a neighbour that finishes before it has its last piece; see `small-site.ts`. */
  readonly dropsFinishers: boolean
  /** Learns from a neighbour only what that had when they met; see `bitfield-only-clients.ts`. */
  readonly isBitfieldOnly: boolean
  /** For how long this announce has waited for its answer. */
  readonly waitedMs: number
}

export interface HandoutContext {
  readonly table: SwarmTable
  readonly topology: Topology
  readonly policy: Policy
  readonly nowMs: number
  /** Decides between equals. The same situation with the same seed gives the same decision. */
  readonly seed: number
  readonly swarm: Swarm
  readonly site: SiteSwarm
  readonly requester: Requester
  /** Whether other sites decide for themselves, and are seen late. */
  readonly isFederated: boolean
  /** False where the other nodes of the site have not agreed that the requester becomes gateway. */
  readonly mayElect: boolean
}

export interface Decision {
  readonly state: SiteState
  /** Nearest ring first. */
  readonly choices: readonly Choice[]
  /** Local peers that the requester is introduced to now, and that were not before. */
  readonly introductions: readonly number[]
  /** Leases that end now. */
  readonly leaseEnds: readonly { readonly row: number; readonly cause: ElectionCause }[]
  /** Why the requester becomes its site's gateway now; undefined where it does not. */
  readonly election: ElectionCause | undefined
  /** Gateways that fetch from somebody else from now on. */
  readonly upstreams: readonly UpstreamChange[]
  readonly isRescue: boolean
  /** Nobody is there yet who could give this client anything, and whoever it meets too early is lost to it. */
  readonly isTooEarly: boolean
}

export interface UpstreamChange {
  readonly gatewayRow: number
  readonly upstreamRow: number
  /** The one that gave nothing, or -1. */
  readonly failedRow: number
}
