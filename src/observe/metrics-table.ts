/**
 * Table of all metrics of this program: name, type, labels, help text, and the function that reads the values at
 * scrape time.
 *
 * Labels are small closed sets, and every combination is present at zero from the start, so that a rate is right
 * from the first event on. A label never contains an infohash, a peer or an address. A test compares
 * docs/reference/metrics.md with this table.
 */
import { carrierMetrics } from './carrier-metrics.ts'
import type { Counters } from './counters.ts'
import { causes, events, localities, protocols, reloadResults } from './counters.ts'
import { listenerRows } from './listener-metrics.ts'
import type { MetricRow, Sample } from './metric-row.ts'
import { observerMetrics } from './observer-metrics.ts'
import { originRefusals } from './origin-counters.ts'

export const METRIC_PREFIX = 'siteswarm_'

export const metricsTable: readonly MetricRow[] = [
  {
    name: 'announces_total',
    type: 'counter',
    labels: ['site', 'protocol', 'event'],
    help: 'Answered announces, by site of the peer, protocol and event (none: a regular announce).',
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
  listenerRows.announceFailures,
  {
    name: 'shared_endpoints_total',
    type: 'counter',
    labels: [],
    help: 'Announces of a peer whose address and port another client of the same torrent announces as well: clients that share an endpoint, of which only the first one is recorded. The log names each endpoint (shared-endpoint).',
    read: ({ counters }) => [{ labels: {}, value: counters.sharedEndpoints }],
  },
  {
    name: 'loopback_withheld_total',
    type: 'counter',
    labels: [],
    help: 'Peers on loopback addresses that were not handed out to a client on another address, which could not reach them. The log names each address (loopback-withheld).',
    read: ({ counters }) => [{ labels: {}, value: counters.loopbackWithheld }],
  },
  {
    name: 'peers',
    type: 'gauge',
    labels: ['site', 'bubble', 'role'],
    help: 'Peers that announced within their lifetime, by site, bubble (-: outside any bubble) and role (a seed has the complete torrent). A client counts once per torrent and address.',
    read: ({ gauges }) =>
      gauges.bubbles.flatMap(({ site, bubble, seeds, leechers }) => [
        { labels: { site, bubble, role: 'seed' }, value: seeds },
        { labels: { site, bubble, role: 'leecher' }, value: leechers },
      ]),
  },
  {
    name: 'swarms',
    type: 'gauge',
    labels: ['site'],
    help: 'Torrents with at least one peer in the site.',
    read: ({ gauges }) => gauges.sites.map(({ site, swarms }) => ({ labels: { site }, value: swarms })),
  },
  {
    name: 'held_torrents',
    type: 'gauge',
    labels: ['site'],
    help: 'Registered torrents that an operator holds in the site: no content flows into it from other sites.',
    read: ({ gauges }) => gauges.sites.map(({ site, held }) => ({ labels: { site }, value: held })),
  },
  {
    name: 'handout_peers_total',
    type: 'counter',
    labels: ['site', 'ring'],
    help: 'Peers handed out, by site of the requester and by distance: bubble (its own), site (another bubble of its site) or remote (another site).',
    read: ({ counters }) =>
      perSite(counters, (index, site) =>
        localities.map((ring) => ({ labels: { site, ring }, value: counters.handouts(index, ring) })),
      ),
  },
  {
    name: 'gateways',
    type: 'gauge',
    labels: ['site'],
    help: 'Current gateways of the site over all torrents: the peers that fetch from remote sites.',
    read: ({ gauges }) => gauges.sites.map(({ site, gateways }) => ({ labels: { site }, value: gateways })),
  },
  {
    name: 'gateway_elections_total',
    type: 'counter',
    labels: ['site', 'cause'],
    help: 'Gateways elected, by cause: the first of a torrent, an additional one (added), or a replacement for one that stopped, expired, stalled or was surplus (two nodes elected one each while they could not reach each other). Each replacement may transfer up to one more copy over the links between sites.',
    read: ({ counters }) =>
      perSite(counters, (index, site) =>
        causes.map((cause) => ({ labels: { site, cause }, value: counters.elections(index, cause) })),
      ),
  },
  {
    name: 'rescues_total',
    type: 'counter',
    labels: ['site'],
    help: 'Peers without progress that were handed another source, possibly in a remote site.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [{ labels: { site }, value: counters.rescues(index) }]),
  },
  {
    name: 'downloaded_bytes_total',
    type: 'counter',
    labels: ['site'],
    help: 'Bytes downloaded by the peers of the site, from any source, as reported in their announces.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [{ labels: { site }, value: counters.downloadedBytes(index) }]),
  },
  {
    name: 'gateway_downloaded_bytes_total',
    type: 'counter',
    labels: ['site'],
    help: 'Bytes downloaded by gateways of the site, as reported in their announces; an upper bound of the traffic into the site over the links between sites. Includes former gateways, which keep their remote peers.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [
        { labels: { site }, value: counters.gatewayDownloadedBytes(index) },
      ]),
  },
  {
    name: 'completions_total',
    type: 'counter',
    labels: ['site'],
    help: 'Completed downloads of peers of the site.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [{ labels: { site }, value: counters.completions(index) }]),
  },
  {
    name: 'ready',
    type: 'gauge',
    labels: [],
    help: '1 if a load balancer should send clients to this node; 0 while it catches up with its site or drains. A draining node still answers announces.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.isReady ? 1 : 0 }],
  },
  {
    name: 'origin_bytes_total',
    type: 'counter',
    labels: ['site'],
    help: 'Bytes read from the origins of registered torrents for clients of the site.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [{ labels: { site }, value: counters.origins.bytes(index) }]),
  },
  {
    name: 'origin_saved_bytes_total',
    type: 'counter',
    labels: ['site'],
    help: 'Bytes that the origins did not have to serve: total size of the completed downloads of torrents with an origin in the site, minus the bytes read from the origin for them.',
    read: ({ counters }) =>
      perSite(counters, (index, site) => [{ labels: { site }, value: counters.origins.savedBytes(index) }]),
  },
  {
    name: 'origin_refused_total',
    type: 'counter',
    labels: ['site', 'cause'],
    help: 'Rejected requests for content: the site has a copy (warm), its byte budget is exhausted (budget), another of its hosts was fetching until the wait ended (busy), the origin could not be read (failed), or the torrent has no file of that name (not-found).',
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
    labels: [],
    help: '1 if the store of this node (Redis, or the snapshot on disk) can be written, else 0. Announces are answered in both cases.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.isUp ? 1 : 0 }],
  },
  {
    name: 'store_lag_seconds',
    type: 'gauge',
    labels: [],
    help: 'Age of the oldest change that is not yet in the store.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.lagSeconds }],
  },
  {
    name: 'store_backlog_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes of changes that wait for the store to become writable. Above 8 MiB the oldest are dropped.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.backlogBytes }],
  },
  {
    name: 'store_batches_dropped_total',
    type: 'counter',
    labels: [],
    help: 'Batches dropped because the backlog was full. Their contents are written from memory once the store is available again.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.droppedBatches }],
  },
  {
    name: 'store_batches_refused_total',
    type: 'counter',
    labels: [],
    help: 'Batches from the store that could not be read completely: damaged, or written by an unknown version of siteswarm. Their peers are recorded again at their next announce.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.refusedBatches }],
  },
  {
    name: 'store_values_invalid_total',
    type: 'counter',
    labels: [],
    help: 'Values in the store that no node wrote, such as a count that is not a number or a torrent with other bytes. They are skipped; the log names one of them a minute.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.store.invalidValues }],
  },
  {
    name: 'federation_up',
    type: 'gauge',
    labels: ['remote'],
    help: '1 if the federation stream from the remote site is up; 0 while it is stale or down. Clients of a site that is down are answered locally.',
    read: ({ gauges }) =>
      gauges.federation.remotes.map(({ remote, isUp }) => ({ labels: { remote }, value: isUp ? 1 : 0 })),
  },
  {
    name: 'federation_age_seconds',
    type: 'gauge',
    labels: ['remote'],
    help: 'Time since the last message from the remote site. Heartbeats arrive every second.',
    read: ({ gauges }) =>
      gauges.federation.remotes.map(({ remote, ageSeconds }) => ({ labels: { remote }, value: ageSeconds })),
  },
  {
    name: 'federation_received_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Bytes received on federation streams from remote sites, as on the wire.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.federation.receivedBytes }],
  },
  {
    name: 'federation_sent_bytes_total',
    type: 'counter',
    labels: [],
    help: 'Bytes sent on federation streams to nodes of remote sites, as on the wire.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.federation.sentBytes }],
  },
  {
    name: 'federation_refusals_total',
    type: 'counter',
    labels: ['reason'],
    help: 'Protocol violations by remote sites and other rejections between sites, by reason: a wrong token, too many streams, a URL of another site, an unknown version, a message above the size limit, a subscriber that is too slow, a registered torrent that could not be copied, a hold or rate that is dated in the future (override), peers outside the addresses of their site (address), more advertised peers (contacts) or torrents than fit, or a malformed message (garbage).',
    read: ({ gauges }) =>
      gauges.federation.refusals.map(({ reason, count }) => ({ labels: { reason }, value: count })),
  },
  {
    name: 'announce_duration_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time from reading an announce to its response. Includes deliberate delays: for other nodes and sites during a gateway election (about half a second), and for an rtorrent until a neighbour has data for it (up to 45 s).',
    read: ({ counters }) => counters.durations.samples(),
  },
  ...observerMetrics,
  ...carrierMetrics,
  {
    name: 'topology_reloads_total',
    type: 'counter',
    labels: ['result'],
    help: 'Reloads of the topology file: accepted, or refused because of an error in it; the old topology then stays.',
    read: ({ counters }) =>
      reloadResults.map((result) => ({ labels: { result }, value: counters.reloads(result) })),
  },
  listenerRows.untrustedForwarding,
  listenerRows.udpDropped,
  {
    name: 'peers_evicted_total',
    type: 'counter',
    labels: [],
    help: 'Peers that were dropped because the swarm table was full: those of the source with the most peers. Raise limits.peers and limits.torrents if the peers are real.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.peersEvicted }],
  },
  {
    name: 'workers_replaced_total',
    type: 'counter',
    labels: [],
    help: 'Worker processes of the node that exited unexpectedly, or hung and were killed, and were replaced.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.workersReplaced }],
  },
  {
    name: 'admin_wrong_tokens_total',
    type: 'counter',
    labels: [],
    help: 'Requests of the admin API with a wrong token. The log names their source (admin-token-wrong).',
    read: ({ gauges }) => [{ labels: {}, value: gauges.wrongAdminTokens }],
  },
  listenerRows.logLinesDropped,
  {
    name: 'topology_info',
    type: 'gauge',
    labels: ['hash'],
    help: 'Always 1; the label is the hash of the current topology of the node. All nodes of all sites should have the same one.',
    read: ({ gauges }) => [{ labels: { hash: gauges.topologyHash }, value: 1 }],
  },
  {
    name: 'build_info',
    type: 'gauge',
    labels: ['version'],
    help: 'Always 1; the label is the version of the program.',
    read: ({ version }) => [{ labels: { version }, value: 1 }],
  },
]

function perSite(counters: Counters, read: (index: number, site: string) => Sample[]): Sample[] {
  return counters.siteNames.flatMap((site, index) => read(index, site))
}
