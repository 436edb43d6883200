/**
 * One connection of a node to one client: sends a handshake, then reads. It has no pieces, is not interested and never
 * unchokes, so that the client spends nothing on it but its own HAVE messages.
 *
 * Reading is paced: after the client has shown its pieces, each chunk pauses the socket until the next turn. A thousand
 * HAVE messages then cost one read instead of a thousand, and a client that floods is slowed by TCP.
 *
 * The client is hostile. It costs at most one bitfield of memory, and the bytes and messages of its buckets: about
 * 40,000 messages (10 ms of CPU) before it is disconnected as flooding.
 */
import {
  OBSERVED_CLIENT_BYTES_BURST,
  OBSERVED_CLIENT_BYTES_PER_SECOND_MAX,
  OBSERVED_CLIENT_MESSAGES_BURST,
  OBSERVED_CLIENT_MESSAGES_PER_SECOND_MAX,
} from '../core/limits.ts'
import { writeHandshake } from '../wire/peer/handshake.ts'
import { KEEP_ALIVE } from '../wire/peer/message.ts'
import { MessageReader, type PeerMessage } from '../wire/peer/message-reader.ts'
import { ProtocolViolation } from '../wire/peer/protocol-violation.ts'
import type { ClientSocket, Dial, SocketEnd } from './client-socket.ts'
import type { ClientAddress } from './observation.ts'
import type { PieceRecord, Rejection } from './piece-record.ts'
import { TokenBucket } from './token-bucket.ts'

/**
 * - `dialling`: no answer yet.
 * - `greeting`: the client accepted the connection; its handshake is awaited.
 * - `waiting`: the handshake is there; the pieces of the client are awaited.
 * - `open`: the client has shown its pieces.
 */
export type Phase = 'dialling' | 'greeting' | 'waiting' | 'open' | 'ended'

/** `flooding`: too many bytes or messages. `memory`: the budget for bitfields is used up. */
export type ConnectionEnd = SocketEnd | ProtocolViolation | 'flooding' | 'memory'

export interface ConnectionEvents {
  /** `peerId`: 20 bytes. */
  onHandshake(peerId: Buffer): void
  onReachable(): void
  /** The client sent something, of which `pieces` has the effect. Once for each chunk. */
  onData(bytes: number): void
  /** At most once, and never after `close`. */
  onEnd(end: ConnectionEnd): void
}

export interface ConnectionInit {
  readonly client: ClientAddress
  readonly peerId: Buffer
  readonly pieces: PieceRecord
  readonly dial: Dial
  readonly nowMs: () => number
  readonly events: ConnectionEvents
}

/** Clients close a connection without messages after 120 s (libtorrent, Transmission). */
const KEEP_ALIVE_MS = 60_000
/** A client that does not read 64 messages of four bytes is not a client. */
const UNSENT_BYTES_MAX = 256

export class ObserverConnection {
  readonly pieces: PieceRecord
  readonly #init: ConnectionInit
  readonly #socket: ClientSocket
  readonly #reader: MessageReader
  readonly #bytes: TokenBucket
  readonly #messages: TokenBucket
  readonly startedMs: number
  phase: Phase = 'dialling'
  /** Start of the phase. */
  phaseMs: number
  /** The last time at which the client sent something. */
  receivedMs: number
  isPaused = false
  #sentMs: number
  #chunkMessages = 0
  #rejection: Rejection | undefined

  constructor(init: ConnectionInit) {
    const nowMs = init.nowMs()
    this.#init = init
    this.pieces = init.pieces
    this.startedMs = nowMs
    this.phaseMs = nowMs
    this.receivedMs = nowMs
    this.#sentMs = nowMs
    this.#bytes = new TokenBucket({
      perSecond: OBSERVED_CLIENT_BYTES_PER_SECOND_MAX,
      burst: OBSERVED_CLIENT_BYTES_BURST,
      nowMs,
    })
    this.#messages = new TokenBucket({
      perSecond: OBSERVED_CLIENT_MESSAGES_PER_SECOND_MAX,
      burst: OBSERVED_CLIENT_MESSAGES_BURST,
      nowMs,
    })
    this.#reader = new MessageReader((message) => this.#receive(message))
    this.#socket = init.dial(init.client, {
      onOpen: () => this.#open(),
      onData: (chunk) => this.#read(chunk),
      onEnd: (end) => this.#end(end),
    })
  }

  /** Closes the connection without an event. */
  close(): void {
    if (this.phase === 'ended') return
    this.#enter('ended')
    this.#reader.stop()
    this.#socket.destroy()
    this.pieces.release()
  }

  /** Reads again what the client has sent since the last chunk. */
  resume(): void {
    if (!this.isPaused || this.phase === 'ended') return
    this.isPaused = false
    this.#socket.resume()
  }

  /** The client has sent no bitfield for so long that it has no piece. */
  assumeNoPieces(): void {
    this.pieces.isShown = true
    this.#enter('open')
  }

  /** Time at which `keepAlive` sends the next message. */
  keepAliveDueMs(): number {
    return this.#sentMs + KEEP_ALIVE_MS
  }

  keepAlive(): void {
    const nowMs = this.#init.nowMs()
    if (nowMs < this.keepAliveDueMs()) return
    this.#sentMs = nowMs
    this.#socket.write(KEEP_ALIVE)
    if (this.#socket.unsentBytes > UNSENT_BYTES_MAX) this.#end('closed')
  }

  #enter(phase: Phase): void {
    this.phase = phase
    this.phaseMs = this.#init.nowMs()
  }

  #open(): void {
    if (this.phase === 'ended') return
    this.#enter('greeting')
    this.#socket.write(writeHandshake(this.#init.client.infoHash, this.#init.peerId))
    this.#init.events.onReachable()
  }

  #read(chunk: Buffer): void {
    if (this.phase === 'ended') return
    const nowMs = this.#init.nowMs()
    this.receivedMs = nowMs
    this.#chunkMessages = 0
    const rejection = this.#reader.read(chunk) ?? this.#rejection
    if (rejection !== undefined) return this.#end(rejection)
    const isWithinBytes = this.#bytes.spend(chunk.length, nowMs)
    const isWithinMessages = this.#messages.spend(this.#chunkMessages, nowMs)
    if (!isWithinBytes || !isWithinMessages) return this.#end('flooding')
    if (this.phase === 'open') {
      this.isPaused = true
      this.#socket.pause()
    }
    this.#init.events.onData(chunk.length)
  }

  #receive(message: PeerMessage): void {
    this.#chunkMessages++
    if (message.kind === 'handshake') {
      this.#enter('waiting')
      if (message.infoHash.equals(this.#init.client.infoHash)) {
        this.#init.events.onHandshake(message.peerId)
        return
      }
      this.#reject(new ProtocolViolation('infohash-wrong', message.infoHash.toString('hex')))
      return
    }
    const rejection = this.pieces.apply(message)
    if (rejection !== undefined) this.#reject(rejection)
    else if (this.phase === 'waiting' && this.pieces.isShown) this.#enter('open')
  }

  #reject(rejection: Rejection): void {
    this.#rejection = rejection
    this.#reader.stop()
  }

  #end(end: ConnectionEnd): void {
    if (this.phase === 'ended') return
    this.close()
    this.#init.events.onEnd(end)
  }
}
