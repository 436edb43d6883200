/**
 * Reads one direction of a peer connection: the handshake, then messages, from chunks of any size.
 *
 * Memory: a connection holds at most 68 bytes, the largest part of fixed size (the handshake). Bitfields and blocks are
 * not collected. Their bytes are passed on as parts of the chunk that contains them, without a copy. A receiver that
 * keeps a part keeps the memory of the whole chunk, 64 KiB on a socket of Node.
 *
 * Back-pressure: `read` passes on everything that a chunk contains, therefore a receiver that cannot take more pauses
 * the socket and receives at most the rest of the current chunk.
 *
 * Input is hostile: every length is checked before its bytes are awaited, each message has an exact length, and
 * malformed input makes `read` return a ProtocolViolation. It never throws for input. Messages with an unknown id are
 * skipped within the length limit, as BEP 3 asks for, so that a client newer than this file is not rejected.
 */
import { BLOCK_BYTES_MAX, PEER_MESSAGE_BYTES_MAX, PIECES_MAX } from '../../core/limits.ts'
import { HAVE_BODY_BYTES, readHave } from './availability.ts'
import { type Block, PIECE_BODY_BYTES, readPieceHead, readRequest, REQUEST_BODY_BYTES } from './block.ts'
import { type Handshake, HANDSHAKE_BYTES, isHandshakeStart, readHandshake } from './handshake.ts'
import { LENGTH_BYTES, messageIds } from './message.ts'
import { ProtocolViolation } from './protocol-violation.ts'

/** Bytes of a bitfield or of a block. `bytes` is a part of the chunk and valid during the call. */
export interface BodyPart {
  readonly bytes: Buffer
  /** Position of the part in the bitfield or block. */
  readonly at: number
  readonly isLast: boolean
}

export type PeerMessage =
  | ({ readonly kind: 'handshake' } & Handshake)
  | { readonly kind: 'keep-alive' | 'choke' | 'unchoke' | 'interested' | 'not-interested' }
  | { readonly kind: 'have-all' | 'have-none' }
  | { readonly kind: 'have'; readonly piece: number }
  /** A bitfield of `length` bytes begins; its parts follow, at least one. */
  | { readonly kind: 'bitfield'; readonly length: number }
  | ({ readonly kind: 'bitfield-part' } & BodyPart)
  | ({ readonly kind: 'request' | 'cancel' } & Block)
  /** A block begins; its parts follow, at least one. */
  | ({ readonly kind: 'block' } & Block)
  | ({ readonly kind: 'block-part' } & BodyPart)
  /** A message with an unknown id begins. Its `length` bytes are skipped. */
  | { readonly kind: 'unknown'; readonly id: number; readonly length: number }

/** Messages without a body, by id. */
const BARE = new Map<number, PeerMessage>([
  [messageIds.choke, { kind: 'choke' }],
  [messageIds.unchoke, { kind: 'unchoke' }],
  [messageIds.interested, { kind: 'interested' }],
  [messageIds.notInterested, { kind: 'not-interested' }],
  [messageIds.haveAll, { kind: 'have-all' }],
  [messageIds.haveNone, { kind: 'have-none' }],
])
const KEPT_ALIVE: PeerMessage = { kind: 'keep-alive' }

/** The part of fixed size that comes next. */
type Stage = 'handshake' | 'length' | 'id' | 'body'
/** The kind of a body that is passed on in parts. */
type Streamed = 'bitfield-part' | 'block-part' | 'skipped'

export class MessageReader {
  readonly #receive: (message: PeerMessage) => void
  /** The beginning of a part of fixed size whose rest is in the next chunk. */
  readonly #held = Buffer.alloc(HANDSHAKE_BYTES)
  #heldBytes = 0
  #stage: Stage = 'handshake'
  #stageBytes = HANDSHAKE_BYTES
  /** Length field of the current message, and its id. */
  #length = 0
  #id = 0
  #streamed: Streamed = 'skipped'
  #streamBytes = 0
  #streamAt = 0
  #violation: ProtocolViolation | undefined
  #isStopped = false

  constructor(receive: (message: PeerMessage) => void) {
    this.#receive = receive
  }

  /** Ignores the rest of the current chunk, and every later one. For a receiver that closes the connection. */
  stop(): void {
    this.#isStopped = true
  }

