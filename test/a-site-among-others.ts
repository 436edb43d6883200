/**
 * The tracker of one site that speaks for itself, with what it tells the others and what it believes of them, and
 * nothing between it and whoever carries that: a test with time of its own, or a benchmark with sockets.
 */
import { CurrentTopology } from '../src/topology/current-topology.ts'
import type { Clock } from '../src/core/clock.ts'
import type { Random } from '../src/core/random.ts'
import { SwarmTable } from '../src/swarm/swarm-table.ts'
import type { Topology } from '../src/topology/topology.ts'
import { Elsewhere } from '../src/tracker/elsewhere.ts'
import { OwnContacts } from '../src/federation/site-advertiser.ts'
import { RemoteContacts } from '../src/federation/remote-sites.ts'
import { Tracker } from '../src/tracker/tracker.ts'

export interface SiteAmongOthers {
  readonly table: SwarmTable
  readonly tracker: Tracker
  readonly own: OwnContacts
  readonly remote: RemoteContacts
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
  const nothing = () => {}
  const table = new SwarmTable(parts.topology.places.map((place) => place.site.index))
  const remote = new RemoteContacts({
    table,
    clock,
    topology,
    ownSite: name,
    settle: nothing,
    onAdopted: nothing,
  })
  const own = new OwnContacts({ table, clock, random: nodeRandom, topology, site: name, remote, later })
  const tracker = new Tracker({
    topology,
    table,
    clock,
    random,
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
    elsewhere: new Elsewhere({
      table,
      topology,
      own,
      remote,
      wait: (forMs) => new Promise((resolve) => later(resolve, forMs)),
    }),
  })
  return { table, tracker, own, remote }
}
