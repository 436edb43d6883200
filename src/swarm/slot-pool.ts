/**
 * Fixed-size records of 32-bit words in chunks, with a free list: for data that only some rows have (IPv6 addresses,
 * introductions). Slot 0 is never allocated, so that 0 can mean "none".
 */
const CHUNK_SLOTS_LOG2 = 10
const CHUNK_SLOTS = 1 << CHUNK_SLOTS_LOG2

export class SlotPool {
  readonly #words: number
  readonly #chunks: Uint32Array[] = []
  #slotsEver = 1
  #free = 0
  #live = 0

  constructor(words: number) {
    this.#words = words
  }

  get live(): number {
    return this.#live
  }

  get bytes(): number {
    return this.#chunks.length * CHUNK_SLOTS * this.#words * 4
  }

  /** A slot with all words 0. */
  allocate(): number {
    this.#live++
    const slot = this.#free
    if (slot !== 0) {
      this.#free = this.get(slot, 0)
      const base = (slot & (CHUNK_SLOTS - 1)) * this.#words
      this.#chunkOf(slot).fill(0, base, base + this.#words)
      return slot
    }
    if (this.#slotsEver >>> CHUNK_SLOTS_LOG2 === this.#chunks.length)
      this.#chunks.push(new Uint32Array(CHUNK_SLOTS * this.#words))
    return this.#slotsEver++
  }

  release(slot: number): void {
    this.#live--
    this.set(slot, 0, this.#free)
    this.#free = slot
  }

  get(slot: number, word: number): number {
    return this.#chunkOf(slot)[(slot & (CHUNK_SLOTS - 1)) * this.#words + word] as number
  }

  set(slot: number, word: number, value: number): void {
    this.#chunkOf(slot)[(slot & (CHUNK_SLOTS - 1)) * this.#words + word] = value
  }

  #chunkOf(slot: number): Uint32Array {
    return this.#chunks[slot >>> CHUNK_SLOTS_LOG2] as Uint32Array
  }
}
