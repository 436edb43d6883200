/**
 * The rows of one swarm, place and role, in no order: adding, removing and drawing one at random each cost the
 * same however long it is. Whoever removes a row is told which one moved into its position.
 */
const ROWS_FIRST = 2
/** Above this, lists grow by an eighth instead of by half: less memory lies unused in the large ones. */
const ROWS_LARGE = 1024
/** Shared by all empty lists: a typed array of its own costs more than a hundred bytes. */
const NO_ROWS = new Uint32Array(0)

export class RowList {
  #rows = NO_ROWS
  #length = 0

  get length(): number {
    return this.#length
  }

  get bytes(): number {
    return this.#rows.length * 4
  }

  at(position: number): number {
    return this.#rows[position] as number
  }

  /** Returns the position of the new row. */
  add(row: number): number {
    if (this.#length === this.#rows.length) {
      const longer = this.#length < ROWS_LARGE ? this.#length * 1.5 : this.#length * 1.125
      this.#resize(Math.max(ROWS_FIRST, Math.ceil(longer)))
    }
    this.#rows[this.#length] = row
    return this.#length++
  }

  /** Returns the row that now is at `position`, or -1 where the last one was removed. */
  removeAt(position: number): number {
    this.#length--
    const last = this.#rows[this.#length] as number
    const moved = position === this.#length ? -1 : last
    if (moved >= 0) this.#rows[position] = moved
    if (this.#length * 4 < this.#rows.length && this.#rows.length > ROWS_FIRST) this.#resize(this.#length * 2)
    return moved
  }

  #resize(capacity: number): void {
    const rows = new Uint32Array(Math.max(ROWS_FIRST, capacity))
    rows.set(this.#rows.subarray(0, this.#length))
    this.#rows = rows
  }
}
