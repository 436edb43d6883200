/**
 * One torrent, as this node knows it: its peers grouped by site, bubble and role, and, while a site is filling,
 * the gateways through which it fetches.
 *
 * Objects here are per swarm and site, never per peer. Only the `SwarmTable` changes the lists and counts.
 */
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { VERSIONS_PER_MS } from './lease-version.ts'
import type { Role } from './peer-state.ts'
import type { RowList } from './row-list.ts'

/** The lease under which a peer may know other sites. Only `Leases` writes it. */
export interface Gateway {
  readonly row: number
  /** When it got the lease. Of too many leases the earlier ones stay. */
  readonly sinceMs: number
  /** Of the last decision about it; see `lease-version.ts`. */
  readonly version: number
  /** See `Leases`. */
  readonly isTentative: boolean
  /** The announce of the peer that the lease goes back to: one from before it stopped is worth nothing. */
  readonly announcedAtMs: number
  /** The peer of another site that it fetches from; -1 while it has none. */
  readonly upstreamRow: number
  /** The announce of the upstream that the choice goes back to. */
  readonly upstreamAnnouncedAtMs: number
  /** Upstreams that gave it nothing, and are not tried again before others. */
  readonly failedUpstreamRows: readonly number[]
  /** Where it is in the tree over the sites, settled before it chooses an upstream; see `treeRank`. */
  readonly treeRank: number
}

const NOBODY: ReadonlyMap<number, number> = new Map()

export class SiteSwarm {
  readonly site: number
  /** One for each place and role that has peers. Replaced, not grown: `push` reserves room for seventeen. */
  lists: readonly RowList[] = []
  /** Peers by role, every address counted: what the policy can hand out. */
  leechers = 0
  seeds = 0
  partial = 0
  /** Those of `seeds` that may be magnet clients without anything. */
  unverifiedSeeds = 0
  readonly #gateways: Gateway[] = []
  /** Why the last lease ended; what its successor's election is counted under. */
  lastLeaseEnd: ElectionCause = 'first'
  /** Whose lease ended without progress: others come first at the next election. -1 nobody. */
  lastStalledRow = -1
  /** Made when the first one comes: most sites of most swarms never have any. */
  #gatewayHosts: Map<number, number> | undefined = undefined

  constructor(site: number) {
    this.site = site
  }

  /** Seeds whose `left=0` can be relied on. */
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
   * Hosts that ever were gateway here. The hard bound: bytes into this site for this torrent are at most this
   * many times its size, because nobody else is told of anybody in another site.
   */
  get gatewayHostsEver(): number {
    return this.#gatewayHosts?.size ?? 0
  }

  /** The hosts behind `gatewayHostsEver`, by the hash of their address, each with the version of its lease. */
  get gatewayHosts(): ReadonlyMap<number, number> {
    return this.#gatewayHosts ?? NOBODY
  }

  count(role: Role, by: number): void {
    if (role === 'seed') this.seeds += by
    else if (role === 'partial') this.partial += by
    else this.leechers += by
  }

  /** An older version than is known changes nothing. */
  rememberGatewayHost(addressHash: number, version: number): void {
    this.#gatewayHosts ??= new Map()
    this.#gatewayHosts.set(addressHash, Math.max(version, this.#gatewayHosts.get(addressHash) ?? version))
  }

  /** Of the hosts that ever were gateway; `Leases` shifts the gateways. */
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
  /** How often it was completed, counted on the way from leecher to seed. */
  downloaded = 0
  /** When it was completed last; 0 where that is not known. Whoever said `left=0` before had something to have. */
  completedAtMs = 0
  /** Clients by role, each counted once however many addresses it announces from. */
  seedClients = 0
  leecherClients = 0
  partialClients = 0
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
