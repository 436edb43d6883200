/**
 * Placement of rows in the lists of the sites, by the place that the topology gives an address, and by role. A lease
 * belongs to a site, so it ends when its row leaves the site.
 */
import type { Address } from '../core/address.ts'
import { assert } from '../core/assert.ts'
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { Leases } from './leases.ts'
import { flags, type PeerRows } from './peer-rows.ts'
import { PlaceCounts } from './place-counts.ts'
import { RowList } from './row-list.ts'
import type { Role } from './peer-state.ts'
import { SiteSwarm, type Swarm } from './swarm.ts'

/** The part of a new topology that the table needs. */
export interface PlacesAfter {
  readonly siteOfPlace: readonly number[]
  /** Place index of an address, or -1 if the topology does not contain it. */
  locate(address: Address): number
  /** The new index of a site that had this index, or -1 if it was removed. */
  siteAfter(siteIndex: number): number
}

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
    let list = site.list(place, role)
    if (list === undefined) site.addList((list = new RowList(place, role)))
    list.add(this.#rows, row)
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
    const list = site.list(place, role)
    assert(list !== undefined, 'a live row is in a list')
    list.remove(this.#rows, row)
    if (list.length === 0) site.dropList(list)
    site.count(role, -1)
    this.#counts.countPeer(place, role, -1)
    if (site.peers === 0) this.#counts.countSwarm(place, -1)
    if (this.#rows.has(row, flags.unverifiedSeed)) site.unverifiedSeeds--
    if (site.history.lastStalledRow === row) site.historyToWrite().lastStalledRow = -1
  }

  /**
   * Applies a new topology, in which every row of these swarms has a place. Leases and gateway history stay with
   * sites that still exist.
   */
  remap(swarms: Iterable<Swarm>, topology: PlacesAfter): void {
    this.#siteOfPlace = topology.siteOfPlace
    this.#counts = new PlaceCounts(topology.siteOfPlace)
    for (const swarm of swarms) this.#remapSwarm(swarm, topology)
  }

  #remapSwarm(swarm: Swarm, topology: PlacesAfter): void {
    const sitesBefore = swarm.sites
    swarm.sites = []
    for (const site of sitesBefore) {
      const siteIndex = topology.siteAfter(site.site)
      if (siteIndex < 0) continue
      const after = siteFor(swarm, siteIndex)
      for (const [host, version] of site.gatewayHosts) after.rememberGatewayHost(host, version)
      if (site.history.lastLeaseEnd !== 'first')
        after.historyToWrite().lastLeaseEnd = site.history.lastLeaseEnd
    }
    for (const site of sitesBefore)
      for (const list of site.lists)
        for (const row of Array.from(list.all(this.#rows))) {
          this.#rows.setPlace(row, topology.locate(this.#rows.address(row)))
          this.attach(swarm, row)
        }
    for (const site of sitesBefore)
      for (const gateway of site.gateways) {
        if (this.siteIndexOf(gateway.row) === topology.siteAfter(site.site)) {
          this.siteOf(swarm, gateway.row).addGateway(gateway)
          this.#counts.countGateway(this.#rows.place(gateway.row), 1)
        } else this.#rows.setFlag(gateway.row, flags.gateway, false)
      }
  }
}

/** The site in the swarm, added if it is missing. */
export function siteFor(swarm: Swarm, siteIndex: number): SiteSwarm {
  let site = swarm.site(siteIndex)
  if (site === undefined) swarm.sites = [...swarm.sites, (site = new SiteSwarm(siteIndex))]
  return site
}
