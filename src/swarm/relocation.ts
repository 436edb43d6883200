/**
 * The change of the swarm table to a new topology: all rows by its numbers at once, and each row at its own place after
 * some slices, between which the event loop continues.
 */
import type { EmptiedSwarms } from './emptied-swarms.ts'
import type { Leases } from './leases.ts'
import { type PlacesAfter, planRenumbering, renumber } from './new-places.ts'
import type { PeerRows } from './peer-rows.ts'
import type { Placement } from './placement.ts'
import type { Swarm } from './swarm.ts'
import type { SwarmRegistry } from './swarm-registry.ts'

/** The part of the table that it needs. */
export interface RelocatedTable {
  readonly rows: PeerRows
  readonly leases: Leases
  swarmOf(row: number): Swarm
  siteIndexOf(row: number): number
  touch(row: number): void
  remove(row: number, cause: 'stopped'): void
}

export class Relocation {
  readonly #table: RelocatedTable
  readonly #registry: SwarmRegistry
  readonly #placement: Placement
  readonly #emptied: EmptiedSwarms
  #topology: PlacesAfter | undefined = undefined
  /** Rows before it are at their places. */
  #row = 0

  constructor(table: RelocatedTable, registry: SwarmRegistry, placement: Placement, emptied: EmptiedSwarms) {
    this.#table = table
    this.#registry = registry
    this.#placement = placement
    this.#emptied = emptied
  }

  /**
   * Before the change: removes peers of sites that are missing in the new topology, if their addresses have no place in it.
   * Scans up to `rowsMax` rows. Returns the row to continue with; undefined after the last one.
   */
  dropUnplaced(topology: PlacesAfter, from: number, rowsMax: number): number | undefined {
    const { rows } = this.#table
    const end = Math.min(rows.end, from + rowsMax)
    for (let row = from; row < end; row++)
      if (
        rows.isLive(row) &&
        topology.siteAfter(this.#table.siteIndexOf(row)) < 0 &&
        topology.locate(rows.address(row)) < 0
      )
        this.#table.remove(row, 'stopped')
    return end < rows.end ? end : undefined
  }

  /**
   * The change. Each peer is at the place with the name of its old one until `step` moves it. Removed at once: peers of
   * missing sites without a place, of which `dropUnplaced` leaves few.
   */
  begin(topology: PlacesAfter): void {
    const { rows, leases } = this.#table
    const placement = this.#placement
    const remove = (row: number) => this.#table.remove(row, 'stopped')
    const renumbering = planRenumbering(rows, topology, placement.siteOfPlace, remove)
    const counts = placement.counts.renumbered(topology.siteOfPlace, renumbering)
    placement.renumber(counts, topology.siteOfPlace)
    if (!renumbering.isIdentity) {
      renumber({ rows, swarms: this.#registry.swarms(), leases, counts }, renumbering)
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
    if (end >= rows.end) this.#topology = undefined
    return this.#topology !== undefined
  }

  #place(row: number, place: number): void {
    const table = this.#table
    if (place < 0) table.remove(row, 'stopped')
    else if (place !== table.rows.place(row)) {
      // Both sites changed.
      table.touch(row)
      this.#placement.move(table.swarmOf(row), row, place)
      table.touch(row)
    }
  }
}
