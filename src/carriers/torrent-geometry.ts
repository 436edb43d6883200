/**
 * Pieces and blocks of a registered torrent, and the hash of each piece (BEP 3).
 *
 * A block is 16 KiB and begins at a multiple of that, as all clients request it; the last block of a piece, and the last
 * piece, may be shorter.
 */
import { createHash } from 'node:crypto'
import { assert } from '../core/assert.ts'
import { BLOCK_BYTES_MAX } from '../core/limits.ts'
import type { Block } from '../wire/peer/block.ts'

const HASH_BYTES = 20

export class TorrentGeometry {
  readonly totalBytes: number
  /** Size of each piece but the last. */
  readonly pieceBytes: number
  readonly pieces: number
  /** 20 bytes of SHA-1 for each piece. */
  readonly #hashes: Buffer

  constructor({
    totalBytes,
    pieceBytes,
    hashes,
  }: {
    readonly totalBytes: number
    readonly pieceBytes: number
    readonly hashes: Buffer
  }) {
    assert(pieceBytes > 0 && totalBytes > 0, 'a torrent has content')
    this.totalBytes = totalBytes
    this.pieceBytes = pieceBytes
    this.pieces = Math.ceil(totalBytes / pieceBytes)
    this.#hashes = hashes
    assert(hashes.length === this.pieces * HASH_BYTES, 'each piece has a hash')
  }

  bytesOf(piece: number): number {
    return Math.min(this.pieceBytes, this.totalBytes - piece * this.pieceBytes)
  }

  blocksOf(piece: number): number {
    return Math.ceil(this.bytesOf(piece) / BLOCK_BYTES_MAX)
  }

  block(piece: number, index: number): Block {
    const begin = index * BLOCK_BYTES_MAX
    return { piece, begin, length: Math.min(BLOCK_BYTES_MAX, this.bytesOf(piece) - begin) }
  }

  /** The block that contains a request. Undefined where no block contains all of it. */
  blockAround({ piece, begin, length }: Block): Block | undefined {
    if (piece >= this.pieces || begin + length > this.bytesOf(piece)) return undefined
    const block = this.block(piece, Math.floor(begin / BLOCK_BYTES_MAX))
    return begin + length <= block.begin + block.length ? block : undefined
  }

  /** `blocks`: the whole piece in order. */
  isValid(piece: number, blocks: readonly Buffer[]): boolean {
    const hash = createHash('sha1')
    for (const block of blocks) hash.update(block)
    const expected = this.#hashes.subarray(piece * HASH_BYTES, (piece + 1) * HASH_BYTES)
    return hash.digest().equals(expected)
  }
}
