/**
 * Scenarios as data: start times, faults with their triggers, and differences from the default shape. `swarm-run.ts`
 * executes them; `README.md` describes the purpose of each.
 */
import { InputError } from '../src/core/errors.ts'
import type { ClosedPorts } from './closed-ports.ts'
import type { ImpostorPlan } from './impostors.ts'
import type { LateHost } from './late-hosts.ts'

export type Start =
  | { readonly kind: 'at-once' }
  /** Each leecher at a random moment from the run's seed, over this multiple of the bound. */
  | { readonly kind: 'staggered'; readonly overBounds: number }
  /** All hosts of one site later than the others. */
  | { readonly kind: 'late-site'; readonly site: number; readonly afterBounds: number }

export type Trigger =
  /** A site has received this share of the content over its uplink. */
  | { readonly kind: 'site-holds'; readonly site: number; readonly share: number }
  /** This many leechers have completed, in one site or in all. */
  | { readonly kind: 'hosts-done'; readonly count: number; readonly site?: number }
  /** The nodes of a site have received all content, or one of its hosts has; a host alone where there are no nodes. */
  | { readonly kind: 'site-complete'; readonly site: number }
  | { readonly kind: 'seconds'; readonly after: number }

export type Fault =
  /**
   * Removes the host of a site with the most connections to other sites, without a goodbye: SIGKILL, after which the kernel
   * closes its connections, or a cut of its link, after which its peers receive nothing at all.
   */
  | { readonly kind: 'remove-gateway'; readonly site: number; readonly how: 'sigkill' | 'link-cut' }
  /** The same for a leecher of a site that has not completed, drawn with the seed of the run. */
  | { readonly kind: 'remove-host'; readonly site: number; readonly how: 'sigkill' | 'link-cut' }
  /** SIGTERM, after which the sources announce `stopped`, or SIGKILL. */
  | { readonly kind: 'end-sources'; readonly how: 'sigterm' | 'sigkill' }
  | { readonly kind: 'cut-uplink'; readonly site: number; readonly forSeconds: number }
  | { readonly kind: 'restart-tracker'; readonly downSeconds: number }
  /** SIGKILL to the nodes and the store of a site; no effect where the sites share one tracker. */
  | { readonly kind: 'kill-site-tracker'; readonly site: number }
  /** Ends the node that carries the content of a site. */
  | { readonly kind: 'end-carrier'; readonly site: number; readonly how: 'sigkill' | 'sigterm' }
  /** SIGKILL to the Redis of a site, which starts again empty; no effect without one. */
  | { readonly kind: 'kill-store'; readonly site: number; readonly downSeconds: number }
  /** By the admin API of a node; null returns to the topology. */
  | { readonly kind: 'set-link-rate'; readonly rate: string | null }
  /** SIGTERM to the clients of a site that the scenario lists as stopped. */
  | { readonly kind: 'stop-late-hosts'; readonly site: number }

export interface Scenario {
  readonly name: string
  readonly summary: string
  readonly start: Start
  readonly faults: readonly { readonly when: Trigger; readonly what: Fault }[]
  /** Additional hosts that announce and do not transfer. */
  readonly impostors: readonly ImpostorPlan[]
  readonly late: readonly LateHost[]
  readonly torrents: number
  readonly isPrivate: boolean
  /** Number of tracker tiers in the torrent. */
  readonly tiers: number
  /** Overrides of the default shape and clients; the command line takes precedence. */
  readonly shape: Partial<{
    sites: number
    hosts: number
    hostsOfSite: Readonly<Record<number, number>>
    bubbles: number
    sizeBytes: number
    client: string
    settings: string
    closed: ClosedPorts
    nodes: number
    isIsolated: boolean
    /** Of all links, as in a topology file. */
    linkRate: string
    /** The links have hours, which begin at the first full minute that is at least this long after the tracker starts. */
    linkOpensAfterSeconds: number
    comparesProgress: boolean
  }>
}

const MIB = 1024 * 1024

const half = (site: number) => ({ kind: 'site-holds', site, share: 0.5 }) as const

const plain: Omit<Scenario, 'name' | 'summary'> = {
  start: { kind: 'at-once' },
  faults: [],
  impostors: [],
  late: [],
  torrents: 1,
  isPrivate: true,
  tiers: 1,
  shape: {},
}

