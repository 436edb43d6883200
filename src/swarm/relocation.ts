/**
 * The change of the swarm table to a new topology: all rows by its numbers at once, and each row at its own place after
 * some slices, between which the event loop continues.
 */
import type { EmptiedSwarms } from './emptied-swarms.ts'
import { type PlacesAfter, planRenumbering, renumberRows } from './new-places.ts'
import type { PeerRows } from './peer-rows.ts'
import type { Placement } from './placement.ts'
import type { Revisions } from './revision.ts'
import { SiteSamples } from './site-samples.ts'
import type { Swarm } from './swarm.ts'

/** The part of the table that it needs. */
export interface RelocatedTable {
  readonly rows: PeerRows
  swarmOf(row: number): Swarm
  siteIndexOf(row: number): number
  touch(row: number): void
  remove(row: number, cause: 'stopped'): void
}

export class Relocation {
  readonly #table: RelocatedTable
  readonly #revisions: Revisions<Swarm>
  readonly #placement: Placement
  readonly #emptied: EmptiedSwarms
  #topology: PlacesAfter | undefined = undefined
  /** Rows before it are at their places. */
  #row = 0
  readonly #samples = new SiteSamples()

  constructor(
    table: RelocatedTable,
    revisions: Revisions<Swarm>,
    placement: Placement,
    emptied: EmptiedSwarms,
  ) {
    this.#table = table
    this.#revisions = revisions
    this.#placement = placement
    this.#emptied = emptied
  }

  /**
   * Before the change: removes peers of sites that are missing in the new topology, if their addresses have no place in it.
   * Scans up to `rowsMax` rows. Returns the row to continue with; undefined after the last one.
   */
  dropUnplaced(topology: PlacesAfter, from: number, rowsMax: number): number | undefined {
    const { rows } = this.#table
    if (from === 0) this.#samples.clear()
    const end = Math.min(rows.end, from + rowsMax)
    for (let row = from; row < end; row++) {
      if (!rows.isLive(row)) continue
      const site = this.#table.siteIndexOf(row)
      if (topology.siteAfter(site) >= 0) continue
      const address = rows.address(row)
      if (topology.locate(address) < 0) this.#table.remove(row, 'stopped')
      else this.#samples.add(site, address)
    }
    return end < rows.end ? end : undefined
  }

  /**
   * The change. Each peer is at the place with the name of its old one until `step` moves it. Removed at once: peers of
   * missing sites without a place, of which `dropUnplaced` leaves few.
   */
  begin(topology: PlacesAfter): void {
    const { rows } = this.#table
    const { counts, siteOfPlace } = this.#placement
    const remove = (row: number) => this.#table.remove(row, 'stopped')
    const before = { rows, counts, siteOfPlace, samples: this.#samples, remove }
    const renumbering = planRenumbering(before, topology)
    this.#samples.clear()
    this.#placement.renumber(counts.renumbered(topology.siteOfPlace, renumbering), topology.siteOfPlace)
    renumberRows(rows, renumbering.places, topology.siteOfPlace.length)
    if (!renumbering.isIdentity) {
      this.#revisions.add({ renumbering })
      this.#emptied.remap((siteIndex) => topology.siteAfter(siteIndex))
    }
    this.#topology = topology
    this.#row = 0
  }

  /** Moves up to `rowsMax` rows to their places, and removes those without one. False after the last row. */
  step(rowsMax: number): boolean {
    const topology = this.#topology
    if (topology === undefined) return false
    const { rows } = this.#table
    const end = Math.min(rows.end, this.#row + rowsMax)
    for (; this.#row < end; this.#row++)
      if (rows.isLive(this.#row)) this.#place(this.#row, topology.locate(rows.address(this.#row)))
    if (end >= rows.end) {
      this.#topology = undefined
      rows.places.settle()
    }
    return this.#topology !== undefined
  }

  #place(row: number, place: number): void {
    const table = this.#table
    table.swarmOf(row).catchUp()
    if (place < 0) table.remove(row, 'stopped')
    else if (place === table.rows.place(row)) table.rows.setPlace(row, place)
    else {
      // Both sites changed.
      table.touch(row)
      this.#placement.move(table.swarmOf(row), row, place)
      table.touch(row)
    }
  }
}
