/** Metrics of the listeners of the tracker. A worker has these, and the rest comes from the owner of the swarm table. */
import { refusalCodes } from './counters.ts'
import type { ListenerGauges, MetricRow, UdpDropCause } from './metric-row.ts'

const udpDropCauses: readonly UdpDropCause[] = ['unreadable', 'unproven', 'limited', 'unsent']

export const listenerRows = {
  announceFailures: {
    name: 'announce_failures_total',
    type: 'counter',
    labels: ['code'],
    help: 'Rejected announces and scrapes, by code; docs/reference/errors.md explains each code.',
    read: ({ counters }) => refusalCodes.map((code) => ({ labels: { code }, value: counters.refused(code) })),
  },
  untrustedForwarding: {
    name: 'untrusted_forwarding_total',
    type: 'counter',
    labels: [],
    help: 'HTTP requests with a forwarding header (X-Forwarded-For, Forwarded, X-Real-IP) from an address that is not in trustedProxies. The header is ignored; the log names each address once.',
    read: ({ counters }) => [{ labels: {}, value: counters.untrustedForwarding }],
  },
  udpDropped: {
    name: 'udp_dropped_total',
    type: 'counter',
    labels: ['cause'],
    help: 'Datagrams without a response, by cause: shorter than any request (unreadable), without a valid connection id (unproven: forged, or from a client that was suspended; a few are normal), from a source above limits.requestsPerSource that has the reason already (limited), or with a response that the network did not take in time (unsent).',
    read: ({ gauges }) =>
      udpDropCauses.map((cause) => ({ labels: { cause }, value: gauges.udpDrops[cause] })),
  },
  logLinesDropped: {
    name: 'log_lines_dropped_total',
    type: 'counter',
    labels: [],
    help: 'Log lines dropped because the reader of the log did not keep up.',
    read: ({ gauges }) => [{ labels: {}, value: gauges.logLinesDropped }],
  },
} as const satisfies Readonly<Record<string, MetricRow<ListenerGauges>>>
