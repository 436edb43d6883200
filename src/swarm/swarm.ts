/**
 * One torrent on this node: its peers grouped by site, bubble and role, and the gateways of each site that is filling.
 *
 * There is an object for each swarm and site, never for a peer. Only the `SwarmTable` changes lists and counts.
 */
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { VERSIONS_PER_MS } from './lease-version.ts'
import type { Role } from './peer-state.ts'
import { RecentHosts } from './recent-hosts.ts'
import type { RowList } from './row-list.ts'

/** The lease under which a peer receives peers of other sites. Only `Leases` writes it. */
export interface Gateway {
  readonly row: number
  /** Time of the grant. If there are too many leases, the earlier ones stay. */
  readonly sinceMs: number
  /** Version of the last decision about it; see `lease-version.ts`. */
  readonly version: number
  /** See `Leases`. */
  readonly isTentative: boolean
  /** Time of the peer's announce to which the lease belongs. A lease from before the peer stopped is void. */
  readonly announcedAtMs: number
  /** The peer of another site from which it fetches; -1 without one. */
  readonly upstreamRow: number
  /** Time of the upstream's announce to which the choice belongs. */
  readonly upstreamAnnouncedAtMs: number
  /** Upstreams without progress, which are tried again only after all others. */
  readonly failedUpstreamRows: readonly number[]
  /** Rank in the tree over the sites, set before it chooses an upstream; 0 before. See `tree-rank.ts`. */
  readonly treeRank: number
  /** KiB that it lacked at its last progress, and the time of it: at first those of its lease. Not replicated. */
  readonly progressLeftKib: number
  readonly progressAtMs: number
}

/**
 * Former gateways of a site that are remembered for a torrent. A site has a handful; a host that announces from many
 * addresses in turn must not fill the memory of all nodes.
 */
const GATEWAY_HOSTS_MAX = 1_000

const NO_HOSTS: ReadonlyMap<number, number> = new Map()

export class SiteSwarm {
  readonly site: number
  /** One for each place and role with peers. Replaced, not grown: `push` reserves room for seventeen. */
  lists: readonly RowList[] = []
  /** Peers by role, every address counted: those that can be handed out. */
  leechers = 0
  seeds = 0
  partial = 0
  /** Those of `seeds` that may be magnet clients without content. */
  unverifiedSeeds = 0
  readonly #gateways: Gateway[] = []
  /** Cause of the last end of a lease; the election of the successor is counted under it. */
  lastLeaseEnd: ElectionCause = 'first'
  /** The row whose lease ended without progress: the next election prefers others. -1 without one. */
  lastStalledRow = -1
  /** Hosts whose leases ended without progress, the latest last. The next election prefers other hosts. */
  readonly stalledHosts = new RecentHosts()
  /** The host of the first leecher that is stalled beside seeds. */
  starvedHost: number | undefined = undefined
  /** Hosts whose seeds leave the site without progress; see `distrusted-seeds.ts`. */
  readonly distrustedHosts = new RecentHosts()
  /** Created with the first gateway: most sites of most swarms never have one. */
  #gatewayHosts: Map<number, number> | undefined = undefined

  constructor(site: number) {
    this.site = site
  }

  /** Seeds whose `left=0` is reliable. */
  get trustedSeeds(): number {
    return this.seeds - this.unverifiedSeeds
  }

  get gateways(): readonly Gateway[] {
    return this.#gateways
  }

  get peers(): number {
    return this.leechers + this.seeds + this.partial
  }

  /**
   * Number of hosts that ever were gateways here, up to `GATEWAY_HOSTS_MAX`. It is a hard bound: at most this many times the size of the torrent
   * enters the site, because no other host of it receives a peer of another site.
   */
  get gatewayHostsEver(): number {
    return this.#gatewayHosts?.size ?? 0
  }

  /** The hosts behind `gatewayHostsEver`, by the hash of their address, each with the version of its lease. */
  get gatewayHosts(): ReadonlyMap<number, number> {
    return this.#gatewayHosts ?? NO_HOSTS
  }

  count(role: Role, by: number): void {
    if (role === 'seed') this.seeds += by
    else if (role === 'partial') this.partial += by
    else this.leechers += by
  }

  /** Keeps the highest version of each host. */
  rememberGatewayHost(addressHash: number, version: number): void {
    const hosts = (this.#gatewayHosts ??= new Map<number, number>())
    const known = hosts.get(addressHash) ?? version
    // Last in the order of the map is the latest decision.
    hosts.delete(addressHash)
    hosts.set(addressHash, Math.max(version, known))
    const [oldest] = hosts.keys()
    if (hosts.size > GATEWAY_HOSTS_MAX && oldest !== undefined) hosts.delete(oldest)
  }

  /** Shifts the versions of the gateway history; `Leases` shifts the gateways. */
  shiftTime(byMs: number): void {
    for (const [host, version] of this.#gatewayHosts ?? [])
      this.#gatewayHosts?.set(host, version + VERSIONS_PER_MS * byMs)
  }

  gatewayOf(row: number): Gateway | undefined {
    return this.#gateways.find((gateway) => gateway.row === row)
  }

  addGateway(gateway: Gateway): void {
    this.#gateways.push(gateway)
  }

  dropGateway(row: number): void {
    const index = this.#gateways.findIndex((gateway) => gateway.row === row)
    if (index >= 0) this.#gateways.splice(index, 1)
  }

  list(place: number, role: Role): RowList | undefined {
    for (const list of this.lists) if (list.place === place && list.role === role) return list
    return undefined
  }

  addList(list: RowList): void {
    this.lists = [...this.lists, list]
  }

  dropList(list: RowList): void {
    this.lists = this.lists.filter((other) => other !== list)
  }

  listsOf(role: Role): RowList[] {
    return this.lists.filter((list) => list.role === role)
  }
}

export class Swarm {
  readonly index: number
  readonly infoHash: Buffer
  /** Replaced, not grown, like `lists`. */
  sites: readonly SiteSwarm[] = []
  /** Number of completions: changes from leecher to seed. */
  downloaded = 0
  /** Time of the last completion; 0 if unknown. Seeds that announced `left=0` before it are complete. */
  completedAtMs = 0
  /** Clients by role, each counted once, with any number of addresses. */
  seedClients = 0
  leecherClients = 0
  partialClients = 0
  /** KiB: the most that a leecher has announced as missing. The size of the torrent, once one started without content. */
  sizeKib = 0
  /** Rows, every address counted. */
  rows = 0

  constructor(index: number, infoHash: Buffer) {
    this.index = index
    this.infoHash = infoHash
  }

  site(site: number): SiteSwarm | undefined {
    for (const siteSwarm of this.sites) if (siteSwarm.site === site) return siteSwarm
    return undefined
  }
}
