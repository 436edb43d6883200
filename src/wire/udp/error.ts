/**
 * UDP error (BEP 15): why a request was rejected, as text up to the end of the packet. It has no field for an
 * interval; clients wait as after any failure, libtorrent 17 s the first time.
 *
 * An error is longer than most requests, so only a proven sender gets one.
 */
import { RESPONSE_HEAD_BYTES, actions, writeResponseHead } from './header.ts'

/*
  Error => 8 bytes and more
     0  uint32   action           3
     4  uint32   transaction_id
     8  text                      UTF-8, no length, no NUL
*/

/** Fits into the 512 bytes that rtorrent reads, as do all announce responses. */
const TEXT_BYTES_MAX = 500

export function writeError(transactionId: number, reason: string): Buffer {
  const packet = Buffer.alloc(RESPONSE_HEAD_BYTES + Math.min(Buffer.byteLength(reason), TEXT_BYTES_MAX))
  writeResponseHead(packet, actions.error, transactionId)
  const written = packet.write(reason, RESPONSE_HEAD_BYTES)
  // `write` omits a character that does not fit as a whole.
  return packet.subarray(0, RESPONSE_HEAD_BYTES + written)
}

/** The reason in a packet for which `isResponse` is true. */
export function readError(packet: Buffer): string {
  return packet.toString('utf8', RESPONSE_HEAD_BYTES)
}
