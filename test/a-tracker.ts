/**
 * A whole tracker on injected time and chance, and a way of speaking to it that names only what matters:
 * `tracker.announce('127.1.1.5', { left: 0 })`.
 */
import { SiteAuthority } from '../src/topology/site-authority.ts'
import { CurrentTopology } from '../src/topology/current-topology.ts'
import { type Address, parseAddress } from '../src/core/address.ts'
import type { AnnounceEvent, AnnounceReply } from '../src/core/announce.ts'
import { assert } from '../src/core/assert.ts'
import { ManualClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import {
  type ElectionCause,
  type Locality,
  noMetrics,
  type TrackerMetrics,
} from '../src/core/tracker-metrics.ts'
import type { Policy } from '../src/handout/policy.ts'
import { SwarmTable } from '../src/swarm/swarm-table.ts'
import type { SwarmTableLimits } from '../src/swarm/swarm-table-limits.ts'
import type { Topology } from '../src/topology/topology.ts'
import type { GatewayLeases, SiteLog } from '../src/replication/site-store.ts'
import { SwarmReplica } from '../src/replication/swarm-replica.ts'
import type { Explained } from '../src/tracker/explain.ts'
import type { ObservedClient } from '../src/tracker/observation-recorder.ts'
import type { AddressReporter, CarriedSites, ReachabilityCheck } from '../src/tracker/ports.ts'
import { Tracker } from '../src/tracker/tracker.ts'
import { aTopology } from './a-topology.ts'

export const TORRENT = Buffer.alloc(20, 'torrent')

export interface Announcement {
  readonly torrent?: Buffer
  readonly left?: number | undefined
  readonly event?: AnnounceEvent
  readonly port?: number
  readonly numwant?: number
  readonly downloaded?: number
  /** The first characters of the peer id; the rest comes from the address. */
  readonly client?: string
  readonly protocol?: 'http' | 'udp'
  /** Instead of one made from the address. */
  readonly peerId?: string
  readonly key?: string
}

export interface Response extends AnnounceReply {
  /** `address:port` of all peers, IPv4 first. */
  readonly peers: readonly string[]
}

export interface TestTracker {
  readonly topology: CurrentTopology
  readonly tracker: Tracker
  readonly table: SwarmTable
  readonly clock: ManualClock
  /** Flushed by the test, not after each turn. */
  readonly replica: SwarmReplica
  readonly counted: {
    readonly elections: { readonly site: number; readonly cause: ElectionCause }[]
    readonly rescues: number[]
    readonly downloadedBytes: { readonly site: number; readonly bytes: number; readonly isGateway: boolean }[]
    readonly completions: number[]
    /** Lost gateways, as they were reported. */
    readonly losses: { readonly site: number; readonly gateway: string; readonly cause: string }[]
    readonly handout: Record<Locality, number>
  }
  announce(from: string, announcement?: Announcement): Response
  /** For announces whose response waits for other nodes. */
  announceLater(from: string, announcement?: Announcement): Promise<Response>
  explain(from: string, port?: number): Explained | undefined
  /** What a node saw of the client at this moment; reachable, and nothing else, where not said otherwise. */
  observe(from: string, observed?: Partial<ObservedClient>): void
}

export interface TestTrackerOptions {
  readonly topology?: Topology
  readonly seed?: number
  readonly policy?: Policy
  readonly admits?: (infoHash: Buffer) => boolean
  readonly limits?: SwarmTableLimits
  readonly table?: SwarmTable
  readonly clock?: ManualClock
  readonly leases?: GatewayLeases
  readonly reports?: AddressReporter
  readonly reachability?: ReachabilityCheck
  readonly carriedSites?: CarriedSites
  /** The log of the site; by default one that is not shared. */
  readonly log?: SiteLog
}

export function aTracker(options: TestTrackerOptions = {}): TestTracker {
  const topology = options.topology ?? aTopology()
  const clock = options.clock ?? new ManualClock()
  const current = new CurrentTopology(topology)
  const authority = new SiteAuthority()
  const siteOfPlace = topology.places.map((place) => place.site.index)
  const table = options.table ?? new SwarmTable(siteOfPlace, options.limits)
  const counted: TestTracker['counted'] = {
    elections: [],
    rescues: [],
    downloadedBytes: [],
    completions: [],
    losses: [],
    handout: { bubble: 0, site: 0, remote: 0 },
  }
  const metrics: TrackerMetrics = {
    ...noMetrics,
    handout: (_site, ring, peers) => (counted.handout[ring] += peers),
    election: (site, cause) => counted.elections.push({ site, cause }),
    rescue: (site) => counted.rescues.push(site),
    downloaded: (site, bytes, isGateway) => counted.downloadedBytes.push({ site, bytes, isGateway }),
    completion: (site) => counted.completions.push(site),
  }
  const replica: SwarmReplica = new SwarmReplica({
    table,
    log: options.log ?? { isShared: false, append: () => {} },
    completions: { add: () => {} },
    clock,
    random: new SeededRandom((options.seed ?? 1) + 1),
    topology: current,
    authority,
    afterTurn: () => {},
  })
  const tracker: Tracker = new Tracker({
    topology: current,
    authority,
    table,
    clock,
    random: new SeededRandom(options.seed ?? 1),
    metrics,
    admission: { admits: options.admits ?? (() => true) },
    interval: { secondsMin: 60, secondsMax: 1800 },
    replica,
    onGatewayLost: ({ siteIndex: site, address, cause }) =>
      counted.losses.push({ site, gateway: address.toString(), cause }),
    ...(options.reachability === undefined ? {} : { reachability: options.reachability }),
    ...(options.carriedSites === undefined ? {} : { carriedSites: options.carriedSites }),
    ...(options.leases === undefined ? {} : { leases: options.leases }),
    ...(options.reports === undefined ? {} : { reports: options.reports }),
    ...(options.policy === undefined ? {} : { policy: options.policy }),
  })
  const send = (from: string, announcement: Announcement) =>
    tracker.announce(
      {
        infoHash: announcement.torrent ?? TORRENT,
        peerId: Buffer.from(
          announcement.peerId ?? `${announcement.client ?? '-XX0000-'}${from}`.padEnd(20, '.').slice(0, 20),
        ),
        port: announcement.port ?? 6881,
        downloadedBytes: announcement.downloaded ?? 0,
        uploadedBytes: 0,
        leftBytes: 'left' in announcement ? announcement.left : 1_000_000,
        event: announcement.event ?? 'none',
        peersWanted: announcement.numwant,
        key: Buffer.from(announcement.key ?? ''),
      },
      at(from),
      announcement.protocol ?? 'http',
    )
  const responseTo = (reply: AnnounceReply): Response => ({ ...reply, peers: endpoints(reply) })
  return {
    topology: current,
    tracker,
    table,
    clock,
    replica,
    counted,
    announce(from, announcement = {}) {
      const reply = send(from, announcement)
      assert(!(reply instanceof Promise), 'announceLater is for responses that wait for other nodes')
      return responseTo(reply)
    },
    announceLater: async (from, announcement = {}) => responseTo(await send(from, announcement)),
    explain: (from, port) => tracker.explain(TORRENT, at(from), port),
    observe: (from, observed = {}) =>
      tracker.observations.record({
        infoHash: TORRENT,
        address: at(from),
        port: 6881,
        reachability: 'reachable',
        share: undefined,
        isComplete: observed.share === 1,
        isStalled: false,
        isGone: false,
        observedAtMs: clock.nowMs(),
        sharePerSecond: 0,
        ...observed,
      }),
  }
}

export function at(text: string): Address {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(`${text} is not an address`)
  return address
}

function endpoints(reply: AnnounceReply): string[] {
  const found: string[] = []
  for (let offset = 0; offset < reply.peers4.length; offset += 6)
    found.push(
      `${reply.peers4.subarray(offset, offset + 4).join('.')}:${reply.peers4.readUInt16BE(offset + 4)}`,
    )
  for (let offset = 0; offset < reply.peers6.length; offset += 18) {
    const groups = Array.from({ length: 8 }, (_, index) =>
      reply.peers6.readUInt16BE(offset + index * 2).toString(16),
    )
    found.push(`[${groups.join(':')}]:${reply.peers6.readUInt16BE(offset + 16)}`)
  }
  return found
}
