/** Collaborators and settings of the tracker. */
import type { Clock } from '../core/clock.ts'
import type { Random } from '../core/random.ts'
import type { TrackerMetrics } from '../core/tracker-metrics.ts'
import type { Policy } from '../handout/policy.ts'
import type { GatewayLeases } from '../replication/site-store.ts'
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import type { Deferral } from './deferred-announces.ts'
import type { IntervalLimits } from './interval.ts'
import type {
  AddressReporter,
  CarriedSites,
  GatewayLoss,
  ReachabilityCheck,
  RemoteCounts,
  TorrentAdmission,
} from './ports.ts'
import type { SourceLimits } from './source-limits.ts'

export interface TrackerComponents {
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  readonly table: SwarmTable
  readonly clock: Clock
  readonly random: Random
  readonly metrics: TrackerMetrics
  readonly admission: TorrentAdmission
  readonly interval: IntervalLimits
  /** Limits for each source of announces. Without them, there are none. */
  readonly sources?: SourceLimits
  readonly policy?: Policy
  /** Asked before a peer becomes gateway. Without it, this node decides alone, as in a site with one node. */
  readonly leases?: GatewayLeases
  /** Replicates to the other nodes of the site. Without it, there are none. */
  readonly replica?: SwarmReplica
  /** Without it, this node is not federated and answers for all sites. */
  readonly remote?: RemoteCounts
  /** Delays an election until remote sites have announced theirs; a timer by default. */
  readonly wait?: (forMs: number) => Promise<void>
  /** Keeps announces whose response is deferred; `DeferredAnnounces` by default. */
  readonly deferred?: Deferral
  /** Dials a client before it becomes gateway. Without it, no client is checked. */
  readonly reachability?: ReachabilityCheck
  /** Without it, no site is carried. */
  readonly carriedSites?: CarriedSites
  /** Takes what the addresses of clients reveal. Without it, that is not reported. */
  readonly reports?: AddressReporter
  /** Called on the announce path when a peer of this site completed this torrent; must return at once. */
  readonly onCompletion?: (infoHash: Buffer, siteIndex: number) => void
  /** Called when this node observed the loss of a gateway, before its lease ends. */
  readonly onGatewayLost?: (loss: GatewayLoss) => void
}
