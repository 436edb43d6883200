/**
 * Running transfers: their edge, rate, and queue of requested pieces. Only edges with a running transfer have one:
 * a choked or idle connection costs nothing here.
 */
import type { Routes } from './links.ts'

/** Maximum length of a request queue, in pieces; the byte limit of every client's queue is lower. */
export const QUEUE_PIECES_MAX = 32

export class Transfers implements Routes {
  active = new Int32Array(64)
  count = 0
  links = new Int32Array(64 * 4)
  wanted = new Float64Array(64)
  rate = new Float64Array(64)
  edge = new Int32Array(64)
  from = new Int32Array(64)
  to = new Int32Array(64)
  /** Missing bytes of the first piece; kept in `Downloads` while several transfers fetch it, see `isShared`. */
  missing = new Float64Array(64)
  isShared = new Uint8Array(64)
  #queue = new Uint16Array(64 * QUEUE_PIECES_MAX)
  #queued = new Uint8Array(64)
  /** Position of a slot in `active`. */
  #position = new Int32Array(64)
  readonly #free: number[] = []
  #end = 0

  start(edge: number, from: number, to: number, links: readonly [number, number, number, number]): number {
    const slot = this.#free.pop() ?? this.#allocate()
    this.edge[slot] = edge
    this.from[slot] = from
    this.to[slot] = to
    this.links.set(links, slot << 2)
    this.rate[slot] = 0
    this.missing[slot] = 0
    this.isShared[slot] = 0
    this.#queued[slot] = 0
    this.#position[slot] = this.count
    this.active[this.count++] = slot
    return slot
  }

  stop(slot: number): void {
    const position = this.#position[slot] as number
    const last = this.active[--this.count] as number
    this.active[position] = last
    this.#position[last] = position
    this.#free.push(slot)
  }

  queued(slot: number): number {
    return this.#queued[slot] as number
  }

  piece(slot: number, index: number): number {
    return this.#queue[slot * QUEUE_PIECES_MAX + index] as number
  }

  append(slot: number, piece: number): void {
    this.#queue[slot * QUEUE_PIECES_MAX + this.#queued[slot]!++] = piece
  }

  /** Removes the piece at `index` from the queue. */
  take(slot: number, index: number): void {
    const start = slot * QUEUE_PIECES_MAX
    const queued = --this.#queued[slot]!
    this.#queue.copyWithin(start + index, start + index + 1, start + queued + 1)
  }

  #allocate(): number {
    if (this.#end === this.active.length) this.#grow()
    return this.#end++
  }

  #grow(): void {
    const length = 2 * this.active.length
    const grown = <T extends Int32Array | Uint16Array | Uint8Array | Float64Array>(to: T, from: T): T => {
      to.set(from)
      return to
    }
    this.active = grown(new Int32Array(length), this.active)
    this.links = grown(new Int32Array(length * 4), this.links)
    this.wanted = grown(new Float64Array(length), this.wanted)
    this.rate = grown(new Float64Array(length), this.rate)
    this.edge = grown(new Int32Array(length), this.edge)
    this.from = grown(new Int32Array(length), this.from)
    this.to = grown(new Int32Array(length), this.to)
    this.missing = grown(new Float64Array(length), this.missing)
    this.isShared = grown(new Uint8Array(length), this.isShared)
    this.#queue = grown(new Uint16Array(length * QUEUE_PIECES_MAX), this.#queue)
    this.#queued = grown(new Uint8Array(length), this.#queued)
    this.#position = grown(new Int32Array(length), this.#position)
  }
}
