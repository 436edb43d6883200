/** The content that the programs of this folder transfer: zeros, so that no client stores or compares anything. */
import { createHash } from 'node:crypto'
import { TorrentGeometry } from '../../src/carriers/torrent-geometry.ts'

export const PIECE_BYTES = 1_048_576
export const BLOCK_BYTES = 16_384
export const INFO_HASH = Buffer.alloc(20, 7)
export const PEER_ID = Buffer.from('-LT2080-abcdefghijkl')
export const ZEROS = Buffer.alloc(BLOCK_BYTES)

const PIECE_HASH = createHash('sha1').update(Buffer.alloc(PIECE_BYTES)).digest()

/** SHA-1 of each piece. */
const hashesOf = (pieces: number) => Buffer.concat(Array.from({ length: pieces }, () => PIECE_HASH))

export function geometryOf(pieces: number): TorrentGeometry {
  return new TorrentGeometry({
    totalBytes: pieces * PIECE_BYTES,
    pieceBytes: PIECE_BYTES,
    hashes: hashesOf(pieces),
  })
}
