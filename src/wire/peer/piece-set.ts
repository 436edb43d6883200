/**
 * The pieces that a peer has, as the bits of its bitfield message, with their number. 10,000 pieces are 1,250 bytes.
 *
 * A set has a capacity in bytes instead of a number of pieces, because a bitfield reveals the number of pieces only up
 * to seven spare bits.
 */
import { assert } from '../../core/assert.ts'

/** Number of one bits of each byte. */
const ONES = Uint8Array.from({ length: 256 }, (_, byte) => byte.toString(2).replaceAll('0', '').length)

export class PieceSet {
  #bits: Uint8Array
  #count = 0

  constructor(bytes: number) {
    this.#bits = new Uint8Array(bytes)
  }

  /** Number of pieces in the set. */
  get count(): number {
    return this.#count
  }

  /** Capacity: eight pieces a byte. */
  get bytes(): number {
    return this.#bits.length
  }

  /** As in a bitfield message. Not a copy. */
  get bits(): Uint8Array {
    return this.#bits
  }

  has(piece: number): boolean {
    return ((this.#bits[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0
  }

  *all(): Iterable<number> {
    for (let piece = 0; piece < this.#bits.length * 8; piece++) if (this.has(piece)) yield piece
  }

  /** Returns whether the piece is new. */
  add(piece: number): boolean {
    assert(piece < this.#bits.length * 8, 'a piece is within the capacity of its set')
    if (this.has(piece)) return false
    this.#bits[piece >> 3] = (this.#bits[piece >> 3] as number) | (0x80 >> (piece & 7))
    this.#count++
    return true
  }

  /** Replaces a part of the bits by a part of a bitfield message that begins at byte `at` of the bits. */
  replace(part: Uint8Array, at: number): void {
    assert(at + part.length <= this.#bits.length, 'a bitfield is within the capacity of its set')
    for (let offset = 0; offset < part.length; offset++) {
      const byte = part[offset] as number
      this.#count += (ONES[byte] as number) - (ONES[this.#bits[at + offset] as number] as number)
      this.#bits[at + offset] = byte
    }
  }

  /** The pieces 0 … `pieces` - 1 and no other. */
  fill(pieces: number): void {
    assert(pieces <= this.#bits.length * 8, 'the pieces are within the capacity of their set')
    this.#bits.fill(0)
    this.#bits.fill(0xff, 0, pieces >> 3)
    if ((pieces & 7) !== 0) this.#bits[pieces >> 3] = 0xff00 >> (pieces & 7)
    this.#count = pieces
  }

  clear(): void {
    this.fill(0)
  }

  /** Keeps the pieces and has room for `bytes` × 8, for a peer whose bitfield is not known yet. */
  grow(bytes: number): void {
    if (bytes <= this.#bits.length) return
    const grown = new Uint8Array(bytes)
    grown.set(this.#bits)
    this.#bits = grown
  }

  /** The highest piece, or -1 where the set is empty. Searches from the end, where a peer with many pieces has one. */
  highest(): number {
    for (let at = this.#bits.length - 1; at >= 0; at--) {
      const byte = this.#bits[at] as number
      if (byte !== 0) return at * 8 + 7 - (31 - Math.clz32(byte & -byte))
    }
    return -1
  }

  /** Lowest number of pieces of the torrent, where the set is a whole bitfield: at most seven of its bits are spare. */
  piecesMin(): number {
    return this.bytes === 0 ? 0 : Math.max(this.highest() + 1, this.bytes * 8 - 7)
  }
}
