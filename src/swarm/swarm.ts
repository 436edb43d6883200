/**
 * One torrent on this node: its peers grouped by site, bubble and role, and the gateways of each site that is filling.
 *
 * There is an object for each swarm and site, never for a peer. Only the `SwarmTable` changes lists and counts.
 */
import type { Gateway } from './gateway.ts'
import type { Role } from './peer-state.ts'
import type { Revision } from './revision.ts'
import type { RowList } from './row-list.ts'
import { SiteHistory } from './site-history.ts'

/** Of a site where nothing has happened yet. */
const NO_HISTORY: Readonly<SiteHistory> = new SiteHistory()

export class SiteSwarm {
  #site: number
  /** One for each place and role with peers. Replaced, not grown: `push` reserves room for seventeen. */
  lists: readonly RowList[] = []
  /** Peers by role, every address counted: those that can be handed out. */
  leechers = 0
  seeds = 0
  partial = 0
  /** Those of `seeds` that may be magnet clients without content. */
  unverifiedSeeds = 0
  #history: SiteHistory | undefined = undefined

  constructor(site: number) {
    this.#site = site
  }

  get site(): number {
    return this.#site
  }

  /** The index and the lists by the numbers of a new topology. */
  renumber(site: number, lists: readonly RowList[]): void {
    this.#site = site
    this.lists = lists
  }

  /** Adds the counts and the history of a site that became this one, without its lists and gateways. */
  absorb(other: SiteSwarm): void {
    this.leechers += other.leechers
    this.seeds += other.seeds
    this.partial += other.partial
    this.unverifiedSeeds += other.unverifiedSeeds
    for (const [host, version] of other.gatewayHosts) this.rememberGatewayHost(host, version)
  }

  /** Seeds whose `left=0` is reliable. */
  get trustedSeeds(): number {
    return this.seeds - this.unverifiedSeeds
  }

  /** To read; what is written goes through `historyToWrite`. */
  get history(): Readonly<SiteHistory> {
    return this.#history ?? NO_HISTORY
  }

  historyToWrite(): SiteHistory {
    return (this.#history ??= new SiteHistory())
  }

  get gateways(): readonly Gateway[] {
    return this.history.gateways
  }

  get peers(): number {
    return this.leechers + this.seeds + this.partial
  }

  /**
   * Number of hosts that ever were gateways here, up to a thousand. It is a hard bound: at most this many times the size
   * of the torrent enters the site, because no other host of it receives a peer of another site.
   */
  get gatewayHostsEver(): number {
    return this.history.gatewayHosts.size
  }

  /** The hosts behind `gatewayHostsEver`, by the hash of their address, each with the version of its lease. */
  get gatewayHosts(): ReadonlyMap<number, number> {
    return this.history.gatewayHosts
  }

  count(role: Role, by: number): void {
    if (role === 'seed') this.seeds += by
    else if (role === 'partial') this.partial += by
    else this.leechers += by
  }

  rememberGatewayHost(addressHash: number, version: number): void {
    this.historyToWrite().rememberGatewayHost(addressHash, version)
  }

  shiftTime(byMs: number): void {
    this.#history?.shiftTime(byMs)
  }

  gatewayOf(row: number): Gateway | undefined {
    for (const gateway of this.gateways) if (gateway.row === row) return gateway
    return undefined
  }

  addGateway(gateway: Gateway): void {
    this.historyToWrite().gateways.push(gateway)
  }

  dropGateway(row: number): void {
    this.#history?.dropGateway(row)
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
  #sites: readonly SiteSwarm[] = []
  #revision: Revision<Swarm>
  /** Number of completions: changes from leecher to seed. */
  downloaded = 0
  #completedAtMs = 0
  /** Clients by role, each counted once, with any number of addresses. */
  seedClients = 0
  leecherClients = 0
  partialClients = 0
  /** KiB: the most that a leecher has announced as missing. The size of the torrent, once one started without content. */
  sizeKib = 0
  /** Rows, every address counted. */
  rows = 0

  constructor(index: number, infoHash: Buffer, revision: Revision<Swarm>) {
    this.index = index
    this.infoHash = infoHash
    this.#revision = revision
  }

  /** Replaced, not grown, like `lists`. */
  get sites(): readonly SiteSwarm[] {
    this.catchUp()
    return this.#sites
  }

  set sites(sites: readonly SiteSwarm[]) {
    this.#sites = sites
  }

  /** Time of the last completion; 0 if unknown. Seeds that announced `left=0` before it are complete. */
  get completedAtMs(): number {
    this.catchUp()
    return this.#completedAtMs
  }

  set completedAtMs(atMs: number) {
    this.#completedAtMs = atMs
  }

  /** Applies what changed for all swarms since this one was used. */
  catchUp(): void {
    const before = this.#revision
    if (!before.isPast) return
    // First, because the change is made through this object.
    this.#revision = before.latest()
    before.apply(this)
  }

  site(site: number): SiteSwarm | undefined {
    for (const siteSwarm of this.sites) if (siteSwarm.site === site) return siteSwarm
    return undefined
  }
}
