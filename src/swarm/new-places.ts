/**
 * The change to a new topology: all rows by its place numbers at once, and each row at its own place some time later.
 *
 * A large table has millions of rows, and finding the place of each takes seconds, in which the node would answer no
 * announce. The change itself therefore only renumbers: each place of the old topology becomes the place of the same
 * name. `Relocation` then finds the place of each row, a slice at a time. Meanwhile a row may be in another bubble of its
 * site than its address belongs to, and the rows of a removed site are in the site that most of a sample belong to.
 */
import type { Address } from '../core/address.ts'
import type { PeerRows } from './peer-rows.ts'
import type { Leases } from './leases.ts'
import type { PlaceCounts } from './place-counts.ts'
import { RowList } from './row-list.ts'
import type { SiteSwarm, Swarm } from './swarm.ts'

/** The part of a new topology that the table needs. */
export interface PlacesAfter {
  readonly siteOfPlace: readonly number[]
  /** Place index of an address, or -1 if the topology does not contain it. */
  locate(address: Address): number
  /** The new index of a site that had this index, or -1 if it was removed. */
  siteAfter(siteIndex: number): number
  /** The new index of a place that had this index; that of its site if it was removed, -1 if both were. */
  placeAfter(placeIndex: number): number
}

/** Rows of a removed site whose addresses decide where all of them go first. */
const SAMPLED_ROWS = 16

/** New place and site indexes by old ones. -1: no row is there. */
export interface Renumbering {
  readonly places: Int32Array
  readonly sites: Int32Array
  /** No index changes. */
  readonly isIdentity: boolean
}

/** `remove`: for a row of a removed site whose address has no place. */
export function planRenumbering(
  rows: PeerRows,
  topology: PlacesAfter,
  siteOfPlaceBefore: readonly number[],
  remove: (row: number) => void,
): Renumbering {
  const places = Int32Array.from(siteOfPlaceBefore, (_, place) => topology.placeAfter(place))
  const sitesBefore = siteOfPlaceBefore.reduce((most, site) => Math.max(most, site + 1), 0)
  const sites = Int32Array.from({ length: sitesBefore }, (_, site) => topology.siteAfter(site))
  if (sites.includes(-1)) mergeRemovedSites(rows, topology, { siteOfPlaceBefore, places, sites }, remove)
  const isSame = (to: number, from: number) => to === from
  return { places, sites, isIdentity: places.every(isSame) && sites.every(isSame) }
}

function mergeRemovedSites(
  rows: PeerRows,
  topology: PlacesAfter,
  {
    siteOfPlaceBefore,
    places,
    sites,
  }: {
    readonly siteOfPlaceBefore: readonly number[]
    readonly places: Int32Array
    readonly sites: Int32Array
  },
  remove: (row: number) => void,
): void {
  const samples = new Map<number, number[]>()
  for (let row = 0; row < rows.end; row++) {
    if (!rows.isLive(row)) continue
    const site = siteOfPlaceBefore[rows.place(row)] as number
    if (sites[site] !== -1) continue
    const sample = samples.get(site) ?? []
    if (sample.length >= SAMPLED_ROWS) continue
    const place = topology.locate(rows.address(row))
    if (place < 0) remove(row)
    else samples.set(site, [...sample, place])
  }
  for (const [site, sample] of samples) {
    const place = mostFrequent(sample)
    sites[site] = topology.siteOfPlace[place] as number
    for (const [index, of] of siteOfPlaceBefore.entries()) if (of === site) places[index] = place
  }
}

function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].reduce((best, each) => (each[1] > best[1] ? each : best))[0]
}

/** Renumbers rows, lists and sites in place. */
export function renumber(
  { rows, swarms, leases, counts }: RenumberedTable,
  { places, sites }: Renumbering,
): void {
  for (let row = 0; row < rows.end; row++)
    if (rows.isLive(row)) rows.setPlace(row, places[rows.place(row)] as number)
  for (const swarm of swarms) {
    const kept: SiteSwarm[] = []
    for (const site of swarm.sites) {
      const index = sites[site.site] as number
      if (index < 0) continue
      site.renumber(index, renumberedLists(rows, site.lists, places))
      const same = kept.find((other) => other.site === index)
      if (same === undefined) kept.push(site)
      else absorb(rows, leases, counts, same, site)
    }
    swarm.sites = kept
  }
}

export interface RenumberedTable {
  readonly rows: PeerRows
  readonly swarms: Iterable<Swarm>
  readonly leases: Leases
  /** Of the new topology. */
  readonly counts: PlaceCounts
}

/** Two places that become one have one list for each role. */
function renumberedLists(rows: PeerRows, lists: readonly RowList[], places: Int32Array): RowList[] {
  const after: RowList[] = []
  for (const list of lists) {
    const place = places[list.place] as number
    const same = after.find((other) => other.place === place && other.role === list.role)
    if (same === undefined) after.push(RowList.at(place, list))
    else same.absorb(rows, list)
  }
  return after
}

/** Two sites that become one. The leases of the second end: it has no gateway of its own any more. */
function absorb(rows: PeerRows, leases: Leases, counts: PlaceCounts, into: SiteSwarm, from: SiteSwarm): void {
  for (const { row } of from.gateways.slice()) leases.end({ site: from, row }, 'stopped')
  for (const list of from.lists) {
    const same = into.list(list.place, list.role)
    if (same === undefined) into.addList(list)
    else same.absorb(rows, list)
  }
  const place = from.lists[0]?.place
  if (place !== undefined && into.peers > 0) counts.countSwarm(place, -1)
  into.absorb(from)
}
