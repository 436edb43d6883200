/**
 * The change to a new topology: all rows by its place numbers at once, and each row at its own place some time later.
 *
 * A large table has millions of rows, and finding the place of each takes seconds, in which the node would answer no
 * announce. The change itself therefore only renumbers, and writes neither rows nor swarms: each place of the old topology
 * becomes the place of the same name (`PlaceNumbers`), and a swarm is renumbered when it is used (`Revision`). `Relocation`
 * then finds the place of each row, a slice at a time. Meanwhile a row may be in another bubble of its site than its address
 * belongs to, and the rows of a removed site are in the site that most of a sample belong to.
 */
import type { Address } from '../core/address.ts'
import type { PeerRows } from './peer-rows.ts'
import type { Leases } from './leases.ts'
import type { PlaceCounts } from './place-counts.ts'
import { PlaceNumbers } from './place-numbers.ts'
import type { Change, Renumbering } from './revision.ts'
import { RowList } from './row-list.ts'
import { SAMPLED_ROWS, type SiteSamples } from './site-samples.ts'
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

/** The table before the change. */
export interface TableBefore {
  readonly rows: PeerRows
  readonly counts: PlaceCounts
  readonly siteOfPlace: readonly number[]
  /** Of sites that are removed. */
  readonly samples: SiteSamples
  /** For a row of a removed site whose address has no place. */
  readonly remove: (row: number) => void
}

export function planRenumbering(before: TableBefore, topology: PlacesAfter): Renumbering {
  const places = Int32Array.from(before.siteOfPlace, (_, place) => topology.placeAfter(place))
  const sitesBefore = before.siteOfPlace.reduce((most, site) => Math.max(most, site + 1), 0)
  const sites = Int32Array.from({ length: sitesBefore }, (_, site) => topology.siteAfter(site))
  if (sites.includes(-1)) mergeRemovedSites(before, topology, { places, sites })
  const isSame = (to: number, from: number) => to === from
  return { places, sites, isIdentity: places.every(isSame) && sites.every(isSame) }
}

function mergeRemovedSites(
  before: TableBefore,
  topology: PlacesAfter,
  { places, sites }: Pick<Renumbering, 'places' | 'sites'>,
): void {
  const { siteOfPlace, counts } = before
  const removed = new Set<number>()
  for (const [place, site] of siteOfPlace.entries())
    if (sites[site] === -1 && counts.hasPeers(place)) removed.add(site)
  const votes = before.samples.placesIn(topology, removed)
  const unknown = [...removed].filter((site) => !votes.has(site))
  // Only where its first peers came after `dropUnplaced`, or without a call of that.
  if (unknown.length > 0) scanSites(before, topology, new Set(unknown), votes)
  for (const [site, sample] of votes) {
    const place = mostFrequent(sample)
    sites[site] = topology.siteOfPlace[place] as number
    for (const [index, of] of siteOfPlace.entries()) if (of === site) places[index] = place
  }
}

function scanSites(
  { rows, siteOfPlace, remove }: TableBefore,
  topology: PlacesAfter,
  wanted: ReadonlySet<number>,
  votes: Map<number, number[]>,
): void {
  for (let row = 0; row < rows.end; row++) {
    if (!rows.isLive(row)) continue
    const site = siteOfPlace[rows.place(row)] as number
    if (!wanted.has(site)) continue
    const sample = votes.get(site) ?? []
    if (sample.length >= SAMPLED_ROWS) continue
    const place = topology.locate(rows.address(row))
    if (place < 0) remove(row)
    else votes.set(site, [...sample, place])
  }
}

function mostFrequent(values: readonly number[]): number {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].reduce((best, each) => (each[1] > best[1] ? each : best))[0]
}

export function renumberRows(rows: PeerRows, places: Int32Array, placesAfter: number): void {
  if (rows.places.replace(places, placesAfter)) return
  // Both topologies together have more places than there are numbers.
  const numbers = new PlaceNumbers()
  for (let row = 0; row < rows.end; row++)
    if (rows.isLive(row)) rows.setPlace(row, places[rows.place(row)] as number, numbers)
  rows.places = numbers
}

/** What a swarm needs to apply a change. */
export interface ChangedTable {
  readonly rows: PeerRows
  readonly leases: Leases
  /** Of the latest topology. */
  readonly placeCounts: PlaceCounts
}

/** Renumbers lists and sites, and shifts the times of the leases. */
export function applyChange(table: ChangedTable, swarm: Swarm, { renumbering, shiftedMs }: Change): void {
  if (shiftedMs !== 0) {
    if (swarm.completedAtMs > 0) swarm.completedAtMs += shiftedMs
    for (const site of swarm.sites) table.leases.shiftTime(site, shiftedMs)
  }
  if (renumbering === undefined) return
  const kept: SiteSwarm[] = []
  for (const site of swarm.sites) {
    const index = renumbering.sites[site.site] as number
    if (index < 0) continue
    site.renumber(index, renumberedLists(table.rows, site.lists, renumbering.places))
    const same = kept.find((other) => other.site === index)
    if (same === undefined) kept.push(site)
    else absorb(table, same, site)
  }
  swarm.sites = kept
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
function absorb({ rows, leases, placeCounts }: ChangedTable, into: SiteSwarm, from: SiteSwarm): void {
  for (const { row } of from.gateways.slice()) leases.end({ site: from, row }, 'stopped')
  for (const list of from.lists) {
    const same = into.list(list.place, list.role)
    if (same === undefined) into.addList(list)
    else same.absorb(rows, list)
  }
  const place = from.lists[0]?.place
  if (place !== undefined && into.peers > 0) placeCounts.countSwarm(place, -1)
  into.absorb(from)
}
