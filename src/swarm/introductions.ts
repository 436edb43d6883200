/**
 * Who was told of whom. Symmetric, because whoever is dialled knows the dialler: a link is kept at both ends.
 *
 * A row has at most `LINKS_MAX` links, in one block or two that exist only while it has any; links between two
 * complete peers are dropped by the caller, so a site that has filled keeps nothing.
 */
import { assert } from '../core/assert.ts'
import type { PeerRows } from './peer-rows.ts'
import { SlotPool } from './slot-pool.ts'

/*
  block =>
    0 … 6  row + 1 of a neighbour; 0 is empty, and nothing follows an empty one
    7      the second block, or 0
*/
const LINKS_IN_BLOCK = 7
const SECOND = 7

/**
 * Four neighbours, six strangers on completion, two of a gateway, and slack for rescues. Most leechers have no more
 * than fit into one block of 32 bytes.
 */
export const LINKS_MAX = 2 * LINKS_IN_BLOCK

export class Introductions {
  readonly #rows: PeerRows
  readonly #blocks = new SlotPool(LINKS_IN_BLOCK + 1)

  constructor(rows: PeerRows) {
    this.#rows = rows
  }

  get bytes(): number {
    return this.#blocks.bytes
  }

  /** Blocks in use; 0 when nobody knows anybody. */
  get blocksInUse(): number {
    return this.#blocks.live
  }

  count(row: number): number {
    const first = this.#rows.linksBlock(row)
    if (first === 0) return 0
    const second = this.#blocks.get(first, SECOND)
    return second === 0 ? this.#countIn(first) : LINKS_IN_BLOCK + this.#countIn(second)
  }

  /** The neighbour at `index`, 0 … count-1, oldest first. */
  at(row: number, index: number): number {
    return this.#entry(row, index) - 1
  }

  has(row: number, other: number): boolean {
    for (let index = this.count(row) - 1; index >= 0; index--) if (this.at(row, index) === other) return true
    return false
  }

  /** Links both ways. A full end forgets its oldest link first. Linking twice changes nothing. */
  link(row: number, other: number): void {
    assert(row !== other, 'a peer is never introduced to itself')
    if (this.has(row, other)) return
    for (const end of [row, other]) if (this.count(end) === LINKS_MAX) this.unlink(end, this.at(end, 0))
    this.#append(row, other)
    this.#append(other, row)
  }

  /** Forgets the link at both ends. Does nothing where there is none. */
  unlink(row: number, other: number): void {
    this.#drop(row, other)
    this.#drop(other, row)
  }

  /** Forgets every link of the row, at both ends. */
  unlinkAll(row: number): void {
    for (let count = this.count(row); count > 0; count--) this.unlink(row, this.at(row, count - 1))
  }

  #append(row: number, other: number): void {
    const count = this.count(row)
    if (count === 0) this.#rows.setLinksBlock(row, this.#blocks.allocate())
    else if (count === LINKS_IN_BLOCK)
      this.#blocks.set(this.#rows.linksBlock(row), SECOND, this.#blocks.allocate())
    this.#setEntry(row, count, other + 1)
  }

  #drop(row: number, other: number): void {
    const count = this.count(row)
    let found = 0
    while (found < count && this.at(row, found) !== other) found++
    if (found === count) return
    for (let index = found; index + 1 < count; index++)
      this.#setEntry(row, index, this.#entry(row, index + 1))
    this.#setEntry(row, count - 1, 0)
    const first = this.#rows.linksBlock(row)
    if (count === 1) {
      this.#blocks.release(first)
      this.#rows.setLinksBlock(row, 0)
    } else if (count === LINKS_IN_BLOCK + 1) {
      this.#blocks.release(this.#blocks.get(first, SECOND))
      this.#blocks.set(first, SECOND, 0)
    }
  }

  #countIn(block: number): number {
    let count = 0
    while (count < LINKS_IN_BLOCK && this.#blocks.get(block, count) !== 0) count++
    return count
  }

  #entry(row: number, index: number): number {
    return this.#blocks.get(this.#blockOf(row, index), index % LINKS_IN_BLOCK)
  }

  #setEntry(row: number, index: number, entry: number): void {
    this.#blocks.set(this.#blockOf(row, index), index % LINKS_IN_BLOCK, entry)
  }

  #blockOf(row: number, index: number): number {
    const first = this.#rows.linksBlock(row)
    return index < LINKS_IN_BLOCK ? first : this.#blocks.get(first, SECOND)
  }
}
