/**
 * Placement of rows in the lists of the sites, by the place that the topology gives an address, and by role. A lease
 * belongs to a site, so it ends when its row leaves the site.
 */
import { assert } from '../core/assert.ts'
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { Leases } from './leases.ts'
import { flags, type PeerRows } from './peer-rows.ts'
import { PlaceCounts } from './place-counts.ts'
import { RowList } from './row-list.ts'
import type { Role } from './peer-state.ts'
import { SiteSwarm, type Swarm } from './swarm.ts'

export class Placement {
  readonly leases: Leases
  readonly #rows: PeerRows
  #siteOfPlace: readonly number[]
  #counts: PlaceCounts

  constructor(rows: PeerRows, siteOfPlace: readonly number[]) {
    this.#rows = rows
    this.#siteOfPlace = siteOfPlace
    this.#counts = new PlaceCounts(siteOfPlace)
    this.leases = new Leases(rows, (row, by) => this.#counts.countGateway(rows.place(row), by))
  }

  /** Site index of each place index. */
  get siteOfPlace(): readonly number[] {
    return this.#siteOfPlace
  }

  get counts(): PlaceCounts {
    return this.#counts
  }

  roleOf(row: number): Role {
    if (this.#rows.has(row, flags.seed)) return 'seed'
    return this.#rows.has(row, flags.partial) ? 'partial' : 'leecher'
  }

  siteIndexOf(row: number): number {
    return this.#siteOfPlace[this.#rows.place(row)] as number
  }

  /** The site that the row is listed in. */
  siteOf(swarm: Swarm, row: number): SiteSwarm {
    const site = swarm.site(this.siteIndexOf(row))
    assert(site !== undefined, 'a live row has a site')
    return site
  }

  /** Puts the row into the list of its place and role. */
  attach(swarm: Swarm, row: number): void {
    const site = siteFor(swarm, this.siteIndexOf(row))
    const place = this.#rows.place(row)
    const role = this.roleOf(row)
    this.#list(site, row)
    if (site.peers === 0) this.#counts.countSwarm(place, 1)
    site.count(role, 1)
    this.#counts.countPeer(place, role, 1)
    if (this.#rows.has(row, flags.unverifiedSeed)) site.unverifiedSeeds++
  }

  /** Removes the row from its list and ends its lease. */
  detach(swarm: Swarm, row: number, cause: ElectionCause): void {
    const site = this.siteOf(swarm, row)
    this.leases.end({ site, row }, cause)
    const place = this.#rows.place(row)
    const role = this.roleOf(row)
    this.#unlist(site, row)
    site.count(role, -1)
    this.#counts.countPeer(place, role, -1)
    if (site.peers === 0) this.#counts.countSwarm(place, -1)
    if (this.#rows.has(row, flags.unverifiedSeed)) site.unverifiedSeeds--
    if (site.history.lastStalledRow === row) site.historyToWrite().lastStalledRow = -1
  }

  /** The same rows by the places of a new topology. */
  renumber(counts: PlaceCounts, siteOfPlace: readonly number[]): void {
    this.#siteOfPlace = siteOfPlace
    this.#counts = counts
  }

  /** Moves the row to another place. Its lease stays with it inside its site, and ends otherwise. */
  move(swarm: Swarm, row: number, place: number): void {
    if (this.#siteOfPlace[place] !== this.siteIndexOf(row)) {
      this.detach(swarm, row, 'stopped')
      this.#rows.setPlace(row, place)
      this.attach(swarm, row)
      return
    }
    const site = this.siteOf(swarm, row)
    const role = this.roleOf(row)
    this.#unlist(site, row)
    this.#counts.countPeer(this.#rows.place(row), role, -1)
    this.#rows.setPlace(row, place)
    this.#list(site, row)
    this.#counts.countPeer(place, role, 1)
  }

  #list(site: SiteSwarm, row: number): void {
    const place = this.#rows.place(row)
    const role = this.roleOf(row)
    let list = site.list(place, role)
    if (list === undefined) site.addList((list = new RowList(place, role)))
    list.add(this.#rows, row)
  }

  #unlist(site: SiteSwarm, row: number): void {
    const list = site.list(this.#rows.place(row), this.roleOf(row))
    assert(list !== undefined, 'a live row is in a list')
    list.remove(this.#rows, row)
    if (list.length === 0) site.dropList(list)
  }
}

/** The site in the swarm, added if it is missing. */
export function siteFor(swarm: Swarm, siteIndex: number): SiteSwarm {
  let site = swarm.site(siteIndex)
  if (site === undefined) swarm.sites = [...swarm.sites, (site = new SiteSwarm(siteIndex))]
  return site
}
