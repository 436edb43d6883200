/**
 * The pieces that a client has shown on one connection: its bitfield, then one HAVE for each new piece. Checks what the
 * client sends against the number of pieces, where that is known, and against the length of its own bitfield otherwise.
 */
import { PIECES_MAX } from '../core/limits.ts'
import type { PeerMessage } from '../wire/peer/message-reader.ts'
import { PieceSet } from '../wire/peer/piece-set.ts'
import { type PeerViolationCode, ProtocolViolation } from '../wire/peer/protocol-violation.ts'
import type { BitfieldMemory } from './bitfield-memory.ts'
import type { ShownPieces, TorrentPieces } from './torrent-pieces.ts'

/** Size of the first set of a client that sends HAVE without a bitfield: 2,048 pieces. Doubled when it is too small. */
const FIRST_BYTES = 256

/** The connection ends: the client violates the protocol, or the memory for bitfields is used up. */
export type Rejection = ProtocolViolation | 'memory'

export class PieceRecord implements ShownPieces {
  readonly #torrent: TorrentPieces
  readonly #memory: BitfieldMemory
  /** Taken from the budget. Zero while the number of pieces is known. */
  #takenBytes = 0
  pieces = new PieceSet(0)
  hasBitfield = false
  hasAll = false
  /** The client has shown its pieces, or that it has none. */
  isShown = false
  /** A bitfield has begun and not ended. */
  isPartial = false

  constructor(torrent: TorrentPieces, memory: BitfieldMemory) {
    this.#torrent = torrent
    this.#memory = memory
  }

  /** Gives the memory back. The record is not used afterwards. */
  release(): void {
    this.#memory.give(this.#takenBytes)
    this.#takenBytes = 0
  }

  /** Applies a message. Messages about other things have no effect, except that a client without a bitfield has none. */
  apply(message: PeerMessage): Rejection | undefined {
    switch (message.kind) {
      case 'have':
        return this.#applyHave(message.piece)
      case 'bitfield':
        return this.#startBitfield(message.length)
      case 'bitfield-part':
        this.pieces.replace(message.bytes, message.at)
        return message.isLast ? this.#endBitfield() : undefined
      case 'have-all':
        this.#applyAll()
        return undefined
      case 'have-none':
        this.hasAll = false
        this.pieces.clear()
        this.isShown = true
        return undefined
      case 'handshake':
      case 'unknown':
        // An extension message may precede the bitfield.
        return undefined
      default:
        // Only the first message may be a bitfield (BEP 3): a client that begins with another one has no piece.
        this.isShown = true
        return undefined
    }
  }

  #applyHave(piece: number): Rejection | undefined {
    const limit = this.#torrent.count ?? (this.hasBitfield ? this.pieces.bytes * 8 : PIECES_MAX)
    if (piece >= limit) return violation('piece-out-of-range', `piece ${piece} of ${limit}`)
    const bytes = (piece >> 3) + 1
    if (bytes > this.pieces.bytes) {
      const rejection = this.#grow(Math.max(bytes, this.pieces.bytes * 2, FIRST_BYTES))
      if (rejection !== undefined) return rejection
    }
    this.pieces.add(piece)
    this.isShown = true
    return undefined
  }

  #startBitfield(length: number): Rejection | undefined {
    const { count } = this.#torrent
    const expected = count === undefined ? (this.hasBitfield ? this.pieces.bytes : length) : (count + 7) >> 3
    if (length !== expected) return violation('bitfield-wrong', `${length} bytes instead of ${expected}`)
    this.hasAll = false
    this.isPartial = true
    if (length === this.pieces.bytes) return undefined
    // A set that grew with HAVE messages can be longer than the bitfield that follows.
    this.release()
    this.pieces = new PieceSet(0)
    return this.#grow(length)
  }

  #endBitfield(): Rejection | undefined {
    const { count } = this.#torrent
    if (count !== undefined && this.pieces.highest() >= count)
      return violation('bitfield-wrong', `a spare bit is set after piece ${count - 1}`)
    this.hasBitfield = true
    this.isPartial = false
    this.isShown = true
    return undefined
  }

  #applyAll(): void {
    const { count } = this.#torrent
    this.hasAll = true
    this.isShown = true
    if (count === undefined) return
    this.pieces.grow((count + 7) >> 3)
    this.pieces.fill(count)
  }

  #grow(bytes: number): Rejection | undefined {
    const { count } = this.#torrent
    if (count !== undefined) {
      this.pieces.grow((count + 7) >> 3)
      return undefined
    }
    const capped = Math.min(bytes, PIECES_MAX / 8)
    if (!this.#memory.take(capped - this.pieces.bytes)) return 'memory'
    this.#takenBytes += capped - this.pieces.bytes
    this.pieces.grow(capped)
    return undefined
  }
}

function violation(code: PeerViolationCode, detail: string): ProtocolViolation {
  return new ProtocolViolation(code, detail)
}
