/**
 * Messages about the pieces that a peer has (BEP 3): one piece, or all pieces as bits.
 *
 * BEP 3 allows a bitfield only as the first message. aria2 repeats the whole bitfield when many pieces are new, so the
 * reader accepts one at any time; it replaces the previous one.
 */
import { HEAD_BYTES, messageIds, startMessage } from './message.ts'

/*
  Have => 9 bytes
     0  uint32   5
     4  uint8    4
     5  uint32   piece
*/
export const HAVE_BODY_BYTES = 4

export function writeHave(piece: number): Buffer {
  const message = startMessage(messageIds.have, HAVE_BODY_BYTES)
  message.writeUInt32BE(piece, HEAD_BYTES)
  return message
}

/** `start` is the position of the body. */
export function readHave(bytes: Buffer, start: number): number {
  return bytes.readUInt32BE(start)
}

/*
  Bitfield => 5 + n bytes
     0  uint32    1 + n
     4  uint8     5
     5  byte[n]   one bit a piece, highest bit first; spare bits at the end are 0
*/
export function writeBitfield(bits: Uint8Array): Buffer {
  const message = startMessage(messageIds.bitfield, bits.length)
  message.set(bits, HEAD_BYTES)
  return message
}
