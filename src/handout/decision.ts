/**
 * The parts of a handout decision: the requester, the chosen peers with their reasons, and the resulting changes.
 * A decision changes nothing by itself; `applyDecision` applies it, and `explain` prints it.
 */
import type { ElectionCause, Locality } from '../core/tracker-metrics.ts'
import type { Role } from '../swarm/peer-state.ts'
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { Topology } from '../topology/topology.ts'
import type { LoopbackPeers } from './loopback-peers.ts'
import type { Policy } from './policy.ts'
import type { Reason } from './reasons.ts'

export interface Choice {
  readonly row: number
  readonly locality: Locality
  readonly reason: Reason
}

/**
 * A torrent at a site. `filling`: leechers, no complete copy yet. `warm`: the site has a complete copy.
 * `stranded`: leechers, and neither a source nor a live gateway. `idle`: no copy and no leechers.
 */
export type SiteState = 'filling' | 'warm' | 'stranded' | 'idle'

export interface Requester {
  /** -1 for a peer that is not in the table, such as one that `explain` assumes. */
  readonly row: number
  readonly place: number
  readonly role: Role
  readonly hasCompleted: boolean
  /** Number of peers wanted. */
  readonly peersWanted: number
  /** Disconnects a neighbour that completes before its own last piece; see `small-site.ts`. */
  readonly dropsFinishers: boolean
  /** Learns only the pieces that a neighbour had when they connected; see `bitfield-only-clients.ts`. */
  readonly isBitfieldOnly: boolean
  /** Time for which the response to this announce has been deferred. */
  readonly waitedMs: number
  /** False if the response cannot be deferred: the sender of a datagram would repeat it. */
  readonly mayWait: boolean
  /** No announce of it has been answered. */
  readonly isNew: boolean
}

export interface HandoutContext {
  readonly table: SwarmTable
  readonly topology: Topology
  readonly policy: Policy
  readonly nowMs: number
  /** Decides between equals. The same context with the same seed gives the same decision. */
  readonly seed: number
  readonly swarm: Swarm
  readonly site: SiteSwarm
  readonly requester: Requester
  readonly loopback: LoopbackPeers
  /** True if remote sites decide for themselves, and their decisions arrive late. */
  readonly isFederated: boolean
  /** False if the other nodes of the site have not agreed that the requester becomes gateway. */
  readonly mayElect: boolean
  /** The carrier of the torrent in the requester's site; undefined where gateways fetch. */
  readonly carrier: CarrierContact | undefined
}

export interface CarrierContact {
  /** It is about to find a source of the content. */
  readonly isSettling: boolean
  /** It is not known yet whether the leechers of the site exchange pieces; if not, gateways fetch. */
  readonly isUndecided: boolean
  /** Clients can connect to it: it has a listener. */
  readonly isDialable: boolean
  /** What it sends to a host crosses the link of the site. */
  readonly isRemote: boolean
}

export interface Decision {
  readonly state: SiteState
  /** Nearest first. */
  readonly choices: readonly Choice[]
  /** Local peers to which the requester is introduced for the first time. */
  readonly introductions: readonly number[]
  /** Leases that end now. */
  readonly leaseEnds: readonly { readonly row: number; readonly cause: ElectionCause }[]
  /** Cause of the requester's election as gateway; undefined without one. */
  readonly election: ElectionCause | undefined
  /** Gateways with a new upstream. */
  readonly upstreams: readonly UpstreamChange[]
  readonly isRescue: boolean
  /** No peer has pieces for this client yet, and a peer that it meets too early is of no use to it later. */
  readonly isTooEarly: boolean
  /** The response contains the address of the carrier. */
  readonly dialsCarrier: boolean
}

export interface UpstreamChange {
  readonly gatewayRow: number
  readonly upstreamRow: number
  /** The upstream without progress that is replaced, or -1. */
  readonly failedRow: number
}