  /** Passes on what the chunk completes. Returns the violation that ends the connection, also for later chunks. */
  read(chunk: Buffer): ProtocolViolation | undefined {
    let at = 0
    while (at < chunk.length && !this.#isStopped) {
      if (this.#streamAt < this.#streamBytes) {
        at += this.#stream(chunk, at)
        continue
      }
      const needed = this.#stageBytes - this.#heldBytes
      const available = chunk.length - at
      if (this.#heldBytes === 0 && available >= needed) this.#take(chunk, at)
      else {
        chunk.copy(this.#held, this.#heldBytes, at, at + Math.min(needed, available))
        this.#heldBytes += Math.min(needed, available)
        if (this.#heldBytes < this.#stageBytes) {
          this.#checkStart()
          break
        }
        this.#heldBytes = 0
        this.#take(this.#held, 0)
      }
      at += needed
    }
    return this.#violation
  }

  /** A service that is not a client may send a few bytes and wait: they are rejected without the other 48. */
  #checkStart(): void {
    if (this.#stage !== 'handshake' || isHandshakeStart(this.#held, 0, this.#heldBytes)) return
    this.#reject(new ProtocolViolation('protocol-unknown', `${this.#heldBytes} bytes`))
  }

  #stream(chunk: Buffer, at: number): number {
    const size = Math.min(chunk.length - at, this.#streamBytes - this.#streamAt)
    const start = this.#streamAt
    this.#streamAt += size
    this.#receivePart(chunk.subarray(at, at + size), start)
    return size
  }

  #receivePart(bytes: Buffer, at: number): void {
    if (this.#streamed === 'skipped') return
    this.#receive({ kind: this.#streamed, bytes, at, isLast: this.#streamAt === this.#streamBytes })
  }

  /** A part of fixed size is complete at `start` of `bytes`. */
  #take(bytes: Buffer, start: number): void {
    switch (this.#stage) {
      case 'handshake':
        if (!isHandshakeStart(bytes, start, HANDSHAKE_BYTES))
          return this.#reject(new ProtocolViolation('protocol-unknown', `${HANDSHAKE_BYTES} bytes`))
        this.#await('length', LENGTH_BYTES)
        return this.#receive({ kind: 'handshake', ...readHandshake(bytes, start) })
      case 'length':
        return this.#takeLength(bytes.readUInt32BE(start))
      case 'id':
        return this.#takeId(bytes[start] as number)
      case 'body':
        this.#await('length', LENGTH_BYTES)
        return this.#takeBody(bytes, start)
    }
  }

  #takeLength(length: number): void {
    if (length > PEER_MESSAGE_BYTES_MAX)
      return this.#reject(new ProtocolViolation('message-too-long', `${length} bytes`))
    this.#length = length
    if (length === 0) this.#receive(KEPT_ALIVE)
    else this.#await('id', 1)
  }

  #takeId(id: number): void {
    this.#id = id
    const bodyBytes = this.#length - 1
    const bare = BARE.get(id)
    if (bare !== undefined) {
      if (bodyBytes !== 0) return this.#rejectLength()
      this.#await('length', LENGTH_BYTES)
      return this.#receive(bare)
    }
    switch (id) {
      case messageIds.have:
        return bodyBytes === HAVE_BODY_BYTES ? this.#await('body', bodyBytes) : this.#rejectLength()
      case messageIds.request:
      case messageIds.cancel:
        return bodyBytes === REQUEST_BODY_BYTES ? this.#await('body', bodyBytes) : this.#rejectLength()
      case messageIds.piece:
        return bodyBytes >= PIECE_BODY_BYTES ? this.#await('body', PIECE_BODY_BYTES) : this.#rejectLength()
      case messageIds.bitfield:
        return this.#startStream('bitfield-part', bodyBytes, { kind: 'bitfield', length: bodyBytes })
      default:
        return this.#startStream('skipped', bodyBytes, { kind: 'unknown', id, length: bodyBytes })
    }
  }

  #takeBody(bytes: Buffer, start: number): void {
    if (this.#id === messageIds.have) {
      const piece = readHave(bytes, start)
      return piece < PIECES_MAX ? this.#receive({ kind: 'have', piece }) : this.#rejectPiece(piece)
    }
    const isPiece = this.#id === messageIds.piece
    const block = isPiece
      ? readPieceHead(bytes, start, this.#length - 1 - PIECE_BODY_BYTES)
      : readRequest(bytes, start)
    if (block.piece >= PIECES_MAX) return this.#rejectPiece(block.piece)
    if (block.length === 0 || block.length > BLOCK_BYTES_MAX)
      return this.#reject(new ProtocolViolation('block-length-wrong', `${block.length} bytes`))
    if (isPiece) return this.#startStream('block-part', block.length, { kind: 'block', ...block })
    this.#receive({ kind: this.#id === messageIds.request ? 'request' : 'cancel', ...block })
  }

  #startStream(streamed: Streamed, length: number, start: PeerMessage): void {
    this.#await('length', LENGTH_BYTES)
    this.#streamed = streamed
    this.#streamBytes = length
    this.#streamAt = 0
    this.#receive(start)
    if (length === 0 && !this.#isStopped) this.#receivePart(NO_BYTES, 0)
  }

  #await(stage: Stage, bytes: number): void {
    this.#stage = stage
    this.#stageBytes = bytes
  }

  #rejectLength(): void {
    this.#reject(new ProtocolViolation('length-wrong', `id ${this.#id}, ${this.#length} bytes`))
  }

  #rejectPiece(piece: number): void {
    this.#reject(new ProtocolViolation('piece-out-of-range', `piece ${piece}`))
  }

  #reject(violation: ProtocolViolation): void {
    this.#violation = violation
    this.#isStopped = true
  }
}

const NO_BYTES = Buffer.alloc(0)
