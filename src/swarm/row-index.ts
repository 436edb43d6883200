/**
 * A hash index from a property of a row (its endpoint, its client) to the row: open addressing, linear probing, one
 * 32-bit entry for each row.
 *
 * It consists of shards that grow one by one, because rehashing nine million rows at once stops the announce path for
 * more than a second. An entry carries 8 bits of the hash beside the row, so a probe reads a row, and with it a cache
 * line, only if the row most likely matches; this lets shards be 85 % full.
 */
import { assert } from '../core/assert.ts'

/*
  entry => tag << 24 | row + 1; 0 is empty
*/
const ROW_BITS = 24
const ROW_MASK = (1 << ROW_BITS) - 1

/** Rows that an entry can name. */
export const ROWS_MAX = ROW_MASK - 1

/** Of nine million rows each has nine thousand, and its last growth read six thousand. */
const SHARDS_LOG2 = 10
const SHARDS = 1 << SHARDS_LOG2
const FULL_PERCENT = 85
/**
 * Growth reads each row again, each time with a cache miss: a row is read three times on the way to a million rows,
 * five times with 1.25, which is a third of the cost of its insertion (bench/site-records.ts).
 */
const GROWTH = 1.5
/** Shards begin with different sizes, so that they do not all grow, and are not all half empty, at the same time. */
const SLOTS_FIRST = [8, 9, 10, 11]

export class RowIndex {
  readonly #hashOf: (row: number) => number
  readonly #shards: Shard[] = []

  /** `hashOf` gives 32 bits and must not change while the row is in the index. */
  constructor(hashOf: (row: number) => number) {
    this.#hashOf = hashOf
    for (let index = 0; index < SHARDS; index++)
      this.#shards.push(new Shard(SLOTS_FIRST[index % SLOTS_FIRST.length] as number))
  }

  get bytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.slots.length * 4, 0)
  }

  /** The row with this hash for which `isIt` holds, or -1. */
  find(hash: number, isIt: (row: number) => boolean): number {
    const { slots } = this.#shardOf(hash)
    if (slots.length === 0) return -1
    const tag = hash >>> ROW_BITS
    for (let at = home(hash, slots.length); ; at = next(at, slots.length)) {
      const entry = slots[at] as number
      if (entry === 0) return -1
      if (entry >>> ROW_BITS === tag && isIt(rowOf(entry))) return rowOf(entry)
    }
  }

  /** The row must not be in the index yet. */
  add(hash: number, row: number): void {
    assert(row <= ROWS_MAX, 'an entry has 24 bits for its row')
    const shard = this.#shardOf(hash)
    if ((shard.count + 1) * 100 > shard.slots.length * FULL_PERCENT) this.#grow(shard)
    put(shard.slots, hash, row)
    shard.count++
  }

  /** Does nothing if the row is not in the index. */
  remove(hash: number, row: number): void {
    const shard = this.#shardOf(hash)
    const { slots } = shard
    if (slots.length === 0) return
    let at = home(hash, slots.length)
    while (rowOf(slots[at] as number) !== row) {
      if (slots[at] === 0) return
      at = next(at, slots.length)
    }
    shard.count--
    // Backward shift instead of tombstones: the following entries move up, so look-ups never slow down with age.
    let hole = at
    for (;;) {
      at = next(at, slots.length)
      const entry = slots[at] as number
      if (entry === 0) break
      const wanted = home(this.#hashOf(rowOf(entry)), slots.length)
      const isReachable = hole <= at ? wanted <= hole || wanted > at : wanted <= hole && wanted > at
      if (isReachable) {
        slots[hole] = entry
        hole = at
      }
    }
    slots[hole] = 0
  }

  #grow(shard: Shard): void {
    const before = shard.slots
    shard.slots = new Uint32Array(Math.max(shard.slotsFirst, Math.ceil(before.length * GROWTH)))
    for (const entry of before) if (entry !== 0) put(shard.slots, this.#hashOf(rowOf(entry)), rowOf(entry))
  }

  #shardOf(hash: number): Shard {
    return this.#shards[hash & (SHARDS - 1)] as Shard
  }
}

/** Of all shards without a row: a table in a test has thousands of them. */
const NO_SLOTS = new Uint32Array(0)

class Shard {
  readonly slotsFirst: number
  slots = NO_SLOTS
  count = 0

  constructor(slotsFirst: number) {
    this.slotsFirst = slotsFirst
  }
}

/** -1 for an empty entry. */
function rowOf(entry: number): number {
  return (entry & ROW_MASK) - 1
}

/** The low bits select the shard, the others the slot. */
function home(hash: number, slots: number): number {
  return (hash >>> SHARDS_LOG2) % slots
}

function next(at: number, slots: number): number {
  return at + 1 === slots ? 0 : at + 1
}

function put(slots: Uint32Array, hash: number, row: number): void {
  let at = home(hash, slots.length)
  while (slots[at] !== 0) at = next(at, slots.length)
  slots[at] = ((hash >>> ROW_BITS) << ROW_BITS) | (row + 1)
}
