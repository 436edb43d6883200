/**
 * The tracker of one federated site with its advertiser and its remote sites. The caller carries the updates: a test with
 * simulated time, or a benchmark with sockets.
 */
import { SiteAuthority } from '../src/topology/site-authority.ts'
import { CurrentTopology } from '../src/topology/current-topology.ts'
import type { Clock } from '../src/core/clock.ts'
import type { Random } from '../src/core/random.ts'
import { noMetrics } from '../src/core/tracker-metrics.ts'
import { SwarmTable } from '../src/swarm/swarm-table.ts'
import type { Topology } from '../src/topology/topology.ts'
import { SiteAdvertiser } from '../src/federation/site-advertiser.ts'
import { RemoteSites } from '../src/federation/remote-sites.ts'
import { Tracker } from '../src/tracker/tracker.ts'
import type { TrackerComponents } from '../src/tracker/tracker-components.ts'

export interface SiteAmongOthers {
  readonly table: SwarmTable
  readonly tracker: Tracker
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  readonly advertiser: SiteAdvertiser
  readonly remote: RemoteSites
}

export interface SiteAmongOthersInit {
  readonly name: string
  readonly topology: Topology
  readonly clock: Clock
  /** For the tracker. */
  readonly random: Random
  /** For the id of the node. */
  readonly nodeRandom: Random
  readonly later: (run: () => void, delayMs: number) => void
}

export function aSiteAmongOthers(init: SiteAmongOthersInit): SiteAmongOthers {
  const { name, clock, random, nodeRandom, later } = init
  const topology = new CurrentTopology(init.topology)
  const authority = new SiteAuthority()
  const nothing = () => {}
  const table = new SwarmTable(init.topology.places.map((place) => place.site.index))
  const remote = new RemoteSites({
    table,
    clock,
    topology,
    authority,
    ownSite: name,
    replica: { applyPending: nothing, recordLease: nothing },
  })
  const advertiser = new SiteAdvertiser({
    table,
    clock,
    random: nodeRandom,
    topology,
    authority,
    site: name,
    remote,
    later,
  })
  const wait = (forMs: number) => new Promise<void>((resolve) => later(resolve, forMs))
  const tracker = aFederatedTracker({ topology, authority, table, clock, random, remote, wait })
  return { table, topology, authority, tracker, advertiser, remote }
}

/** A tracker without listeners, and without other nodes in its site. */
export function aFederatedTracker(
  parts: Pick<TrackerComponents, 'topology' | 'authority' | 'table' | 'clock' | 'random'> & {
    readonly remote: RemoteSites
    readonly wait: (forMs: number) => Promise<void>
  },
): Tracker {
  const nothing = () => {}
  return new Tracker({
    ...parts,
    metrics: noMetrics,
    admission: { admits: () => true },
    leases: { claim: () => 'granted', renew: nothing, release: nothing },
    interval: { secondsMin: 60, secondsMax: 1800 },
  })
}
