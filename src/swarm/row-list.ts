/**
 * The rows of one swarm in one place and role: a circular list linked through the rows themselves, at 8 bytes a row.
 * (Arrays take 13 bytes on average with their reserve; a typed array for each list adds the 200 bytes of its object.)
 *
 * Each announce rotates the list. A reader of the first few rows from `head` thus gets others each time, at a cost that
 * does not depend on the length of the list.
 */
import type { PeerRows } from './peer-rows.ts'
import type { Role } from './peer-state.ts'

export class RowList {
  readonly place: number
  readonly role: Role
  #head = -1
  #length = 0

  constructor(place: number, role: Role) {
    this.place = place
    this.role = role
  }

  /** The rows of another list, at another place. The other one must not be used any more. */
  static at(place: number, other: RowList): RowList {
    const list = new RowList(place, other.role)
    list.#head = other.#head
    list.#length = other.#length
    return list
  }

  /** -1 in an empty list. */
  get head(): number {
    return this.#head
  }

  get length(): number {
    return this.#length
  }

  add(rows: PeerRows, row: number): void {
    if (this.#head < 0) {
      this.#head = row
      rows.setNext(row, row)
      rows.setPrevious(row, row)
    } else {
      const last = rows.previous(this.#head)
      rows.setNext(last, row)
      rows.setPrevious(row, last)
      rows.setNext(row, this.#head)
      rows.setPrevious(this.#head, row)
    }
    this.#length++
  }

  remove(rows: PeerRows, row: number): void {
    const next = rows.next(row)
    const previous = rows.previous(row)
    rows.setNext(previous, next)
    rows.setPrevious(next, previous)
    this.#length--
    if (this.#length === 0) this.#head = -1
    else if (this.#head === row) this.#head = next
  }

  /** Adds all rows of another list, which must not be used any more. */
  absorb(rows: PeerRows, other: RowList): void {
    if (other.#head < 0) return
    if (this.#head < 0) this.#head = other.#head
    else {
      const [last, otherLast] = [rows.previous(this.#head), rows.previous(other.#head)]
      rows.setNext(last, other.#head)
      rows.setPrevious(other.#head, last)
      rows.setNext(otherLast, this.#head)
      rows.setPrevious(this.#head, otherLast)
    }
    this.#length += other.#length
  }

  rotate(rows: PeerRows): void {
    if (this.#length > 1) this.#head = rows.next(this.#head)
  }

  /** All rows from the head on. The list must not change during the iteration. */
  *all(rows: PeerRows): Generator<number> {
    let row = this.#head
    for (let left = this.#length; left > 0; left--) {
      yield row
      row = rows.next(row)
    }
  }
}
