/**
 * Who was told of whom. Symmetric, because whoever is dialled knows the dialler: a link is kept at both ends.
 *
 * A row has at most `LINKS_MAX` links, in one block or two that exist only while it has any; links between two
 * complete peers are dropped by the caller, so a site that has filled keeps nothing.
 *
 * Each end keeps which announce of its peer the link goes back to: one from before the peer stopped says nothing
 * of the peer that is there now, and nodes that hear of both in different order must come to the same.
 */
import { assert } from '../core/assert.ts'
import type { PeerRows } from './peer-rows.ts'
import { SlotPool } from './slot-pool.ts'

/*
  block =>
    0 … 6  row + 1 of a neighbour; 0 is empty, and nothing follows an empty one
    7      the second block, or 0
    8 … 14 when this row had announced what the link goes back to: milliseconds, modulo 2^32, by neighbour
*/
const LINKS_IN_BLOCK = 7
const SECOND = 7
const TIMES = 8
const BLOCK_WORDS = TIMES + LINKS_IN_BLOCK

/**
 * Up to seven neighbours, a source, and six strangers on completion. Most leechers have no more than fit into one
 * block of 60 bytes.
 */
export const LINKS_MAX = 2 * LINKS_IN_BLOCK

export class Introductions {
  readonly #rows: PeerRows
  readonly #blocks = new SlotPool(BLOCK_WORDS)

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

  /** The announce of the row that its link at `index` goes back to. */
  announcedAtMs(row: number, index: number, nearMs: number): number {
    return nearMs - ((nearMs - this.#time(row, index)) | 0)
  }

  /** The announces that the link of two rows goes back to: the first row's, and the other's. */
  announcedAtOfBoth(row: number, other: number, nearMs: number): readonly [number, number] {
    const announcedAtMs = (end: number, of: number) => {
      let index = this.count(end) - 1
      while (index > 0 && this.at(end, index) !== of) index--
      return this.announcedAtMs(end, index, nearMs)
    }
    return [announcedAtMs(row, other), announcedAtMs(other, row)]
  }

  /** Links both ways, as of what both have announced last. A full end forgets its oldest link first. */
  link(row: number, other: number): void {
    this.linkAt(row, other, this.#rows.lastSeenMs(row, 0), this.#rows.lastSeenMs(other, 0))
  }

  /** The same as of certain announces of both. Where they are linked already, the later ones count. */
  linkAt(row: number, other: number, rowAnnouncedAtMs: number, otherAnnouncedAtMs: number): void {
    assert(row !== other, 'a peer is never introduced to itself')
    if (!this.has(row, other)) {
      for (const end of [row, other]) if (this.count(end) === LINKS_MAX) this.unlink(end, this.at(end, 0))
      this.#append(row, other, rowAnnouncedAtMs)
      this.#append(other, row, otherAnnouncedAtMs)
    } else {
      this.#advance(row, other, rowAnnouncedAtMs)
      this.#advance(other, row, otherAnnouncedAtMs)
    }
  }

  /** The row was told of all its neighbours again, in the answer to what it announced last. */
  renew(row: number): void {
    const lastSeenMs = this.#rows.lastSeenMs(row, 0)
    for (let index = this.count(row) - 1; index >= 0; index--) this.#setTime(row, index, lastSeenMs)
  }

  /** Forgets the links that go back to announces of the row up to this time. */
  unlinkUntil(row: number, atMs: number): void {
    for (let index = this.count(row) - 1; index >= 0; index--)
      if (this.announcedAtMs(row, index, atMs) <= atMs) this.unlink(row, this.at(row, index))
  }

  shiftTime(row: number, byMs: number): void {
    for (let index = this.count(row) - 1; index >= 0; index--)
      this.#setTime(row, index, this.#time(row, index) + byMs)
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

  #advance(row: number, other: number, announcedAtMs: number): void {
    for (let index = this.count(row) - 1; index >= 0; index--)
      if (this.at(row, index) === other && ((announcedAtMs - this.#time(row, index)) | 0) > 0)
        this.#setTime(row, index, announcedAtMs)
  }

  #append(row: number, other: number, announcedAtMs: number): void {
    const count = this.count(row)
    if (count === 0) this.#rows.setLinksBlock(row, this.#blocks.allocate())
    else if (count === LINKS_IN_BLOCK)
      this.#blocks.set(this.#rows.linksBlock(row), SECOND, this.#blocks.allocate())
    this.#setEntry(row, count, other + 1)
    this.#setTime(row, count, announcedAtMs)
  }

  #drop(row: number, other: number): void {
    const count = this.count(row)
    let found = 0
    while (found < count && this.at(row, found) !== other) found++
    if (found === count) return
    for (let index = found; index + 1 < count; index++) {
      this.#setEntry(row, index, this.#entry(row, index + 1))
      this.#setTime(row, index, this.#time(row, index + 1))
    }
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

  #time(row: number, index: number): number {
    return this.#blocks.get(this.#blockOf(row, index), TIMES + (index % LINKS_IN_BLOCK))
  }

  #setTime(row: number, index: number, timeMs: number): void {
    this.#blocks.set(this.#blockOf(row, index), TIMES + (index % LINKS_IN_BLOCK), timeMs)
  }

  #blockOf(row: number, index: number): number {
    const first = this.#rows.linksBlock(row)
    return index < LINKS_IN_BLOCK ? first : this.#blocks.get(first, SECOND)
  }
}
