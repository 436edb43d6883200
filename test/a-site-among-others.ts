/**
 * The tracker of one site that speaks for itself, with what it tells the others and what it believes of them, and
 * nothing between it and whoever carries that: a test with time of its own, or a benchmark with sockets.
 */
import { SiteAuthority } from '../src/topology/site-authority.ts'
import { CurrentTopology } from '../src/topology/current-topology.ts'
import type { Clock } from '../src/core/clock.ts'
import type { Random } from '../src/core/random.ts'
import { SwarmTable } from '../src/swarm/swarm-table.ts'
import type { Topology } from '../src/topology/topology.ts'
import { SiteAdvertiser } from '../src/federation/site-advertiser.ts'
import { RemoteSites } from '../src/federation/remote-sites.ts'
import { Tracker, type TrackerComponents } from '../src/tracker/tracker.ts'

export interface SiteAmongOthers {
  readonly table: SwarmTable
  readonly tracker: Tracker
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  readonly advertiser: SiteAdvertiser
  readonly remote: RemoteSites
}

export interface SiteAmongOthersParts {
  readonly name: string
  readonly topology: Topology
  readonly clock: Clock
  /** Of the tracker. */
  readonly random: Random
  /** Of what it calls itself. */
  readonly nodeRandom: Random
  readonly later: (run: () => void, delayMs: number) => void
}

export function aSiteAmongOthers(parts: SiteAmongOthersParts): SiteAmongOthers {
  const { name, clock, random, nodeRandom, later } = parts
  const topology = new CurrentTopology(parts.topology)
  const authority = new SiteAuthority()
  const nothing = () => {}
  const table = new SwarmTable(parts.topology.places.map((place) => place.site.index))
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

/** A tracker that announces reach only by a call, and that no other node of its site shares leases with. */
export function aFederatedTracker(
  parts: Pick<TrackerComponents, 'topology' | 'authority' | 'table' | 'clock' | 'random'> & {
    readonly remote: RemoteSites
    readonly wait: (forMs: number) => Promise<void>
  },
): Tracker {
  const nothing = () => {}
  return new Tracker({
    ...parts,
    metrics: {
      announce: nothing,
      refusal: nothing,
      handout: nothing,
      election: nothing,
      rescue: nothing,
      downloaded: nothing,
      completion: nothing,
      duration: nothing,
    },
    admission: { admits: () => true },
    leases: { claim: () => 'granted', renew: nothing, release: nothing },
    interval: { secondsMin: 60, secondsMax: 1800 },
  })
}
