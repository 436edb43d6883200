/**
 * The rows of the table, in windows of consecutive rows that are grouped by swarm: a record then seldom has to repeat the
 * infohash, and no list of a large swarm is read at once. Rows keep their numbers while their peers live, so a walk over
 * all windows meets each of these peers, also if other work changes the table in between.
 */
import type { SwarmTable } from '../swarm/swarm-table.ts'

/** Sorted in a millisecond, and 16 rows of each of a thousand swarms of equal size: then 1.4 bytes a peer are for infohashes. */
export const WINDOW_ROWS = 16_384

/** Above every row number; a key is the swarm times this, plus the row. */
const ROW_RANGE = 2 ** 24

export class RowWindow {
  readonly #keys = new Float64Array(WINDOW_ROWS)
  #length = 0

  /** Reads the live rows from `start` on that `accepts` accepts. Returns the number of rows that it rejected. */
  read({ rows }: SwarmTable, start: number, accepts: (row: number) => boolean): number {
    const end = Math.min(start + WINDOW_ROWS, rows.end)
    let length = 0
    for (let row = start; row < end; row++)
      if (rows.isLive(row) && accepts(row)) this.#keys[length++] = rows.swarm(row) * ROW_RANGE + row
    this.#keys.subarray(0, length).sort()
    this.#length = length
    return end - start - length
  }

  get length(): number {
    return this.#length
  }

  row(index: number): number {
    return (this.#keys[index] as number) % ROW_RANGE
  }
}
