/** Reported state of a node: gauges at scrape time, and the checks behind `/readyz`. */
import type { Clock } from '../core/clock.ts'
import { federationRefusals } from '../core/federation-metrics.ts'
import type { Federation } from '../federation/federation.ts'
import type { CarrierStatus } from './carriage/node-carriage.ts'
import type { ClientObservers } from './client-observers.ts'
import type { NodeClients } from './node-clients.ts'
import { observationResults } from '../observers/observer-counters.ts'
import { Health } from '../observe/health.ts'
import { commonCredentials } from '../core/site-credentials.ts'
import type { FederationGauges, Gauges, ObserverGauges } from '../observe/metric-row.ts'
import type { RolloutHolds } from '../registry/rollout-holds.ts'
import type { SiteStore } from '../replication/site-store.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import type { Topology } from '../topology/topology.ts'

const NO_PEERS = { seeds: 0, leechers: 0 }
const NO_SWARMS = { swarms: 0, gateways: 0 }

/** Advice for a remote site that never answered, most likely because of the configuration. */
const NEVER_ANSWERED = 'its federation URLs must lead to the admin listeners of its nodes, and all sites need'

/** Peers and swarms by place; a remote site reports its own. */
export function readTableGauges(
  topology: Topology,
  table: SwarmTable,
  authority: SiteAuthority,
  holds: Pick<RolloutHolds, 'heldIn'>,
): Pick<Gauges, 'bubbles' | 'sites' | 'peersEvicted'> {
  return {
    peersEvicted: table.eviction.peers,
    bubbles: topology.places.map((place) => ({
      site: place.site.name,
      bubble: place.bubble,
      ...(authority.isRemote(place.site.index) ? NO_PEERS : table.placeCounts.ofPlace(place.index)),
    })),
    sites: topology.sites.map((site) => ({
      site: site.name,
      ...(authority.isRemote(site.index) ? NO_SWARMS : table.placeCounts.ofSite(site.index)),
      held: holds.heldIn(site.name),
    })),
  }
}

/** `federation`: undefined if the node is not federated and answers for all sites. */
export function readFederationGauges(federation: Federation | undefined, clock: Clock): FederationGauges {
  const counters = federation?.counters
  return {
    remotes: (federation?.remotes() ?? []).map(({ site, state, ageSeconds, sinceMs }) => ({
      remote: site,
      isUp: state === 'up',
      // For a site that has never sent anything: how long this node has waited.
      ageSeconds: ageSeconds ?? (clock.nowMs() - sinceMs) / 1000,
    })),
    receivedBytes: counters?.receivedBytes ?? 0,
    sentBytes: counters?.sentBytes ?? 0,
    refusals: federationRefusals.map((reason) => ({ reason, count: counters?.refused(reason) ?? 0 })),
  }
}

/** `site`: of the node, which counts the outcomes. The connections of its carriers are included. */
export function readObserverGauges(
  topology: Topology,
  site: string,
  clients: NodeClients | undefined,
): ObserverGauges {
  const bySite = clients?.observers.bySite()
  const observed: Readonly<Record<string, number>> = clients?.observers.observers.counters.observations ?? {}
  const carried = clients?.carriage.observations ?? {}
  return {
    sites: topology.sites.map(({ name, index }) => ({
      site: name,
      ...(bySite?.get(index) ?? { observed: 0, unreachable: 0, falseSeeds: 0 }),
    })),
    site,
    results: observationResults.map((result) => ({
      result,
      count: (observed[result] ?? 0) + (carried[result] ?? 0),
    })),
  }
}

export interface Drain {
  readonly reason: string | undefined
  readonly sinceMs: number
}

export interface NodeStatus {
  readonly isRestored: boolean
  /** undefined while the node is not draining. */
  readonly drain: Drain | undefined
  readonly peers: number
  readonly store: SiteStore['state']
  readonly topology: Topology
  /** Name of the site of the node. */
  readonly site: string
  /** See `TopologyReloader.rejection`. */
  readonly topologyRejection: string | undefined
  readonly federation: Federation | undefined
  readonly clientObservers: ClientObservers | undefined
  readonly carriers: CarrierStatus | undefined
}

export function nodeHealth(read: () => NodeStatus): Health {
  return new Health([
    {
      name: 'restored',
      isRequired: true,
      read: () => {
        const { isRestored, peers, store } = read()
        const sentence = store.isCaughtUp
          ? `${peers} peers in the table`
          : `${peers} peers in the table; the state of the other nodes of the site has not been read yet`
        return { isOk: isRestored, sentence: isRestored ? sentence : `being restored: ${store.sentence}` }
      },
    },
    {
      name: 'serving',
      isRequired: true,
      read: () => {
        const { drain } = read()
        return {
          isOk: drain === undefined,
          sentence: drain === undefined ? 'announces are answered' : describeDrain(drain),
        }
      },
    },
    {
      name: 'store',
      isRequired: false,
      read: () => {
        const { isUp, sentence } = read().store
        return { isOk: isUp, sentence }
      },
    },
    { name: 'topology', isRequired: false, read: () => checkTopology(read()) },
    { name: 'federation', isRequired: false, read: () => checkFederation(read()) },
    { name: 'observers', isRequired: false, read: () => checkObservers(read().clientObservers) },
    { name: 'carriers', isRequired: false, read: () => checkCarriers(read().carriers) },
  ])
}

