/**
 * Messages about one block, a part of a piece (BEP 3): its request, the cancellation of the request, and the block.
 *
 * A piece message is written and read in two parts, the head and the bytes of the block, so that a relay can pass on
 * the bytes as they arrive and copies none of them.
 */
import { HEAD_BYTES, messageIds, startMessage } from './message.ts'

export interface Block {
  /** Index of the piece. */
  readonly piece: number
  /** Position of the block in the piece. */
  readonly begin: number
  readonly length: number
}

/*
  Request | Cancel => 17 bytes
     0  uint32   13
     4  uint8    6 request, 8 cancel
     5  uint32   piece
     9  uint32   begin
    13  uint32   length
*/
export const REQUEST_BODY_BYTES = 12

export function writeRequest(block: Block): Buffer {
  return write(messageIds.request, block)
}

export function writeCancel(block: Block): Buffer {
  return write(messageIds.cancel, block)
}

function write(id: number, { piece, begin, length }: Block): Buffer {
  const message = startMessage(id, REQUEST_BODY_BYTES)
  message.writeUInt32BE(piece, HEAD_BYTES)
  message.writeUInt32BE(begin, HEAD_BYTES + 4)
  message.writeUInt32BE(length, HEAD_BYTES + 8)
  return message
}

/** `start` is the position of the body. */
export function readRequest(bytes: Buffer, start: number): Block {
  return {
    piece: bytes.readUInt32BE(start),
    begin: bytes.readUInt32BE(start + 4),
    length: bytes.readUInt32BE(start + 8),
  }
}

/*
  Piece => 13 + n bytes
     0  uint32    9 + n
     4  uint8     7
     5  uint32    piece
     9  uint32    begin
    13  byte[n]   the block
*/
export const PIECE_BODY_BYTES = 8

/** The first 13 bytes. The `length` bytes of the block follow on the socket. */
export function writePieceHead({ piece, begin, length }: Block): Buffer {
  const head = startMessage(messageIds.piece, PIECE_BODY_BYTES)
  head.writeUInt32BE(1 + PIECE_BODY_BYTES + length, 0)
  head.writeUInt32BE(piece, HEAD_BYTES)
  head.writeUInt32BE(begin, HEAD_BYTES + 4)
  return head
}

/** `start` is the position of the body, `length` the size of the block according to the length of the message. */
export function readPieceHead(bytes: Buffer, start: number, length: number): Block {
  return { piece: bytes.readUInt32BE(start), begin: bytes.readUInt32BE(start + 4), length }
}
