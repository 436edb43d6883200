/**
 * Size of the pieces of a torrent that is not registered, from the blocks that its clients request.
 *
 * The first host of a site that has a new piece got all its blocks from the node. If the cache has these blocks, and no
 * request went beyond them, they are the whole piece. A holder has sent each of them, therefore the learned size is never
 * larger than the real one: a block that is requested ahead of the hosts exists, also where a client lies. The last piece is
 * smaller, and is not fetched ahead.
 */
import { BLOCK_BYTES_MAX } from '../core/limits.ts'
import type { Block } from '../wire/peer/block.ts'

export class LearnedPieceSize {
  /** Largest end of a requested block. */
  seen = 0
  #whole = 0

  requested({ begin, length }: Block): void {
    this.seen = Math.max(this.seen, begin + length)
  }

  /** `bytes`: of the cached blocks of a piece that a host has completed with them. */
  completed(bytes: number): void {
    if (bytes > 0 && bytes === this.seen) this.#whole = bytes
  }

  /** Undefined until it is known, and again when a request goes beyond it. */
  get bytes(): number | undefined {
    return this.#whole > 0 && this.#whole === this.seen ? this.#whole : undefined
  }

  *blocks(piece: number): Iterable<Block> {
    const bytes = this.bytes ?? 0
    for (let begin = 0; begin < bytes; begin += BLOCK_BYTES_MAX)
      yield { piece, begin, length: Math.min(BLOCK_BYTES_MAX, bytes - begin) }
  }
}
