/**
 * One peer-protocol connection of a carrier to one client, with content in both directions. To the client the node is
 * one more peer: it advertises pieces by HAVE, answers requests, and requests blocks itself where the client has them.
 *
 * Reserved bits are zero, so that everything is plain BEP 3. The node unchokes each client that is interested, and shows
 * interest only where it wants blocks: an upload slot of a client is for a peer that uses it.
 *
 * The client is hostile. Its requests are bounded (`pending-requests.ts`), no block is passed to a socket that has not
 * accepted earlier ones, blocks that were not requested are skipped, and a client that sends too many messages, or
 * reads nothing for a minute, is disconnected. Each of these is counted.
 */
import { BLOCK_BYTES_MAX } from '../core/limits.ts'
import type { ClientSocket } from '../observers/client-socket.ts'
import type { LivenessProbe } from '../observers/liveness-probe.ts'
import type { PieceRecord } from '../observers/piece-record.ts'
import { TokenBucket } from '../observers/token-bucket.ts'
import { writeHave } from '../wire/peer/availability.ts'
import { type Block, writeCancel, writePieceHead, writeRequest } from '../wire/peer/block.ts'
import { writeHandshake } from '../wire/peer/handshake.ts'
import { INTERESTED, KEEP_ALIVE, NOT_INTERESTED, UNCHOKE } from '../wire/peer/message.ts'
import { MessageReader, type PeerMessage } from '../wire/peer/message-reader.ts'
import { ProtocolViolation } from '../wire/peer/protocol-violation.ts'
import { BlockAssembly } from './block-assembly.ts'
import type { ClientFault } from './carrier-counters.ts'
import type { Holder, Requester } from './holder.ts'
import type { LinkEnd, LinkInit } from './link-init.ts'
import { PendingRequests } from './pending-requests.ts'
import { TransferRate } from './transfer-rate.ts'
import { type Delivery, WithheldBlock } from './withheld-block.ts'

/** Clients accept 250 (rtorrent) to 2,000 (libtorrent) requests; Transmission drops those above 512. */
const OUTSTANDING_MAX = 250
const OUTSTANDING_MIN = 32
/** libtorrent requests 500 blocks ahead, Transmission as many as ten seconds take. */
const REQUEST_LIMITS = { requestsMax: 4_096, routedBytesMin: 524_288, routedBytesMax: 4_194_304 }
/** Bytes in the socket's buffer above which no further request is answered. Grows with the rate to a quarter second. */
const SEND_BYTES_MIN = 262_144
const SEND_BYTES_MAX = 2_097_152
/** 65,536 requests a second are 8 Gbit/s, and twice as many messages with a HAVE for each piece are never reached. */
const MESSAGES_PER_SECOND_MAX = 65_536
const MESSAGES_BURST = 262_144
/** Blocks that were cancelled while they were on their way: 16 MiB, then one a second in sixteen milliseconds. */
const UNREQUESTED_BYTES_PER_SECOND_MAX = 1_048_576
const UNREQUESTED_BYTES_BURST = 16_777_216
/** A client that has accepted no byte for this time is stuck. TCP needs a minute for a path that loses half of it. */
const READ_MS_MAX = 60_000
/** Clients close a connection without messages after 120 s (libtorrent, Transmission). */
const KEEP_ALIVE_MS = 60_000
/** Two retransmissions of the SYN, after 1 s and 3 s. */
const DIAL_MS_MAX = 3_500
/** The kernel accepts connections while the client is busy; the handshake needs the client. */
const HANDSHAKE_MS_MAX = 5_000
/** A client without pieces sends no bitfield; Transmission 3.00 sends one up to a second after the handshake. */
const BITFIELD_MS_MAX = 2_000

/** Of a client that cannot be probed. */
const SILENT_MS_MAX = 20_000

export class ClientLink implements Holder, Requester {
  readonly name: string
  readonly host: string
  readonly kind: 'source' | 'host'
  readonly pieces: PieceRecord
  readonly #init: LinkInit
  readonly #socket: ClientSocket
  readonly #reader: MessageReader
  readonly #requests = new PendingRequests(REQUEST_LIMITS)
  readonly #assembly = new BlockAssembly()
  readonly #withheld = new WithheldBlock()
  readonly #messages: TokenBucket
  readonly #unrequested: TokenBucket
  readonly received: TransferRate
  readonly sent: TransferRate
  isGreeted = false
  isEnded = false
  isOpen = false
  /** Since when the link is being dialled, is open, or is greeted. */
  #phaseMs: number
  /** Time of the last data of the client. */
  receivedMs: number
  #isUnchoked = false
  isInterested = false
  #sentMs: number
  #writtenBytes = 0
  #acceptedBytes = 0
  #acceptedMs: number
  #chunkMessages = 0
  #end: LinkEnd | undefined
  #isServing = false
  /** Blocks that the client was asked for. */
  #asked = 0
  #probe: LivenessProbe | undefined

