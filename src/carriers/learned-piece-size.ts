/**
 * Size of the pieces of a torrent that is not registered, from the size that its clients announce and from the blocks that
 * they request.
 *
 * A host that starts announces the size of the torrent as `left`. Of all powers of two, only one divides it into the number of
 * pieces. An announce may lie: the size counts once a client requested the block at the end of a piece of this size, and a
 * holder has sent it. An announce alone does not cause a request, because a source may end its connection when it is asked
 * for a block that does not exist.
 *
 * Sizes that are not a power of two are learned later. The first host of a site that has a new piece got all its blocks from
 * the node. If the cache has these blocks, and no request went beyond them, they are the whole piece. A holder has sent each of
 * them, therefore the learned size is never larger than the real one: a block that is requested ahead of the hosts exists, also
 * where a client lies. The last piece is smaller, and is not fetched ahead.
 */
import { BLOCK_BYTES_MAX } from '../core/limits.ts'
import type { Block } from '../wire/peer/block.ts'
import { UnprovenBlocks } from './unproven-blocks.ts'

/** Sizes of pieces in use: 16 KiB to 64 MiB. */
const SIZE_KIB_MIN = 16
const SIZE_KIB_MAX = 65_536

export class LearnedPieceSize {
  /** Largest end of a requested block. */
  seen = 0
  readonly unproven: UnprovenBlocks
  #whole = 0
  readonly #announced = new Set<number>()

  constructor(nowMs: () => number) {
    // Requests of a host that is rejected do not count.
    this.unproven = new UnprovenBlocks(nowMs, (provenEnd) => (this.seen = provenEnd))
  }

  /** `leftKib`: what a client lacks, rounded up, of this number of pieces. */
  announced(leftKib: number, pieces: number): void {
    // One piece may have any size. With two or more, no two powers of two fit.
    if (pieces < 2) return
    for (let kib = SIZE_KIB_MIN; kib <= SIZE_KIB_MAX; kib *= 2)
      if (Math.ceil(leftKib / kib) === pieces) this.#announced.add(kib * 1_024)
  }

  /** A holder has sent a block that a client requested, and that ends there. */
  sent(end: number): void {
    if (this.#announced.has(end)) this.#whole = Math.max(this.#whole, end)
  }

  /** Returns false where the request is rejected. `host`: as for `mayRequest`. */
  requested(host: string | undefined, block: Block): boolean {
    if (!this.unproven.mayRequest(host, block)) return false
    this.seen = Math.max(this.seen, block.begin + block.length)
    return true
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
