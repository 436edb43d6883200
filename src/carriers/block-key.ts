/**
 * The key of a block in the maps of a torrent: one number. Pieces have 21 bits and positions in a piece 32, together as
 * many as a number holds exactly.
 */
import { assert } from '../core/assert.ts'
import { PIECES_MAX } from '../core/limits.ts'
import type { Block } from '../wire/peer/block.ts'

const BEGINS = 0x1_0000_0000
assert(PIECES_MAX * BEGINS <= Number.MAX_SAFE_INTEGER + 1, 'each block has its own key')

export function blockKey({ piece, begin }: Block): number {
  return piece * BEGINS + begin
}

export function isSameBlock(a: Block, b: Block): boolean {
  return a.piece === b.piece && a.begin === b.begin && a.length === b.length
}
