/**
 * Who was told of whom. Symmetric, because whoever is dialled knows the dialler: a link is kept at both ends.
 *
 * A row has at most `LINKS_MAX` links, in a block that exists only while it has any; links between two complete
 * peers are dropped by the caller, so a site that has filled keeps nothing.
 */
import { assert } from '../core/assert.ts'
import type { PeerRows } from './peer-rows.ts'
import { SlotPool } from './slot-pool.ts'

/**
 * Three neighbours asked for, a few more that asked for it, six strangers on completion, a rescue, and slack.
 * A block is this many words: 64 bytes a peer while its site is filling.
 */
export const LINKS_MAX = 16

export class Introductions {
  readonly #rows: PeerRows
  /** Entries are row + 1; 0 is an empty one, and none follows an empty one. */
  readonly #blocks = new SlotPool(LINKS_MAX)

  constructor(rows: PeerRows) {
    this.#rows = rows
  }

  get bytes(): number {
    return this.#blocks.bytes
  }

  /** Rows with at least one link. */
  get linkedRows(): number {
    return this.#blocks.live
  }

  count(row: number): number {
    const block = this.#rows.linksBlock(row)
    if (block === 0) return 0
    let count = 0
    while (count < LINKS_MAX && this.#blocks.get(block, count) !== 0) count++
    return count
  }

  /** The neighbour at `index`, 0 … count-1, oldest first. */
  at(row: number, index: number): number {
    return this.#blocks.get(this.#rows.linksBlock(row), index) - 1
  }

  has(row: number, other: number): boolean {
    const block = this.#rows.linksBlock(row)
    if (block === 0) return false
    for (let index = 0; index < LINKS_MAX; index++) {
      const entry = this.#blocks.get(block, index)
      if (entry === 0) return false
      if (entry === other + 1) return true
    }
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
    while (this.#rows.linksBlock(row) !== 0) this.unlink(row, this.at(row, this.count(row) - 1))
  }

  #append(row: number, other: number): void {
    let block = this.#rows.linksBlock(row)
    if (block === 0) {
      block = this.#blocks.allocate()
      this.#rows.setLinksBlock(row, block)
    }
    this.#blocks.set(block, this.count(row), other + 1)
  }

  #drop(row: number, other: number): void {
    const block = this.#rows.linksBlock(row)
    if (block === 0) return
    const count = this.count(row)
    let found = 0
    while (found < count && this.#blocks.get(block, found) !== other + 1) found++
    if (found === count) return
    for (let index = found; index + 1 < count; index++)
      this.#blocks.set(block, index, this.#blocks.get(block, index + 1))
    this.#blocks.set(block, count - 1, 0)
    if (count === 1) {
      this.#blocks.release(block)
      this.#rows.setLinksBlock(row, 0)
    }
  }
}