export const scenarios: readonly Scenario[] = [
  {
    ...plain,
    name: 'smoke',
    summary: 'two sites of two hosts and 8 MiB: a check of a few seconds that everything works',
    shape: { sites: 2, hosts: 2, bubbles: 1, sizeBytes: 8 * MIB },
  },
  { ...plain, name: 'flash-crowd', summary: 'all hosts start at once' },
  {
    ...plain,
    name: 'staggered-start',
    summary: 'hosts start one after the other, over 1.5 times the bound',
    start: { kind: 'staggered', overBounds: 1.5 },
  },
  {
    ...plain,
    name: 'late-site',
    summary: 'the last site starts when the others should have completed',
    start: { kind: 'late-site', site: 3, afterBounds: 1.5 },
  },
  {
    ...plain,
    name: 'source-leaves',
    summary: 'the only source leaves as soon as one other host is complete',
    faults: [{ when: { kind: 'hosts-done', count: 1 }, what: { kind: 'end-sources', how: 'sigterm' } }],
  },
  {
    ...plain,
    name: 'source-gone',
    summary: 'the only source is killed as soon as the nodes of site 2, or one of its hosts, have everything',
    faults: [{ when: { kind: 'site-complete', site: 2 }, what: { kind: 'end-sources', how: 'sigkill' } }],
  },
  {
    ...plain,
    name: 'host-killed',
    summary: 'a host of site 2, drawn with the seed, is killed when the site has half of the file',
    faults: [{ when: half(2), what: { kind: 'remove-host', site: 2, how: 'sigkill' } }],
  },
  {
    ...plain,
    name: 'host-cut',
    summary: 'the link of a host of site 2, drawn with the seed, is cut silently at half of the file',
    faults: [{ when: half(2), what: { kind: 'remove-host', site: 2, how: 'link-cut' } }],
  },
  {
    ...plain,
    name: 'carrier-killed',
    summary: 'the node that carries in site 2, one of two, is killed when the site has half of the file',
    faults: [{ when: half(2), what: { kind: 'end-carrier', site: 2, how: 'sigkill' } }],
    shape: { nodes: 2 },
  },
  {
    ...plain,
    name: 'node-stopped',
    summary: 'the node that carries in site 2, one of two, gets SIGTERM when the site has half of the file',
    faults: [{ when: half(2), what: { kind: 'end-carrier', site: 2, how: 'sigterm' } }],
    shape: { nodes: 2 },
  },
  {
    ...plain,
    name: 'redis-killed',
    summary: 'the Redis of site 2 is killed at half of the file, and starts again empty after 5 s',
    faults: [{ when: half(2), what: { kind: 'kill-store', site: 2, downSeconds: 5 } }],
  },
  {
    ...plain,
    name: 'gateway-killed',
    summary: 'the gateway of site 2 is killed when the site has half of the file',
    faults: [
      {
        when: half(2),
        what: { kind: 'remove-gateway', site: 2, how: 'sigkill' },
      },
    ],
  },
  {
    ...plain,
    name: 'gateway-cut',
    summary: 'the link of the gateway of site 2 is cut silently when the site has half of the file',
    faults: [
      {
        when: half(2),
        what: { kind: 'remove-gateway', site: 2, how: 'link-cut' },
      },
    ],
  },
  {
    ...plain,
    name: 'closed-ports',
    summary:
      'a quarter of the hosts drop connections to the client port, the first host of each site among them',
    shape: { closed: { share: 0.25, hosts: [], mode: 'drop', includesFirstHosts: true } },
  },
  {
    ...plain,
    name: 'closed-site',
    summary: 'all hosts of site 2 drop connections to the client port',
    shape: { closed: { share: 0, hosts: [], sites: [2], mode: 'drop', includesFirstHosts: false } },
  },
  {
    ...plain,
    name: 'isolated-sites',
    summary:
      'the routers drop all packets between hosts of different sites; nodes reach each other and all hosts',
    shape: { isIsolated: true },
  },
  {
    ...plain,
    name: 'false-seed',
    summary: 'the first client of site 2 announces left=0 without content',
    impostors: [{ kind: 'false-seed', site: 2 }],
  },
  {
    ...plain,
    name: 'dead-address',
    summary:
      'the first clients of sites 2 and 3, a leecher and a seed, announce a port where nothing listens',
    impostors: [
      { kind: 'dead-leecher', site: 2 },
      { kind: 'dead-seed', site: 3 },
    ],
  },
  {
    ...plain,
    name: 'silent-gateway',
    summary: 'the first client of site 2 announces, stays connected and downloads nothing',
    impostors: [{ kind: 'silent-leecher', site: 2 }],
  },
  {
    ...plain,
    name: 'lying-seed',
    summary: 'the first client of site 2 announces left=0, shows a complete bitfield, and sends nothing',
    impostors: [{ kind: 'lying-seed', site: 2 }],
  },
  {
    ...plain,
    name: 'many-ports',
    summary: 'a host of site 2 announces 500 ports as leechers, before all others, and answers on each',
    impostors: [{ kind: 'many-ports', site: 2 }],
  },
  {
    ...plain,
    name: 'hostile-host',
    summary:
      'a host of site 2 is false seeds, gateways that never progress or by 1 KiB an announce, and 500 ports at once',
    impostors: [{ kind: 'hostile', site: 2 }],
  },
  {
    ...plain,
    name: 'wan-cut',
    summary: 'the uplink of site 2 is cut for 20 s when the site has half of the file',
    faults: [
      {
        when: half(2),
        what: { kind: 'cut-uplink', site: 2, forSeconds: 20 },
      },
    ],
  },
  {
    ...plain,
    name: 'rollout-cut',
    summary: 'the uplink of site 2 is cut for a minute in the middle of a rollout',
    faults: [
      {
        when: half(2),
        what: { kind: 'cut-uplink', site: 2, forSeconds: 60 },
      },
    ],
  },
  {
    ...plain,
    name: 'site-tracker-killed',
    summary: 'the nodes of site 2 are killed before its hosts start, half a bound after the others',
    start: { kind: 'late-site', site: 2, afterBounds: 0.5 },
    faults: [
      { when: { kind: 'site-holds', site: 3, share: 0.25 }, what: { kind: 'kill-site-tracker', site: 2 } },
    ],
  },
  {
    ...plain,
    name: 'tracker-restarted',
    summary: 'the tracker is down for 5 s when site 2 has a quarter of the file',
    faults: [
      {
        when: { kind: 'site-holds', site: 2, share: 0.25 },
        what: { kind: 'restart-tracker', downSeconds: 5 },
      },
    ],
  },
  {
    ...plain,
    name: 'link-rate',
    summary:
      'two sites, a link of 20 Mbit/s, changed by API to 40 after 25 s, to 0 after 45 s, to 40 after 60 s',
    faults: [
      { when: { kind: 'seconds', after: 25 }, what: { kind: 'set-link-rate', rate: '40Mbit' } },
      { when: { kind: 'seconds', after: 45 }, what: { kind: 'set-link-rate', rate: '0Mbit' } },
      { when: { kind: 'seconds', after: 60 }, what: { kind: 'set-link-rate', rate: '40Mbit' } },
    ],
    shape: { sites: 2, hosts: 4, sizeBytes: 240 * MIB, linkRate: '20Mbit' },
  },
  {
    ...plain,
    name: 'link-hours',
    summary: 'two sites, a link whose hours begin during the run, at a full minute',
    shape: { sites: 2, hosts: 4, sizeBytes: 48 * MIB, linkOpensAfterSeconds: 25 },
  },
  {
    ...plain,
    name: 'rollout',
    summary:
      'a registered torrent: the API beside the clients, with a closed port, a slow link, a stopped client, and a host that comes late',
    faults: [{ when: half(3), what: { kind: 'stop-late-hosts', site: 3 } }],
    late: [
      { site: 2, host: 2, how: 'closed' },
      { site: 2, host: 3, how: 'slow' },
      { site: 3, host: 2, how: 'stopped' },
      { site: 3, host: 3, how: 'absent' },
    ],
    shape: { hosts: 20, client: 'mixed', comparesProgress: true },
  },
  {
    ...plain,
    name: 'one-host-site',
    summary: 'the last site has a single host, which has no neighbour to share with',
    shape: { hostsOfSite: { 3: 1 } },
  },
  {
    ...plain,
    name: 'large-bubble',
    summary: 'bubbles of 20 hosts whose clients request 10 peers',
    shape: { hosts: 20, bubbles: 1, sizeBytes: 48 * MIB, client: 'libtorrent', settings: 'few-wanted' },
  },
  {
    ...plain,
    name: 'two-torrents',
    summary: 'two files at once, the second from a source in site 2',
    torrents: 2,
    shape: { sizeBytes: 96 * MIB },
  },
  {
    ...plain,
    name: 'public-torrent',
    summary: 'a torrent without the private flag: clients exchange peers among themselves (PEX)',
    isPrivate: false,
  },
  {
    ...plain,
    name: 'all-tiers',
    summary: 'clients announce to both tiers at once',
    tiers: 2,
    shape: { client: 'libtorrent', settings: 'all-tiers' },
  },
]

export function scenarioNamed(name: string): Scenario {
  const found = scenarios.find((scenario) => scenario.name === name)
  if (found !== undefined) return found
  throw new InputError(`unknown scenario "${name}"; npm run lab -- --list shows the known ones`)
}
