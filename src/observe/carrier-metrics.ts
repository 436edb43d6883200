/** Metrics of the carriers: content between sites, and to the hosts of a site, through this node. */
import type { MetricRow } from './metric-row.ts'

export const carrierMetrics: readonly MetricRow[] = [
  {
    name: 'relays',
    type: 'gauge',
    labels: ['site'],
    help: 'Torrents whose content this node carries to the clients of the site. The nodes of a site divide its torrents.',
    read: ({ gauges }) =>
      gauges.carriers.sites.map(({ site, relays }) => ({ labels: { site }, value: relays })),
  },
  {
    name: 'relayed_bytes_total',
    type: 'counter',
    labels: ['site', 'from'],
    help: 'Bytes of content that this node received for the site from the carrier of another site (from). Exact; without the headers of the connection. Divided by the size of the torrent it is the number of copies.',
    read: ({ gauges }) =>
      gauges.carriers.relayed.map(({ site, from, bytes }) => ({ labels: { site, from }, value: bytes })),
  },
  {
    name: 'carrier_links',
    type: 'gauge',
    labels: ['remote'],
    help: '1 while the carriers of this node are connected to a node of the remote site.',
    read: ({ gauges }) =>
      gauges.carriers.links.map(({ remote, isUp }) => ({ labels: { remote }, value: isUp ? 1 : 0 })),
  },
  {
    name: 'carrier_cache_bytes',
    type: 'gauge',
    labels: [],
    help: 'Bytes of blocks in the memory of the carriers; the limit is carry.cache.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.carriers.cachedBytes }],
  },
  {
    name: 'carrier_faults_total',
    type: 'counter',
    labels: ['fault'],
    help: 'Connections of clients that the carriers closed, and messages without effect, by cause: more requests outstanding than any client needs (requests-dropped), more messages than any client sends (flooding), requests without reading the responses (not-reading), a request outside of the torrent (request-out-of-range), or a message that the protocol does not allow (violation).',
    read: ({ gauges }) =>
      gauges.carriers.faults.map(({ fault, count }) => ({ labels: { fault }, value: count })),
  },
  {
    name: 'carrier_pieces_invalid_total',
    type: 'counter',
    labels: [],
    help: 'Pieces of registered torrents that failed their check and were fetched again.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.carriers.piecesInvalid }],
  },
  {
    name: 'carrier_liars_total',
    type: 'counter',
    labels: [],
    help: 'Clients and sites that sent wrong data and are not asked again. The log names each (wrong-data).',
    read: ({ gauges }) => [{ labels: {}, value: gauges.carriers.liars }],
  },
  {
    name: 'carrier_exits_total',
    type: 'counter',
    labels: [],
    help: 'Exits of the process of the carriers that the node did not request. It was started again.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.carriers.exits }],
  },
]
