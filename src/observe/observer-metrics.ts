/** Metrics of the observers: what the node sees of its clients between their announces. */
import type { MetricRow } from './metric-row.ts'

export const observerMetrics: readonly MetricRow[] = [
  {
    name: 'observers',
    type: 'gauge',
    labels: ['site'],
    help: 'Clients of the site that this node observes, by a held connection or in turn. The live nodes of a site divide its clients.',
    read: ({ gauges }) =>
      gauges.observers.sites.map(({ site, observed }) => ({ labels: { site }, value: observed })),
  },
  {
    name: 'observations_total',
    type: 'counter',
    labels: ['site', 'result'],
    help: 'Outcomes of dials and connections of this node to clients, those of its carriers included, counted under the site of the node. Dials: reachable, refused, silent, no-socket (the node could not dial). Connections: pieces (the client has shown its bitfield), complete, closed (by the client), mute (no handshake), gone (no answer from a client that had answered), violation, flooding and no-memory (ended by the node).',
    read: ({ gauges }) =>
      gauges.observers.results.map(({ result, count }) => ({
        labels: { site: gauges.observers.site, result },
        value: count,
      })),
  },
  {
    name: 'unreachable_peers',
    type: 'gauge',
    labels: ['site'],
    help: 'Clients of the site, observed by this node, that do not accept connections: a host firewall, a NAT, or a container network. They are not handed out and complete through connections of their own.',
    read: ({ gauges }) =>
      gauges.observers.sites.map(({ site, unreachable }) => ({ labels: { site }, value: unreachable })),
  },
  {
    name: 'false_seeds',
    type: 'gauge',
    labels: ['site'],
    help: 'Clients of the site, observed by this node, that announce left=0 and whose bitfield lacks pieces. They do not make a site warm.',
    read: ({ gauges }) =>
      gauges.observers.sites.map(({ site, falseSeeds }) => ({ labels: { site }, value: falseSeeds })),
  },
  {
    name: 'gateway_replacement_seconds',
    type: 'histogram',
    labels: [],
    help: 'Time from the observed loss or stall of a gateway to the first new piece of its successor.',
    read: ({ counters }) => counters.gatewayReplacements.samples(),
  },
]