  constructor(init: LinkInit) {
    const nowMs = init.nowMs()
    this.#init = init
    this.name = init.name
    this.host = init.host
    this.kind = init.kind
    this.pieces = init.pieces
    this.#sentMs = nowMs
    this.#acceptedMs = nowMs
    this.#phaseMs = nowMs
    this.receivedMs = nowMs
    this.received = new TransferRate(nowMs)
    this.sent = new TransferRate(nowMs)
    this.#messages = new TokenBucket({ perSecond: MESSAGES_PER_SECOND_MAX, burst: MESSAGES_BURST, nowMs })
    this.#unrequested = new TokenBucket({
      perSecond: UNREQUESTED_BYTES_PER_SECOND_MAX,
      burst: UNREQUESTED_BYTES_BURST,
      nowMs,
    })
    this.#reader = new MessageReader((message) => this.#receive(message))
    this.#socket = init.connect({
      onOpen: () => this.#open(),
      onData: (chunk) => this.#read(chunk),
      onDrain: () => this.#serve(),
      onEnd: (end) => this.#finish(end),
    })
  }

  /** Closes the connection without an event. */
  close(): void {
    if (this.isEnded) return
    this.isEnded = true
    this.#isUnchoked = false
    this.#reader.stop()
    this.#probe?.stop()
    this.#socket.destroy()
    for (const block of this.#requests.clear()) this.#init.router.cancel(this, block)
    this.pieces.release()
  }

  // ---- Holder

  get isReady(): boolean {
    return this.#isUnchoked && this.isGreeted
  }

  /** A second of blocks at the present rate. */
  get outstandingMax(): number {
    const blocks = Math.ceil(this.received.at(this.#init.nowMs()) / BLOCK_BYTES_MAX)
    return Math.min(OUTSTANDING_MAX, Math.max(OUTSTANDING_MIN, blocks))
  }

  has(piece: number): boolean {
    return this.pieces.pieces.has(piece) || this.pieces.hasAll || this.#init.hasSilently(piece)
  }

  request(block: Block): void {
    this.#assembly.expect(block)
    this.#asked++
    this.#write(writeRequest(block))
  }

  cancel(block: Block): void {
    this.#asked = Math.max(0, this.#asked - 1)
    this.#write(writeCancel(block))
  }

  // ---- Requester

  deliver(block: Block, data: Buffer): void {
    if (this.isEnded) return
    if (!this.#init.isWithheld(block)) this.#pass({ block, data })
    else this.#pass(this.#withheld.replace({ block, data }, this.#init.nowMs()))
  }

  refuse(block: Block): void {
    if (this.#requests.answer(block)) this.#init.events.onFault('request-out-of-range')
  }

  #pass(delivery: Delivery | undefined): void {
    if (delivery === undefined || !this.#requests.answer(delivery.block)) return
    const { block, data } = delivery
    this.#write(writePieceHead(block))
    this.#write(data)
    this.sent.add(block.length, this.#init.nowMs())
    this.#init.events.onServed(block)
    this.#serve()
  }

  // ---- What the carrier advertises

  have(piece: number): void {
    this.#write(writeHave(piece))
    this.#pass(this.#withheld.take())
  }

  showInterest(isInterested: boolean): void {
    if (!this.isGreeted || isInterested === this.isInterested) return
    this.isInterested = isInterested
    this.#write(isInterested ? INTERESTED : NOT_INTERESTED)
  }

  /** Requests of the client that wait for an answer. */
  get requests(): number {
    return this.#requests.count
  }

  /** Called about once a second. */
  tick(): void {
    if (this.isEnded) return
    const nowMs = this.#init.nowMs()
    const phaseMs = nowMs - this.#phaseMs
    if (!this.isGreeted) {
      if (!this.isOpen && phaseMs >= DIAL_MS_MAX) this.#finish('silent')
      else if (this.isOpen && phaseMs >= HANDSHAKE_MS_MAX) this.#finish('mute')
      return
    }
    if (!this.pieces.isShown && !this.pieces.isPartial && phaseMs >= BITFIELD_MS_MAX) {
      this.pieces.isShown = true
      this.#init.events.onBitfield()
    }
    const acceptedBytes = this.#writtenBytes - this.#socket.unsentBytes
    if (acceptedBytes > this.#acceptedBytes || this.#socket.unsentBytes === 0) {
      this.#acceptedBytes = acceptedBytes
      this.#acceptedMs = nowMs
    } else if (nowMs - this.#acceptedMs >= READ_MS_MAX) return this.#fault('not-reading')
    if (nowMs - this.#sentMs >= KEEP_ALIVE_MS) this.#write(KEEP_ALIVE)
    this.#watch(nowMs)
    if (this.#withheld.isDue(nowMs, this.#init.isWithheld)) this.#pass(this.#withheld.take())
    this.#serve()
  }

  /** A host whose link is cut answers nothing, and its connection looks like one of a client that has nothing to send. */
  #watch(nowMs: number): void {
    if (this.#asked === 0 && this.#init.offers() === 0) {
      this.#probe?.stop()
      this.#probe = undefined
      return
    }
    this.#probe ??= this.#init.probe?.((outcome) => {
      if (outcome !== 'alive') this.#finish(outcome)
    })
    if (this.#probe === undefined) {
      if (nowMs - this.receivedMs >= SILENT_MS_MAX) this.#finish('silent')
    } else if (nowMs >= this.#probe.dueMs(this.receivedMs)) this.#probe.advance()
  }

  // ---- The socket

  #open(): void {
    if (this.isEnded) return
    this.isOpen = true
    this.#phaseMs = this.#init.nowMs()
    this.#write(writeHandshake(this.#init.infoHash, this.#init.peerId))
    this.#init.events.onReachable()
  }

  #read(chunk: Buffer): void {
    if (this.isEnded) return
    this.receivedMs = this.#init.nowMs()
    this.#chunkMessages = 0
    const violation = this.#reader.read(chunk)
    if (this.isEnded) return
    const end = violation ?? this.#end
    if (end !== undefined) {
      if (end instanceof ProtocolViolation) this.#init.events.onFault('violation')
      return this.#finish(end)
    }
    if (!this.#messages.spend(this.#chunkMessages, this.#init.nowMs())) return this.#fault('flooding')
    this.#serve()
  }

  #write(bytes: Buffer): void {
    if (this.isEnded) return
    this.#sentMs = this.#init.nowMs()
    this.#writtenBytes += bytes.length
    this.#socket.write(bytes)
  }

  #fault(fault: ClientFault): void {
    this.#init.events.onFault(fault)
    this.#finish(fault)
  }

  #finish(end: LinkEnd): void {
    if (this.isEnded) return
    this.close()
    this.#init.events.onEnd(end)
  }

  // ---- Messages

  #receive(message: PeerMessage): void {
    if (this.isEnded) return
    this.#chunkMessages++
    switch (message.kind) {
      case 'handshake':
        return this.#greet(message.infoHash, message.peerId)
      case 'choke':
      case 'unchoke':
        return this.#setUnchoked(message.kind === 'unchoke')
      case 'interested':
        // Not earlier: rtorrent 0.9.8 ignores the message for half a minute where it arrives before the interest.
        this.#write(UNCHOKE)
        return this.#takePieces(message)
      case 'request':
        return this.#takeRequest(message)
      case 'cancel':
        if (this.#requests.cancel(message)) this.#init.router.cancel(this, message)
        return
      case 'block':
        if (this.#assembly.start(message)) return
        if (!this.#unrequested.spend(message.length, this.#init.nowMs())) this.#reject('flooding')
        return
      case 'block-part':
        return this.#takePart(message)
      default:
        return this.#takePieces(message)
    }
  }

  #greet(infoHash: Buffer, peerId: Buffer): void {
    if (!infoHash.equals(this.#init.infoHash))
      return this.#reject(new ProtocolViolation('infohash-wrong', infoHash.toString('hex')))
    this.isGreeted = true
    this.#phaseMs = this.#init.nowMs()
    this.#init.events.onGreeted(peerId)
  }

  #setUnchoked(isUnchoked: boolean): void {
    if (isUnchoked === this.#isUnchoked) return
    this.#isUnchoked = isUnchoked
    if (!isUnchoked) this.#asked = 0
    this.#init.events.onReady(isUnchoked)
  }

  #takeRequest(block: Block): void {
    // The message may be a part of a larger object.
    const { piece, begin, length } = block
    if (!this.#requests.add({ piece, begin, length })) this.#init.events.onFault('requests-dropped')
  }

  #takePart(part: { readonly bytes: Buffer; readonly at: number; readonly isLast: boolean }): void {
    const whole = this.#assembly.add(part)
    if (whole === undefined) return
    this.#asked = Math.max(0, this.#asked - 1)
    this.received.add(whole.block.length, this.#init.nowMs())
    this.#init.events.onBlock(whole.block, whole.data)
  }

  #takePieces(message: PeerMessage): void {
    const { count } = this.pieces.pieces
    const rejection = this.pieces.apply(message)
    if (rejection !== undefined) return this.#reject(rejection)
    if (message.kind === 'have' && this.pieces.pieces.count > count) this.#init.events.onGained(message.piece)
    else if ((message.kind === 'bitfield-part' && message.isLast) || message.kind === 'have-all')
      this.#init.events.onBitfield()
  }

  #reject(end: LinkEnd): void {
    this.#end = end
    this.#reader.stop()
  }

  /** Passes requests to the router, as fast as the client accepts the blocks. */
  #serve(): void {
    // A block from the cache is delivered during the request.
    if (this.#isServing) return
    this.#isServing = true
    const rate = this.sent.at(this.#init.nowMs())
    const bytesMax = Math.min(SEND_BYTES_MAX, Math.max(SEND_BYTES_MIN, rate / 4))
    while (!this.isEnded && this.#socket.unsentBytes < bytesMax) {
      const block = this.#requests.takeNext(rate)
      if (block === undefined) break
      if (this.#init.router.request(this, block) === 'accepted') continue
      this.#requests.answer(block)
      this.#init.events.onFault('request-out-of-range')
    }
    this.#isServing = false
  }
}
