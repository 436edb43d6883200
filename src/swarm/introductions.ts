/**
 * Introductions: pairs of peers of which one was handed out to the other. A link is symmetric and kept at both ends,
 * because the dialled peer learns the address of the dialler.
 *
 * A row has at most `LINKS_MAX` links, in one or two blocks that exist only while it has any. The caller drops links
 * between two complete peers, so a complete site keeps none.
 *
 * Each end keeps the time of its peer's announce to which the link belongs. A link from before the peer stopped does
 * not apply to the peer that returned, and nodes that receive the stop and the link in either order must agree.
 */
import { assert } from '../core/assert.ts'
import { LINK_COUNT_MAX, type PeerRows } from './peer-rows.ts'
import { SlotPool } from './slot-pool.ts'

/*
  block =>
    0 … 6  row + 1 of a neighbour, oldest first
    7      the second block, or 0
    8 … 14 by neighbour, the announce of this row to which the link belongs: milliseconds, modulo 2^32
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

assert(LINKS_MAX <= LINK_COUNT_MAX, 'a row holds the number of its links')

export class Introductions {
  readonly #rows: PeerRows
  readonly #blocks = new SlotPool(BLOCK_WORDS)
  /** Added to the times in the blocks. */
  #shiftedMs = 0

  constructor(rows: PeerRows) {
    this.#rows = rows
  }

  get bytes(): number {
    return this.#blocks.bytes
  }

  /** Blocks in use; 0 without links. */
  get blocksInUse(): number {
    return this.#blocks.live
  }

  count(row: number): number {
    return this.#rows.linkCount(row)
  }

  /** The neighbour at `index`, 0 … count-1, oldest first. */
  at(row: number, index: number): number {
    return this.#entry(row, index) - 1
  }

  has(row: number, other: number): boolean {
    for (let index = this.count(row) - 1; index >= 0; index--) if (this.at(row, index) === other) return true
    return false
  }

  /** Time of the row's announce to which its link at `index` belongs. */
  announcedAtMs(row: number, index: number, nearMs: number): number {
    return nearMs - ((nearMs - this.#time(row, index)) | 0)
  }

  /** Times of the announces to which the link of two rows belongs: the first row's, and the other's. */
  announcedAtOfBoth(row: number, other: number, nearMs: number): readonly [number, number] {
    const announcedAtMs = (end: number, of: number) => {
      let index = this.count(end) - 1
      while (index > 0 && this.at(end, index) !== of) index--
      return this.announcedAtMs(end, index, nearMs)
    }
    return [announcedAtMs(row, other), announcedAtMs(other, row)]
  }

  /** Links both ways, with the last announces of both. An end that is full first drops its oldest link. */
  link(row: number, other: number): void {
    this.linkAt(row, other, this.#rows.lastSeenMs(row, 0), this.#rows.lastSeenMs(other, 0))
  }

  /** The same with given announces of both. Of rows that are already linked, each end keeps its later announce. */
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

  /** Moves all links of the row to its last announce, whose response contained all its neighbours. */
  renew(row: number): void {
    const lastSeenMs = this.#rows.lastSeenMs(row, 0)
    for (let index = this.count(row) - 1; index >= 0; index--) this.#setTime(row, index, lastSeenMs)
  }

  /** Drops the links that belong to announces of the row up to this time. */
  unlinkUntil(row: number, atMs: number): void {
    for (let index = this.count(row) - 1; index >= 0; index--)
      if (this.announcedAtMs(row, index, atMs) <= atMs) this.unlink(row, this.at(row, index))
  }

  /** The clock was shifted by this much, and all times are. */
  shiftTime(byMs: number): void {
    this.#shiftedMs += byMs
  }

  /** Drops the link at both ends, if there is one. */
  unlink(row: number, other: number): void {
    this.#drop(row, other)
    this.#drop(other, row)
  }

  /** Drops every link of the row, at both ends. */
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
    const first = count === 0 ? this.#blocks.allocate() : this.#rows.linksBlock(row)
    if (count === LINKS_IN_BLOCK) this.#blocks.set(first, SECOND, this.#blocks.allocate())
    this.#rows.setLinks(row, first, count + 1)
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
      this.#rows.setLinks(row, 0, 0)
      return
    }
    if (count === LINKS_IN_BLOCK + 1) {
      this.#blocks.release(this.#blocks.get(first, SECOND))
      this.#blocks.set(first, SECOND, 0)
    }
    this.#rows.setLinks(row, first, count - 1)
  }

  #entry(row: number, index: number): number {
    return this.#blocks.get(this.#blockOf(row, index), index % LINKS_IN_BLOCK)
  }

  #setEntry(row: number, index: number, entry: number): void {
    this.#blocks.set(this.#blockOf(row, index), index % LINKS_IN_BLOCK, entry)
  }

  #time(row: number, index: number): number {
    return this.#blocks.get(this.#blockOf(row, index), TIMES + (index % LINKS_IN_BLOCK)) + this.#shiftedMs
  }

  #setTime(row: number, index: number, timeMs: number): void {
    this.#blocks.set(this.#blockOf(row, index), TIMES + (index % LINKS_IN_BLOCK), timeMs - this.#shiftedMs)
  }

  #blockOf(row: number, index: number): number {
    const first = this.#rows.linksBlock(row)
    return index < LINKS_IN_BLOCK ? first : this.#blocks.get(first, SECOND)
  }
}
