/**
 * The connection between the carriers of two nodes, for all torrents. Either side may subscribe to any torrent of the
 * other side's site.
 *
 * Blocks are sent one at a time from each torrent in turn, so that a torrent with many requests delays another one by one
 * block. Nothing is passed to a socket that has not accepted earlier blocks, and a token bucket limits the rate.
 *
 * Both sides send something each second. A side that receives nothing for five seconds ends the connection.
 */
import type { ClientSocket, SocketEvents } from '../../observers/client-socket.ts'
import type { CarrierCounters } from '../carrier-counters.ts'
import {
  CHANNELS_MAX,
  type Frame,
  LINK_VERSION,
  PING,
  writeBlockHead,
  writeHello,
  writeSubscribe,
  writeUnsubscribe,
} from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import type { LinkRates } from './link-rates.ts'
import { Publication, type Published } from './publication.ts'
import { RemoteCarrier } from './remote-carrier.ts'

const PING_MS = 1_000
const SILENT_MS_MAX = 5_000
/** Longer than blocks wait in the buffers of a slow link. */
const ENDING_MS = 10_000
/** Bytes in the socket's buffer above which no further block is sent: 20 ms at 400 Mbit/s. */
const UNSENT_BYTES_MAX = 1_048_576
export interface SiteLinkInit {
  readonly ownSite: string
  /** `NODE_DIGITS` hexadecimal digits. */
  readonly ownNode: string
  /** The socket is open. */
  readonly connect: (events: Pick<SocketEvents, 'onData' | 'onDrain' | 'onEnd'>) => ClientSocket
  /**
   * The side that accepted the connection sends the first frame. The accepting process passes the socket on to that of the
   * carriers, and bytes that arrive before would be lost.
   */
  readonly isAccepted: boolean
  readonly rates: LinkRates
  readonly counters: CarrierCounters
  readonly nowMs: () => number
  /** The carrier of the own site for a torrent, while this node carries it. */
  readonly published: (infoHash: Buffer) => Published | undefined
  /** Whether the other side may be this site. */
  readonly admits: (site: string) => boolean
  readonly events: {
    /** The other side is this node. Returns false where another connection to it is kept. */
    onHello(site: string, node: string): boolean
    /** Both sides may subscribe. */
    onOpen(site: string, node: string): void
    /** Blocks wait for a rate that other connections share. The receiver calls `sendBlock` of each of them in turn. */
    onRated(site: string): void
    /** At most once, and never after `close`. */
    onEnd(reason: string): void
  }
}

export class SiteLink {
  readonly #init: SiteLinkInit
  readonly #socket: ClientSocket
  readonly #reader: FrameReader
  readonly #remotes = new Map<number, RemoteCarrier>()
  /** Channels that were unsubscribed a moment ago. Their blocks on the way still cross the link, and are counted. */
  readonly #ending = new Map<number, { readonly remote: RemoteCarrier; readonly sinceMs: number }>()
  readonly #publications = new Map<number, Publication>()
  /** Publications with blocks, in the order of their turns. */
  readonly #turns = new Set<Publication>()
  #site: string | undefined
  #nextChannel = 0
  #sentMs: number
  #receivedMs: number
  #isEnded = false

