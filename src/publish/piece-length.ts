/**
 * Chooses the piece length of a torrent.
 *
 * A client verifies, advertises and forwards whole pieces: until a gateway has a complete piece, no client behind it
 * receives a byte of it. With 2,048 pieces each hop adds a delay of a twentieth of a percent of the transfer, the
 * .torrent is 40 KB, and the HAVE messages are 20 KB per connection. More pieces gain nothing; fewer delay each hop
 * of the tree over the sites.
 */
import { assert } from '../core/assert.ts'

/** The block size of all clients, and the minimum of BEP 52. */
const PIECE_BYTES_MIN = 16_384

/**
 * Larger content gets more pieces instead: one corrupt byte costs the whole piece, and Transmission 3 keeps
 * unfinished pieces in memory. libtorrent rejects a .torrent above 10 MB, which is reached at 8 TiB.
 */
const PIECE_BYTES_MAX = 16_777_216

const PIECES_WANTED_MAX = 2_048

/*
  content up to   pieces of         content up to   pieces of
      32 MiB        16 KiB               2 GiB         1 MiB
      64 MiB        32 KiB               4 GiB         2 MiB
     128 MiB        64 KiB               8 GiB         4 MiB
     256 MiB       128 KiB              16 GiB         8 MiB
     512 MiB       256 KiB           larger           16 MiB
       1 GiB       512 KiB
*/
export function choosePieceLength(contentBytes: number): number {
  let pieceBytes = PIECE_BYTES_MIN
  while (pieceBytes < PIECE_BYTES_MAX && pieceBytes * PIECES_WANTED_MAX < contentBytes) pieceBytes *= 2
  return pieceBytes
}

/** A power of two: v2 (BEP 52) and some v1 clients require it. */
export function isPieceLength(pieceBytes: number): boolean {
  return (
    pieceBytes >= PIECE_BYTES_MIN && pieceBytes <= PIECE_BYTES_MAX && Number.isInteger(Math.log2(pieceBytes))
  )
}

assert(isPieceLength(PIECE_BYTES_MIN) && isPieceLength(PIECE_BYTES_MAX), 'the limits are piece lengths')
