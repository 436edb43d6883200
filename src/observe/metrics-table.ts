/**
 * Every metric of this program, in one table: name, help that a stranger understands, labels, and where the
 * number comes from when Prometheus asks.
 *
 * Labels are small closed sets, and every combination is there at zero from the start, so that a rate is right
 * from the first event on. Never an infohash, a peer or an address. docs/reference/metrics.md is compared with
 * this table by a test.
 */
import type { FederationRefusal } from '../core/federation-metrics.ts'
import type { Counters } from './counters.ts'
import { causes, durationBuckets, events, protocols, refusalCodes, reloadResults, rings } from './counters.ts'
import { originRefusals } from './origin-counters.ts'

/** What is true now, read once for each scrape. */
export interface Gauges {
  /** One for each bubble of each site, the bubble `-` included. */
  readonly bubbles: readonly {
    readonly site: string
    readonly bubble: string
    readonly seeds: number
    readonly leechers: number
  }[]
  readonly sites: readonly { readonly site: string; readonly swarms: number; readonly gateways: number }[]
  readonly store: {
    readonly isUp: boolean
    readonly lagSeconds: number
    readonly backlogBytes: number
    readonly droppedBatches: number
    readonly refusedBatches: number
  }
  /** Whether clients should be sent here. */
  readonly isReady: boolean
  /** Processes of this node that ended by themselves, or hung and were killed, and were replaced. */
  readonly workersReplaced: number
  readonly logLinesDropped: number
  readonly udpDrops: Readonly<Record<UdpDropCause, number>>
  readonly federation: FederationGauges
}

/** Other sites, as far as this node follows them. */
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

/** Why a datagram had no answer: see `UdpServerDrops`. */
export type UdpDropCause = 'unreadable' | 'unproven' | 'unsent'
const udpDropCauses: readonly UdpDropCause[] = ['unreadable', 'unproven', 'unsent']

export interface Reading {
  readonly version: string
  readonly counters: Counters
  readonly gauges: Gauges
}

export interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
  /** Of the parts of a histogram. */
  readonly suffix?: '_bucket' | '_sum' | '_count'
}

interface MetricRowParts {
  /** Without the prefix. */
  readonly name: string
  readonly labels: readonly string[]
  readonly help: string
  readonly read: (reading: Reading) => Sample[]
}

/**
 * What several workers of one node counted is added up. A gauge says what is true, which each of them knows alike,
 * or nearly: so which of their values stands for all.
 */
export type MetricRow = MetricRowParts &
  (
    | { readonly type: 'counter' | 'histogram' }
    | { readonly type: 'gauge'; readonly overWorkers: 'max' | 'min' }
  )

export const METRIC_PREFIX = 'siteswarm_'

