/**
 * How long the pieces of a torrent are.
 *
 * A piece is what a client checks, announces to its neighbours and passes on: until a gateway has the whole piece,
 * nobody behind it gets any of it. At 2,048 pieces that is a twentieth of a percent of the way per hop, the
 * .torrent is 40 KB, and the HAVE messages of all pieces are 20 KB a connection. More would buy nothing; fewer
 * would make each hop of the tree over the sites wait.
 */
import { assert } from '../core/assert.ts'

/** The request unit of all clients, and the smallest that BEP 52 allows. */
const PIECE_BYTES_MIN = 16_384

/**
 * Where more pieces are the smaller evil: one bad byte costs the whole piece, and Transmission 3 keeps unfinished
 * ones in memory. libtorrent refuses a .torrent above 10 MB, which this reaches at 8 TiB.
 */
const PIECE_BYTES_MAX = 16_777_216

const PIECES_WANTED_MAX = 2_048

/*
  content up to   pieces of         content up to   pieces of
      32 MiB        16 KiB               2 GiB         1 MiB
      64 MiB        32 KiB               4 GiB         2 MiB
     128 MiB        64 KiB               8 GiB         4 MiB
     256 MiB       128 KiB              16 GiB         8 MiB
     512 MiB       256 KiB           all above        16 MiB
       1 GiB       512 KiB
*/
export function choosePieceLength(contentBytes: number): number {
  let pieceBytes = PIECE_BYTES_MIN
  while (pieceBytes < PIECE_BYTES_MAX && pieceBytes * PIECES_WANTED_MAX < contentBytes) pieceBytes *= 2
  return pieceBytes
}

/** A power of two: v2 needs it (BEP 52), and some v1 clients do. */
export function isPieceLength(pieceBytes: number): boolean {
  return (
    pieceBytes >= PIECE_BYTES_MIN && pieceBytes <= PIECE_BYTES_MAX && Number.isInteger(Math.log2(pieceBytes))
  )
}

assert(isPieceLength(PIECE_BYTES_MIN) && isPieceLength(PIECE_BYTES_MAX), 'the limits are piece lengths')
