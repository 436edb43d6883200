/** The form of a row in the table of metrics, and the values that rows read at scrape time. */
import type { FederationRefusal } from '../core/federation-metrics.ts'
import type { Counters } from './counters.ts'

/** Current values, read once for each scrape. */
export interface Gauges {
  /** One entry for each bubble of each site, the bubble `-` included. */
  readonly bubbles: readonly {
    readonly site: string
    readonly bubble: string
    readonly seeds: number
    readonly leechers: number
  }[]
  readonly sites: readonly {
    readonly site: string
    readonly swarms: number
    readonly gateways: number
    /** Registered torrents that an operator holds in the site. */
    readonly held: number
  }[]
  readonly store: {
    readonly isUp: boolean
    readonly lagSeconds: number
    readonly backlogBytes: number
    readonly droppedBatches: number
    readonly refusedBatches: number
    readonly invalidValues: number
  }
  /** True if a load balancer should send clients to this node. */
  readonly isReady: boolean
  /** Worker processes that exited unexpectedly, or hung and were killed, and were replaced. */
  readonly workersReplaced: number
  readonly wrongAdminTokens: number
  readonly logLinesDropped: number
  /** Peers that a full table dropped. */
  readonly peersEvicted: number
  readonly udpDrops: Readonly<Record<UdpDropCause, number>>
  /** See `topologyHash`. */
  readonly topologyHash: string
  readonly federation: FederationGauges
  readonly observers: ObserverGauges
  readonly carriers: CarrierGauges
}

/** Clients that this node observes between their announces. */
export interface ObserverGauges {
  readonly sites: readonly {
    readonly site: string
    readonly observed: number
    readonly unreachable: number
    readonly falseSeeds: number
  }[]
  /** The site of the node, under which its observations are counted. */
  readonly site: string
  readonly results: readonly { readonly result: string; readonly count: number }[]
}

/** Content that this node carries. The totals include those of processes that ended. */
export interface CarrierGauges {
  readonly sites: readonly { readonly site: string; readonly relays: number }[]
  /** One entry for each two sites that carriers join: `site` received. */
  readonly relayed: readonly { readonly site: string; readonly from: string; readonly bytes: number }[]
  readonly links: readonly { readonly remote: string; readonly isUp: boolean }[]
  readonly cachedBytes: number
  readonly faults: readonly { readonly fault: string; readonly count: number }[]
  readonly piecesInvalid: number
  readonly liars: number
  readonly exits: number
}

/** Remote sites to which this node subscribes. */
export interface FederationGauges {
  readonly remotes: readonly {
    readonly remote: string
    readonly isUp: boolean
    readonly ageSeconds: number
  }[]
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly refusals: readonly { readonly reason: FederationRefusal; readonly count: number }[]
}

/** Reason why a datagram got no response: see `UdpServerDrops`. */
export type UdpDropCause = 'unreadable' | 'unproven' | 'limited' | 'unsent'

/** Values of a process that has listeners and no swarm table. */
export type ListenerGauges = Pick<Gauges, 'udpDrops' | 'logLinesDropped'>

export interface Reading<G = Gauges> {
  readonly version: string
  readonly counters: Counters
  readonly gauges: G
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** Only for the parts of a histogram. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
}

interface MetricRowParts<G> {
  /** Name without the prefix. */
  readonly name: string
  readonly labels: readonly string[]
  readonly help: string
  readonly read: (reading: Reading<G>) => Sample[]
}

/** `G`: the values that the row reads beside the counters. */
export type MetricRow<G = Gauges> = MetricRowParts<G> & { readonly type: 'counter' | 'histogram' | 'gauge' }