function describeDrain({ reason, sinceMs }: Drain): string {
  const why = reason === undefined ? 'this node is about to stop' : reason
  return `draining since ${new Date(sinceMs).toISOString()}: ${why}; use another node`
}

function checkTopology({ topology, topologyRejection, federation }: NodeStatus) {
  const others = (federation?.remotes() ?? []).filter(
    ({ topologyHash }) => topologyHash !== undefined && topologyHash !== topology.hash,
  )
  if (topologyRejection !== undefined)
    return {
      isOk: false,
      sentence: `the file was rejected, the topology ${topology.hash} stays: ${topologyRejection}`,
    }
  if (others.length > 0) {
    const named = others.map(({ site, topologyHash }) => `${site} has ${topologyHash}`)
    return {
      isOk: false,
      sentence: `${named.join(', ')}, this node has ${topology.hash}: copy the same file to the nodes of all sites`,
    }
  }
  return { isOk: true, sentence: `${topology.hash}, ${topology.sites.length} sites` }
}

function checkFederation({ federation, topology, site }: NodeStatus) {
  if (federation === undefined) {
    const problem = missingFederation(topology, site)
    return problem === undefined
      ? { isOk: true, sentence: 'off: this node answers for all sites' }
      : { isOk: false, sentence: problem }
  }
  const remotes = federation.remotes()
  const notUp = remotes.filter(({ state }) => state !== 'up')
  if (notUp.length === 0) return { isOk: true, sentence: `connected to ${remotes.length} remote sites` }
  const states = notUp.map(({ site: remote, state, sinceMs, reason, ageSeconds }) => {
    const sentence = `${remote} is ${state} since ${new Date(sinceMs).toISOString()} (${reason})`
    return ageSeconds === undefined
      ? `${sentence} and has never answered: ${NEVER_ANSWERED} ${federation.commonCredentials}`
      : sentence
  })
  return { isOk: false, sentence: `${states.join('; ')}; answering clients of unreachable sites` }
}

/**
 * The consequence where this node is not federated although other sites have trackers of their own; undefined where all
 * sites announce to the same trackers. `site`: of the node.
 */
export function missingFederation(topology: Topology, site: string): string | undefined {
  const own = new Set(topology.siteNamed(site)?.trackers ?? [])
  const others = topology.sites.filter(
    ({ name, trackers }) => name !== site && trackers.length > 0 && !trackers.some((url) => own.has(url)),
  )
  if (others.length === 0) return undefined
  const names = others.map(({ name }) => name)
  return (
    `not federated, although ${names.slice(0, 5).join(', ')}${names.length > 5 ? ' …' : ''} have trackers of their own: ` +
    `clients of different sites do not meet; give each site federation URLs in the topology, and all nodes ${commonCredentials({})}`
  )
}

/** With fewer closed ports, each may be the firewall of its host. */
const CLOSED_MIN = 5

function checkObservers(clientObservers: ClientObservers | undefined) {
  if (clientObservers === undefined)
    return { isOk: true, sentence: 'off: observe.connections is 0, so only announces show what clients do' }
  const { clients, carried, reachable, unreachable } = clientObservers.census()
  if (reachable === 0 && unreachable >= CLOSED_MIN)
    return {
      isOk: false,
      sentence:
        `none of ${unreachable} clients accepts a connection from this node: ` +
        'allow connections from this host to the client ports of its site in the firewalls between them',
    }
  return {
    isOk: true,
    sentence: `${clients} clients observed, ${carried} of them by carriers; ${unreachable} do not accept connections`,
  }
}

function checkCarriers(carriers: CarrierStatus | undefined) {
  if (carriers === undefined)
    return { isOk: true, sentence: 'off: observe.connections is 0, so hosts fetch from other sites' }
  const { isRunning, torrents, linked, missing } = carriers
  if (!isRunning)
    return {
      isOk: false,
      sentence: 'the process of the carriers does not run and is started again; hosts fetch from other sites',
    }
  const carried = `${torrents} ${torrents === 1 ? 'torrent' : 'torrents'} carried`
  if (missing.length === 0) return { isOk: true, sentence: `${carried}; connected to ${linked} sites` }
  const names = `${missing.slice(0, 5).join(', ')}${missing.length > 5 ? ' …' : ''}`
  return {
    isOk: false,
    sentence: `${carried}; no connection to a node of ${names}: this node or theirs has to reach the federation URLs of the other, and proxies between them have to pass on upgraded connections`,
  }
}