  constructor(init: SiteLinkInit) {
    const nowMs = init.nowMs()
    this.#init = init
    this.#sentMs = nowMs
    this.#receivedMs = nowMs
    this.#reader = new FrameReader((frame) => this.#receive(frame))
    this.#socket = init.connect({
      onData: (chunk) => this.#read(chunk),
      onDrain: () => this.#pump(),
      onEnd: (end) => this.end(end === 'closed' ? 'the other node closed the connection' : end),
    })
    if (init.isAccepted) this.#send(writeHello(init.ownNode, init.ownSite))
  }

  /** Blocks wait until the connection accepts them. */
  get isCongested(): boolean {
    return this.#turns.size > 0
  }

  /** The torrent in the other side's site. */
  subscribe(infoHash: Buffer): RemoteCarrier | undefined {
    if (this.#site === undefined || this.#isEnded) return undefined
    const isUsed = (at: number) => this.#remotes.has(at) || this.#ending.has(at)
    while (isUsed(this.#nextChannel)) this.#nextChannel = (this.#nextChannel + 1) % CHANNELS_MAX
    const channel = this.#nextChannel
    this.#nextChannel = (channel + 1) % CHANNELS_MAX
    const remote = new RemoteCarrier({
      site: this.#site,
      channel,
      counters: this.#init.counters,
      nowMs: this.#init.nowMs,
      send: (frame) => this.#send(frame),
    })
    this.#remotes.set(channel, remote)
    this.#send(writeSubscribe(channel, infoHash))
    return remote
  }

  unsubscribe(remote: RemoteCarrier): void {
    for (const [channel, other] of this.#remotes) {
      if (other !== remote) continue
      this.#remotes.delete(channel)
      this.#ending.set(channel, { remote, sinceMs: this.#init.nowMs() })
      this.#send(writeUnsubscribe(channel))
    }
  }

  /** Called a few times a second. */
  tick(): void {
    if (this.#isEnded) return
    const nowMs = this.#init.nowMs()
    if (nowMs - this.#receivedMs >= SILENT_MS_MAX) return this.end('the other node is silent')
    for (const [channel, { sinceMs }] of this.#ending)
      if (nowMs - sinceMs >= ENDING_MS) this.#ending.delete(channel)
    for (const publication of this.#publications.values())
      publication.tick(this.#init.published(publication.infoHash))
    if (this.#site !== undefined && nowMs - this.#sentMs >= PING_MS) this.#send(PING)
    this.#pump()
  }

  /** Ends the connection without an event. */
  close(): void {
    if (this.#isEnded) return
    this.#isEnded = true
    this.#reader.stop()
    this.#socket.destroy()
    for (const publication of this.#publications.values()) publication.close()
    this.#publications.clear()
    this.#turns.clear()
  }

  /** Ends the connection, with an event. */
  end(reason: string): void {
    if (this.#isEnded) return
    this.close()
    this.#init.events.onEnd(reason)
  }

  #send(frame: Buffer): void {
    if (this.#isEnded) return
    this.#sentMs = this.#init.nowMs()
    this.#socket.write(frame)
  }

  #read(chunk: Buffer): void {
    if (this.#isEnded) return
    this.#receivedMs = this.#init.nowMs()
    const error = this.#reader.read(chunk)
    if (error !== undefined) this.end(error)
  }

  #receive(frame: Frame): void {
    if (this.#isEnded) return
    if (frame.kind === 'hello') return this.#greet(frame)
    if (this.#site === undefined) return this.end(`a frame of kind ${frame.kind} before the first one`)
    if (frame.kind === 'ping') return
    switch (frame.kind) {
      case 'subscribe':
        return this.#publish(frame.channel, frame.infoHash)
      case 'unsubscribe':
        return this.#retract(frame.channel)
      case 'request':
        return this.#request(frame)
      case 'cancel':
        this.#publications.get(frame.channel)?.cancel(frame)
        return
      default:
        return this.#receiveFrom(this.#remotes.get(frame.channel), frame)
    }
  }

  #greet({ version, site, node }: Extract<Frame, { readonly kind: 'hello' }>): void {
    const { ownSite, ownNode, isAccepted, admits, events } = this.#init
    if (version !== LINK_VERSION) return this.end(`the other node has version ${version} of the protocol`)
    if (this.#site !== undefined) return this.end('a second hello')
    if (site === ownSite || !admits(site)) return this.end(`the site ${site} is not expected`)
    this.#site = site
    if (!events.onHello(site, node)) return this.end('the node is connected already')
    if (!isAccepted) this.#send(writeHello(ownNode, ownSite))
    events.onOpen(site, node)
  }

  /** Frames of the publisher of a channel. After `unsubscribe`, some of them may be on their way. */
  #receiveFrom(
    remote: RemoteCarrier | undefined,
    frame: Extract<Frame, { readonly kind: 'state' | 'pieces' | 'available' | 'block' | 'invalid' }>,
  ): void {
    if (remote === undefined) {
      if (frame.kind === 'block') this.#ending.get(frame.channel)?.remote.receive(frame.block, frame.data)
      return
    }
    let isRight = true
    if (frame.kind === 'state') remote.update(frame)
    else if (frame.kind === 'pieces') isRight = remote.replacePieces(frame.bits)
    else if (frame.kind === 'available') isRight = remote.addPieces(frame.pieces)
    else if (frame.kind === 'invalid') remote.invalid(frame.piece)
    else remote.receive(frame.block, frame.data)
    if (!isRight) this.end('pieces that the torrent does not have')
  }

  // ---- Publications

  #publish(channel: number, infoHash: Buffer): void {
    if (this.#publications.has(channel)) return this.end(`a second subscription of channel ${channel}`)
    const publication: Publication = new Publication({
      channel,
      infoHash,
      send: (frame) => this.#send(frame),
      nowMs: this.#init.nowMs,
      onQueued: () => {
        this.#turns.add(publication)
        this.#pump()
      },
    })
    this.#publications.set(channel, publication)
    publication.tick(this.#init.published(infoHash))
  }

  #retract(channel: number): void {
    const publication = this.#publications.get(channel)
    if (publication === undefined) return
    this.#publications.delete(channel)
    this.#turns.delete(publication)
    publication.close()
  }

  #request({ channel, piece, begin, length }: Extract<Frame, { readonly kind: 'request' | 'cancel' }>): void {
    const isAccepted = this.#publications.get(channel)?.request({ piece, begin, length })
    if (isAccepted === false) this.end('too many requests')
  }

  #pump(): void {
    if (this.#site !== undefined && this.#init.rates.get(this.#init.ownSite, this.#site) !== undefined)
      this.#init.events.onRated(this.#site)
    else while (this.sendBlock());
  }

  /** One block of each torrent in turn. Returns whether the connection and its rate accepted one. */
  sendBlock(): boolean {
    const { ownSite, rates } = this.#init
    const site = this.#site
    for (const publication of this.#turns) {
      if (site === undefined || this.#isEnded || this.#socket.unsentBytes >= UNSENT_BYTES_MAX) return false
      if (!rates.isOpen(ownSite, site)) return false
      this.#turns.delete(publication)
      const next = publication.take()
      if (publication.hasBlocks) this.#turns.add(publication)
      if (next === undefined) continue
      const { block, data } = next
      rates.spend(ownSite, site, data.length)
      this.#send(writeBlockHead(publication.channel, block))
      this.#send(data)
      return true
    }
    return false
  }
}