export const metricsTable: readonly MetricRow[] = [
  {
    name: 'announces_total',
    type: 'counter',
    labels: ['site', 'protocol', 'event'],
    help: 'Announces that were answered, by the site of the peer, the protocol, and what the client said had happened (none: just its regular report).',
    read: ({ counters }) =>
      perSite(counters, (index, site) =>
        protocols.flatMap((protocol) =>
          events.map((event) => ({
            labels: { site, protocol, event },
            value: counters.announces(index, protocol, event),
          })),
        ),
      ),
  },
  {
    name: 'announce_failures_total',
    type: 'counter',
    labels: ['code'],
    help: 'Announces and scrapes that were turned away, by the code of the reason; each code has its paragraph in docs/reference/errors.md.',
    read: ({ counters }) => refusalCodes.map((code) => ({ labels: { code }, value: counters.refused(code) })),
  },
  {
    name: 'peers',
    type: 'gauge',
    overWorkers: 'max',
    labels: ['site', 'bubble', 'role'],
    help: 'Peers that announced within their lifetime, by site, bubble (- is none) and role: a seed has all of its torrent. A client counts once for each of its torrents and addresses.',
    read: ({ gauges }) =>
      gauges.bubbles.flatMap(({ site, bubble, seeds, leechers }) => [
        { labels: { site, bubble, role: 'seed' }, value: seeds },
        { labels: { site, bubble, role: 'leecher' }, value: leechers },
      ]),
  },
  {
    name: 'swarms',
    type: 'gauge',
    overWorkers: 'max',
    labels: ['site'],
    help: 'Torrents with at least one peer in the site.',
    read: ({ gauges }) => gauges.sites.map(({ site, swarms }) => ({ labels: { site }, value: swarms })),
  },
  {
    name: 'handout_peers_total',
    type: 'counter',
    labels: ['site', 'ring'],
    help: 'Peers handed out, by the site of the peer that asked and by how far they are from it: its own bubble, another bubble of its site, or another site.',
    read: ({ counters }) =>
      perSite(counters, (index, site) =>
        rings.map((ring) => ({ labels: { site, ring }, value: counters.handouts(index, ring) })),
      ),
  },
  {
    name: 'gateways',
    type: 'gauge',
    overWorkers: 'max',
    labels: ['site'],
    help: 'Gateways of the site now, over all torrents: the peers through which it fetches from other sites.',
    read: ({ gauges }) => gauges.sites.map(({ site, gateways }) => ({ labels: { site }, value: gateways })),
  },
  {
    name: 'gateway_elections_total',
    type: 'counter',
    labels: ['site', 'cause'],
    help: 'Gateways chosen, by cause: the first of a torrent, one more beside it (added), or a replacement for one that stopped, expired, stalled, or was one too many (surplus: two nodes chose one each while they could not ask each other). Each replacement may bring in up to one more copy.',
    read: ({ counters }) =>
      perSite(counters, (index, site) =>
        causes.map((cause) => ({ labels: { site, cause }, value: counters.elections(index, cause) })),
      ),
  },
  {
    name: 'rescues_total',
    type: 'counter',
    labels: ['site'],
    help: 'Peers that had made no progress and were given a fresh source, which may be in another site.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [{ labels: { site }, value: counters.rescues(index) }]),
  },
  {
    name: 'downloaded_bytes_total',
    type: 'counter',
    labels: ['site'],
    help: 'Bytes that the peers of the site say they have downloaded, from wherever.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [{ labels: { site }, value: counters.downloadedBytes(index) }]),
  },
  {
    name: 'gateway_downloaded_bytes_total',
    type: 'counter',
    labels: ['site'],
    help: 'Bytes that gateways of the site say they have downloaded, former gateways included, since they keep the peers they were told of: at most this much has come in over the links between sites.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [
        { labels: { site }, value: counters.gatewayDownloadedBytes(index) },
      ]),
  },
  {
    name: 'completions_total',
    type: 'counter',
    labels: ['site'],
    help: 'Peers that finished a torrent.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [{ labels: { site }, value: counters.completions(index) }]),
  },
  {
    name: 'ready',
    type: 'gauge',
    overWorkers: 'max',
    labels: [],
    help: 'Whether clients should be sent to this node: 1, or 0 while it catches up with its site or goes away. Announces that come anyway are answered while it goes away.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.isReady ? 1 : 0 }],
  },
  {
    name: 'origin_bytes_total',
    type: 'counter',
    labels: ['site'],
    help: 'Bytes read from the origins of registered torrents for clients of the site: what the site cost there.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [{ labels: { site }, value: counters.origins.bytes(index) }]),
  },
  {
    name: 'origin_saved_bytes_total',
    type: 'counter',
    labels: ['site'],
    help: 'Size of the downloads of torrents with an origin that clients of the site completed, less what was read from the origin for them: what the origin did not have to serve.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [{ labels: { site }, value: counters.origins.savedBytes(index) }]),
  },
  {
    name: 'origin_refused_total',
    type: 'counter',
    labels: ['site', 'cause'],
    help: 'Requests for content that were turned away: the site has a copy (warm), had what it may have (budget), waited in vain while another of its hosts fetched (busy), or the origin could not be read (failed).',
    read: ({ counters }) =>
      perSite(counters, (index, site) =>
        originRefusals.map((cause) => ({
          labels: { site, cause },
          value: counters.origins.refused(index, cause),
        })),
      ),
  },
  {
    name: 'store_up',
    type: 'gauge',
    overWorkers: 'min',
    labels: [],
    help: 'Whether what this node shares with others, or keeps over a restart, can be written now: 1 or 0. Announces are answered either way.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.isUp ? 1 : 0 }],
  },
  {
    name: 'store_lag_seconds',
    type: 'gauge',
    overWorkers: 'max',
    labels: [],
    help: 'Age of the oldest change that is not yet in the store.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.lagSeconds }],
  },
  {
    name: 'store_backlog_bytes',
    type: 'gauge',
    overWorkers: 'max',
    labels: [],
    help: 'What the other nodes of the site have not been told yet, because the store cannot be written now. Above 8 MiB the oldest goes.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.backlogBytes }],
  },
  {
    name: 'store_batches_dropped_total',
    type: 'counter',
    labels: [],
    help: 'Batches that waited for the store until there was no room for them. What they said is written from memory once the store is there again.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.droppedBatches }],
  },
  {
    name: 'store_batches_refused_total',
    type: 'counter',
    labels: [],
    help: 'Batches from the store that could not be read, at least not whole: damaged, or of a version of siteswarm that this node does not know. What they said of peers comes back with the next announces of these.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.refusedBatches }],
  },
  {
    name: 'federation_up',
    type: 'gauge',
    overWorkers: 'min',
    labels: ['remote'],
    help: 'Whether this node hears the other site: 1, or 0 while it is late or cut. The clients of a cut site are answered here.',
    read: ({ gauges }) =>
      gauges.federation.remotes.map(({ remote, isUp }) => ({ labels: { remote }, value: isUp ? 1 : 0 })),
  },
  {
    name: 'federation_age_seconds',
    type: 'gauge',
    overWorkers: 'max',
    labels: ['remote'],
    help: 'For how long nothing has been heard of the other site. It speaks once a second.',
    read: ({ gauges }) =>
      gauges.federation.remotes.map(({ remote, ageSeconds }) => ({ labels: { remote }, value: ageSeconds })),
  },
  {
    name: 'federation_received_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Bytes that came from the streams of other sites, as they were on the wire.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.federation.receivedBytes }],
  },
  {
    name: 'federation_sent_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Bytes that were sent to nodes of other sites on streams, as they were on the wire.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.federation.sentBytes }],
  },
  {
    name: 'federation_refusals_total',
    type: 'counter',
    labels: ['reason'],
    help: 'What other sites did and may not: a wrong token, too many streams, another site than asked, an unknown version, a message beyond all limits, a reader that does not keep up, a registered torrent that could not be taken over, peers that are not theirs (address), more contacts or torrents than fit, or what cannot be read (garbage).',
    read: ({ gauges }) =>
      gauges.federation.refusals.map(({ reason, count }) => ({ labels: { reason }, value: count })),
  },
  {
    name: 'announce_duration_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time from an announce that was read to its answer. It includes waits that are meant: for other nodes and sites while a gateway is chosen (about half a second), and of an rtorrent until a neighbour has something for it (up to 45 s).',
    read: ({ counters }) => readDurations(counters),
  },
  {
    name: 'topology_reloads_total',
    type: 'counter',
    labels: ['result'],
    help: 'Attempts to reload the topology file: accepted, or refused because of an error in it, in which case the old topology stays.',
    read: ({ counters }) =>
      reloadResults.map((result) => ({ labels: { result }, value: counters.reloads(result) })),
  },
  {
    name: 'udp_dropped_total',
    type: 'counter',
    labels: ['cause'],
    help: 'Datagrams that got no answer: unreadable is shorter than any request, unproven comes from a sender that has not shown that its address is its own, unsent is an answer that the network did not take in time. Forged announces and clients that slept too long are unproven; a few are normal.',
    read: ({ gauges }) =>
      udpDropCauses.map((cause) => ({ labels: { cause }, value: gauges.udpDrops[cause] })),
  },
  {
    name: 'workers_replaced_total',
    type: 'counter',
    labels: [],
    help: 'Processes of a node with several workers that ended by themselves, or hung and were killed, and were replaced.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.workersReplaced }],
  },
  {
    name: 'log_lines_dropped_total',
    type: 'counter',
    labels: [],
    help: 'Log lines that were thrown away because whoever reads the log did not keep up.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.logLinesDropped }],
  },
  {
    name: 'build_info',
    type: 'gauge',
    overWorkers: 'max',
    labels: ['version'],
    help: 'Always 1; the label says which version this is.',
    read: ({ version }) => [{ labels: { version }, value: 1 }],
  },
]

/** Prometheus wants each bucket to include the ones below it. */
function readDurations(counters: Counters): Sample[] {
  const { perBucket, sumSeconds } = counters.durations()
  let count = 0
  const buckets = perBucket.map((announces, index): Sample => {
    count += announces
    const bound = durationBuckets[index]
    return { suffix: '_bucket', labels: { le: bound === undefined ? '+Inf' : String(bound) }, value: count }
  })
  return [
    ...buckets,
    { suffix: '_sum', labels: {}, value: sumSeconds },
    { suffix: '_count', labels: {}, value: count },
  ]
}

function perSite(counters: Counters, read: (index: number, site: string) => Sample[]): Sample[] {
  return counters.siteNames.flatMap((site, index) => read(index, site))
}
