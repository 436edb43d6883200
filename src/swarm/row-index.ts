/**
 * A hash index from something a row knows (its endpoint, its client) to the row: open addressing, linear
 * probing, 4 bytes a slot, nothing but row numbers.
 *
 * It is cut into shards that grow one by one, because rehashing nine million rows at once stops the announce
 * path for more than a second. Shards grow by 1.4, not 2: between 50 % and 70 % full is 5.7 to 8 bytes a peer.
 */
const SHARDS = 512
const SLOTS_FIRST = 8
const FULL_PERCENT = 70
const GROWTH = 1.4

export class RowIndex {
  readonly #hashOf: (row: number) => number
  readonly #shards: Shard[] = []

  /** `hashOf` gives 32 bits and must not change while the row is in the index. */
  constructor(hashOf: (row: number) => number) {
    this.#hashOf = hashOf
    for (let index = 0; index < SHARDS; index++) this.#shards.push(new Shard())
  }

  get bytes(): number {
    return this.#shards.reduce((sum, shard) => sum + shard.slots.length * 4, 0)
  }

  /** The row with this hash for which `isIt` holds, or -1. */
  find(hash: number, isIt: (row: number) => boolean): number {
    const { slots } = this.#shardOf(hash)
    if (slots.length === 0) return -1
    for (let at = home(hash, slots.length); ; at = at + 1 === slots.length ? 0 : at + 1) {
      const entry = slots[at] as number
      if (entry === 0) return -1
      if (isIt(entry - 1)) return entry - 1
    }
  }

  /** The row must not be there yet. */
  add(hash: number, row: number): void {
    const shard = this.#shardOf(hash)
    if ((shard.count + 1) * 100 > shard.slots.length * FULL_PERCENT) this.#grow(shard)
    place(shard.slots, hash, row)
    shard.count++
  }

  /** Does nothing where the row is not in the index. */
  remove(hash: number, row: number): void {
    const shard = this.#shardOf(hash)
    const { slots } = shard
    if (slots.length === 0) return
    let at = home(hash, slots.length)
    while (slots[at] !== row + 1) {
      if (slots[at] === 0) return
      at = at + 1 === slots.length ? 0 : at + 1
    }
    shard.count--
    // Backward shift instead of tombstones: what follows moves up, so that look-ups never slow down with age.
    let hole = at
    for (;;) {
      at = at + 1 === slots.length ? 0 : at + 1
      const entry = slots[at] as number
      if (entry === 0) break
      const wanted = home(this.#hashOf(entry - 1), slots.length)
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
    shard.slots = new Uint32Array(Math.max(SLOTS_FIRST, Math.ceil(before.length * GROWTH)))
    for (const entry of before) if (entry !== 0) place(shard.slots, this.#hashOf(entry - 1), entry - 1)
  }

  #shardOf(hash: number): Shard {
    return this.#shards[hash & (SHARDS - 1)] as Shard
  }
}

class Shard {
  slots = new Uint32Array(0)
  count = 0
}

/** The low bits chose the shard; the rest chooses the slot. */
function home(hash: number, slots: number): number {
  return (hash >>> 9) % slots
}

function place(slots: Uint32Array, hash: number, row: number): void {
  let at = home(hash, slots.length)
  while (slots[at] !== 0) at = at + 1 === slots.length ? 0 : at + 1
  slots[at] = row + 1
}
