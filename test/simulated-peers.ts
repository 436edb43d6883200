/**
 * Clients of the peer protocol in virtual time, for tests of the carriers: each behaves as BEP 3 describes, from its
 * own reader and writer of messages, or breaks one rule that a test names.
 */
import { createHash } from 'node:crypto'
import { Address } from '../src/core/address.ts'
import { ManualClock } from '../src/core/clock.ts'
import type { Log, LogFields } from '../src/core/log.ts'
import { SeededRandom } from '../src/core/random.ts'
import type { Carriage, CarriageKey } from '../src/carriers/carriage.ts'
import { Carriers } from '../src/carriers/carriers.ts'
import { FrameReader } from '../src/carriers/link/frame-reader.ts'
import { TorrentGeometry } from '../src/carriers/torrent-geometry.ts'
import type { ClientSocket, SocketEvents } from '../src/observers/client-socket.ts'
import type { Observation } from '../src/observers/observation.ts'
import { writeBitfield, writeHave } from '../src/wire/peer/availability.ts'
import { type Block, writePieceHead, writeRequest } from '../src/wire/peer/block.ts'
import { writeHandshake } from '../src/wire/peer/handshake.ts'
import { CHOKE, INTERESTED, UNCHOKE } from '../src/wire/peer/message.ts'
import { MessageReader, type PeerMessage } from '../src/wire/peer/message-reader.ts'
import { PieceSet } from '../src/wire/peer/piece-set.ts'

const STEP_MS = 20
/** Requests that a client keeps outstanding. */
const PIPELINE = 64
const PAUSE_STEPS = 30_000 / STEP_MS

export class Content {
  readonly bytes: Buffer
  readonly pieceBytes: number
  readonly geometry: TorrentGeometry
  readonly infoHash: Buffer

  constructor({
    totalBytes,
    pieceBytes,
    seed = 1,
  }: {
    totalBytes: number
    pieceBytes: number
    seed?: number
  }) {
    const random = new SeededRandom(seed)
    this.bytes = Buffer.from(Uint8Array.from({ length: totalBytes }, () => random.below(256)))
    this.pieceBytes = pieceBytes
    const hashes: Buffer[] = []
    for (let at = 0; at < totalBytes; at += pieceBytes)
      hashes.push(
        createHash('sha1')
          .update(this.bytes.subarray(at, at + pieceBytes))
          .digest(),
      )
    this.geometry = new TorrentGeometry({ totalBytes, pieceBytes, hashes: Buffer.concat(hashes) })
    this.infoHash = createHash('sha1').update(`content ${seed}`).digest()
  }

  get pieces(): number {
    return this.geometry.pieces
  }

  block({ piece, begin, length }: Block): Buffer {
    const at = piece * this.pieceBytes + begin
    return this.bytes.subarray(at, at + length)
  }
}

export interface PeerOptions {
  /** Pieces that the peer has at first. */
  readonly has?: 'all' | readonly number[]
  readonly bytesPerSecond?: number
  /** Sends no HAVE, as Transmission. */
  readonly isSilent?: boolean
  /** Requests nothing for half a minute after it got all that it was offered, as rtorrent. */
  readonly isPausing?: boolean
  /** Sends this byte wrong in each block of these pieces. */
  readonly lies?: (piece: number) => boolean
  /** Accepts the connection and never reads. */
  readonly isDeaf?: boolean
  /** Closes the connection once it is complete, as libtorrent does where the node has told it of all pieces. */
  readonly isClosingAtEnd?: boolean
  /** Closes the connection where it is asked for a block that does not exist, as aria2 does; others ignore the request. */
  readonly isStrict?: boolean
  /** Blocks that the peer requests each time that the node unchokes it. */
  readonly requests?: readonly Block[]
  /** Accepts bytes of the node no faster than this. */
  readonly readsBytesPerSecond?: number
  /** Never unchokes the node. */
  readonly isChoking?: boolean
  /** Closes the connection where it gets a handshake that is not encrypted. */
  readonly requiresEncryption?: boolean
  /** A firewall drops the packets of the node, or the link of the host is cut. */
  isFiltered?: boolean
  /** Announces this as `left`, instead of what it lacks. */
  readonly announcesLeftKib?: number | 'nothing'
}

export class SimulatedPeer {
  readonly address: Address
  readonly port = 6_881
  readonly content: Content
  readonly options: PeerOptions
  readonly pieces: PieceSet
  readonly data = new Map<number, Buffer>()
  /** Bytes of content that the peer sent. */
  sentBytes = 0
  receivedBytes = 0
  /** Times each block was sent. */
  readonly blocksSent = new Map<string, number>()
  /** Pieces of which the node sent HAVE. */
  readonly told: number[] = []
  isAlive = true
  invalidPieces = 0
  /** Connections that the peer closed because the node requested a block that does not exist. */
  closings = 0
  socket: PeerSocket | undefined
  #isUnchoked = false
  #isInterested = false
  #isChoking = false
  #pauseSteps = 0
  readonly #wanted: Block[] = []
  readonly #outstanding = new Set<string>()
  readonly #answers: Block[] = []
  readonly #missing = new Map<number, number>()
  /** Other peers that it exchanges pieces with directly. */
  readonly neighbours: SimulatedPeer[] = []

  constructor(address: Address, content: Content, options: PeerOptions) {
    this.address = address
    this.content = content
    this.options = options
    this.pieces = new PieceSet((content.pieces + 7) >> 3)
    if (options.has === 'all') this.pieces.fill(content.pieces)
    else for (const piece of options.has ?? []) this.pieces.add(piece)
  }

  get isComplete(): boolean {
    return this.pieces.count === this.content.pieces
  }

  get name(): string {
    return `${this.address.toString()}:${this.port}`
  }

  #isInPiece({ piece, begin, length }: Block): boolean {
    const { bytes, pieceBytes } = this.content
    return begin + length <= Math.min(pieceBytes, bytes.length - piece * pieceBytes)
  }

  get announcedLeftKib(): number | undefined {
    const { announcesLeftKib } = this.options
    if (announcesLeftKib !== undefined) return announcesLeftKib === 'nothing' ? undefined : announcesLeftKib
    const { bytes, pieces, pieceBytes } = this.content
    let left = bytes.length
    for (let piece = 0; piece < pieces; piece++)
      if (this.pieces.has(piece)) left -= Math.min(pieceBytes, bytes.length - piece * pieceBytes)
    return Math.ceil(left / 1_024)
  }

  /** A connection of the node. */
  accept(socket: PeerSocket): void {
    this.socket = socket
    this.#isUnchoked = false
    this.#isInterested = false
    this.#wanted.length = 0
    this.#outstanding.clear()
    this.#answers.length = 0
    this.told.length = 0
    this.#missing.clear()
    socket.send(writeHandshake(this.content.infoHash, Buffer.from(`${this.#code}abcdefghijkl`, 'latin1')))
    if (this.pieces.count > 0) socket.send(writeBitfield(this.pieces.bits))
    if (this.options.requests !== undefined) socket.send(INTERESTED)
    const reader = new MessageReader((message) => this.#receive(message))
    socket.onWritten = (bytes) => {
      const violation = reader.read(bytes)
      if (violation !== undefined) throw new Error(violation.message)
    }
  }

  get #code(): string {
    if (this.options.isPausing === true) return '-lt0D80-'
    return this.options.isSilent === true ? '-TR3000-' : '-LT2080-'
  }

  get #mayRequest(): boolean {
    return this.#isUnchoked && this.#pauseSteps === 0
  }

  kill(): void {
    this.isAlive = false
    this.socket?.end('closed')
    this.socket = undefined
  }

  /** Closes the connection. */
  leave(): void {
    this.socket?.end('closed')
    this.socket = undefined
  }

  choke(): void {
    this.#answers.length = 0
    this.#isChoking = true
    this.socket?.send(CHOKE)
  }

  unchoke(): void {
    this.#isChoking = false
    this.socket?.send(UNCHOKE)
  }

  #block: { block: Block; data: Buffer } | undefined

  #receive(message: PeerMessage): void {
    switch (message.kind) {
      case 'unchoke':
        this.#isUnchoked = true
        for (const block of this.options.requests ?? []) this.socket?.send(writeRequest(block))
        return
      case 'choke':
        this.#isUnchoked = false
        return
      case 'interested':
        if (this.options.isChoking !== true) this.socket?.send(UNCHOKE)
        return
      case 'have':
        this.told.push(message.piece)
        return this.#want(message.piece)
      case 'request':
        if (!this.pieces.has(message.piece))
          throw new Error('the node requests a piece that the client lacks')
        // A client that chokes drops requests, and ignores one beyond the end of a piece.
        if (!this.#isInPiece(message)) {
          if (this.options.isStrict !== true || this.socket === undefined) return
          this.closings++
          this.leave()
        } else if (!this.#isChoking)
          this.#answers.push({ piece: message.piece, begin: message.begin, length: message.length })
        return
      case 'cancel': {
        const at = this.#answers.findIndex(
          ({ piece, begin }) => piece === message.piece && begin === message.begin,
        )
        if (at >= 0) this.#answers.splice(at, 1)
        return
      }
      case 'block':
        this.#block = { block: message, data: Buffer.alloc(message.length) }
        return
      case 'block-part':
        message.bytes.copy(this.#block!.data, message.at)
        if (message.isLast) this.#store(this.#block!.block, this.#block!.data)
        return
      default:
    }
  }

  #want(piece: number): void {
    if (this.pieces.has(piece) || this.#missing.has(piece)) return
    if (!this.#isInterested) this.socket?.send(INTERESTED)
    this.#isInterested = true
    const { geometry } = this.content
    this.#missing.set(piece, geometry.blocksOf(piece))
    for (let index = 0; index < geometry.blocksOf(piece); index++)
      this.#wanted.push(geometry.block(piece, index))
  }

  #store({ piece, begin }: Block, data: Buffer): void {
    this.receivedBytes += data.length
    this.#outstanding.delete(`${piece}/${begin}`)
    const whole = this.data.get(piece) ?? Buffer.alloc(this.content.geometry.bytesOf(piece))
    data.copy(whole, begin)
    this.data.set(piece, whole)
    const missing = (this.#missing.get(piece) ?? 1) - 1
    this.#missing.set(piece, missing)
    if (missing > 0) return
    this.#missing.delete(piece)
    if (
      whole.equals(
        this.content.bytes.subarray(
          piece * this.content.pieceBytes,
          piece * this.content.pieceBytes + whole.length,
        ),
      )
    )
      this.gain(piece)
    else {
      this.invalidPieces++
      this.data.delete(piece)
      this.#want(piece)
    }
  }

  gain(piece: number): void {
    if (!this.pieces.add(piece)) return
    if (this.options.isSilent !== true) this.socket?.send(writeHave(piece))
    if (this.options.isPausing === true && this.#missing.size === 0) this.#pauseSteps = PAUSE_STEPS
    if (this.options.isClosingAtEnd === true && this.isComplete) this.leave()
  }

  /** One step of time: sends what its rate allows. */
  step(): void {
    if (!this.isAlive || this.socket === undefined) return
    let budget = ((this.options.bytesPerSecond ?? 100_000_000) * STEP_MS) / 1_000
    while (this.#answers.length > 0 && budget > 0) {
      const block = this.#answers.shift()!
      const data = Buffer.from(this.content.block(block))
      if (this.options.lies?.(block.piece) === true) data[0] = (data[0] as number) ^ 1
      this.socket.send(Buffer.concat([writePieceHead(block), data]))
      const key = `${block.piece}/${block.begin}`
      this.blocksSent.set(key, (this.blocksSent.get(key) ?? 0) + 1)
      this.sentBytes += data.length
      budget -= data.length
    }
    if (this.#pauseSteps > 0) this.#pauseSteps--
    while (this.#mayRequest && this.#outstanding.size < PIPELINE && this.#wanted.length > 0) {
      const block = this.#wanted.shift()!
      if (this.pieces.has(block.piece)) continue
      this.#outstanding.add(`${block.piece}/${block.begin}`)
      this.socket.send(writeRequest(block))
    }
    for (const neighbour of this.neighbours) this.#exchange(neighbour)
  }

  /** A piece of a neighbour, at a piece each step and neighbour. */
  #exchange(neighbour: SimulatedPeer): void {
    if (!neighbour.isAlive) return
    for (let piece = 0; piece < this.content.pieces; piece++)
      if (neighbour.pieces.has(piece) && !this.pieces.has(piece)) {
        this.#missing.delete(piece)
        return this.gain(piece)
      }
  }
}

/** One connection, between the node and a simulated peer. What either side writes arrives at the next step. */
export class PeerSocket implements ClientSocket {
  readonly peer: SimulatedPeer
  #events: SocketEvents
  readonly #toNode: Buffer[] = []
  #toPeer: Buffer[] = []
  isPaused = false
  isDestroyed = false
  isOpen = false
  /** The peer opened the connection. */
  isIncoming = false
  onWritten: (bytes: Buffer) => void = () => {}
  /** The most that the node left in the buffer of the socket. */
  unsentBytesMax = 0

  constructor(peer: SimulatedPeer, events: SocketEvents) {
    this.peer = peer
    this.#events = events
  }

  attach(events: Pick<SocketEvents, 'onData' | 'onDrain' | 'onEnd'>): this {
    this.#events = { onOpen: () => {}, ...events }
    return this
  }

  get unsentBytes(): number {
    return this.#toPeer.reduce((sum, { length }) => sum + length, 0)
  }

  write(bytes: Buffer): void {
    this.#toPeer.push(Buffer.from(bytes))
    this.unsentBytesMax = Math.max(this.unsentBytesMax, this.unsentBytes)
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  destroy(): void {
    this.isDestroyed = true
  }

  send(bytes: Buffer): void {
    if (!this.isDestroyed) this.#toNode.push(bytes)
  }

  end(reason: 'refused' | 'closed'): void {
    if (this.isDestroyed) return
    this.isDestroyed = true
    this.#events.onEnd(reason)
  }

  step(): void {
    if (this.isDestroyed) return
    if (this.peer.options.isFiltered === true && !this.isIncoming) return
    if (!this.isOpen) {
      if (!this.peer.isAlive) return this.end('refused')
      this.isOpen = true
      this.#events.onOpen()
      // A probe closes the connection before a handshake.
      if (this.isDestroyed) return
      if (this.peer.options.requiresEncryption === true) return this.end('closed')
      this.peer.accept(this)
    }
    if (this.peer.options.isDeaf !== true && this.#toPeer.length > 0) {
      const { readsBytesPerSecond = Infinity } = this.peer.options
      const unsent = Buffer.concat(this.#toPeer)
      const written = unsent.subarray(0, (readsBytesPerSecond * STEP_MS) / 1_000)
      this.#toPeer = written.length < unsent.length ? [unsent.subarray(written.length)] : []
      this.onWritten(written)
      if (!this.isDestroyed) this.#events.onDrain?.()
    }
    if (this.isDestroyed || this.isPaused || this.#toNode.length === 0) return
    this.#events.onData(Buffer.concat(this.#toNode.splice(0)))
  }
}

/** `site`: 1 … 255; `host`: 1 … 255. */
function hostAddress(site: number, host: number): Address {
  return Address.v4(0x0a00_0000 + site * 65_536 + host)
}

export interface LoggedLine extends LogFields {
  readonly text: string
}

/** Carriers of one process among simulated peers. The sites are numbers as text, `1` and up. */
export function aCarriedSwarm({
  cacheBytes = 268_435_456,
  seed = 7,
  ownSite = '1',
  ownNode = seed.toString(16).padStart(16, '0'),
} = {}) {
  const clock = new ManualClock()
  const random = new SeededRandom(seed)
  const peers = new Map<string, SimulatedPeer>()
  let sockets: PeerSocket[] = []
  const lines: LoggedLine[] = []
  const observations: Observation[] = []
  const carriage = new Map<string, Carriage>()
  const carriageKey = ({ site, infoHash }: CarriageKey) => `${site} ${infoHash.toString('hex')}`
  const write = (fields: LogFields, text: string) => void lines.push({ ...fields, text })
  const log: Log = { debug: write, info: write, warn: write, error: write }
  const carriers = new Carriers({
    ownSite,
    ownNode,
    cacheBytes,
    clock,
    random,
    log,
    dial: ({ address, port }, events) => {
      const peer = peers.get(`${address.toString()}:${port}`)
      if (peer === undefined) throw new Error('the node dials an address that it was not given')
      const socket = new PeerSocket(peer, events)
      sockets.push(socket)
      return socket
    },
    onObservations: (batch) => observations.push(...batch),
    onCarriage: (changed, ended) => {
      for (const one of changed) carriage.set(carriageKey(one), one)
      for (const one of ended) carriage.delete(carriageKey(one))
    },
  })
  const stepPeers = () => {
    for (const peer of peers.values()) peer.step()
    for (const socket of sockets) socket.step()
    sockets = sockets.filter(({ isDestroyed }) => !isDestroyed)
  }
  const step = () => {
    clock.advanceMs(STEP_MS)
    stepPeers()
    carriers.tick()
  }
  return {
    carriers,
    clock,
    lines,
    observations,
    /** As the carriers reported it. */
    carriageOf: (site: number, content: Content) => carriage.get(carriageKey(siteOf(site, content))),
    /** Delivers what the peers sent, without a tick of the carriers. */
    stepPeers,
    /** Adds a client, which the carriers link. */
    join(site: number, host: number, content: Content, options: PeerOptions = {}): SimulatedPeer {
      const peer = new SimulatedPeer(hostAddress(site, host), content, options)
      this.take(site, peer)
      return peer
    },
    /** Links a client that another node linked before. */
    take(site: number, peer: SimulatedPeer): void {
      peers.set(peer.name, peer)
      carriers.updateClient(siteOf(site, peer.content), {
        address: peer.address,
        port: peer.port,
        isAnnouncedComplete: peer.isComplete,
        leftKib: peer.announcedLeftKib,
      })
    },
    /** A client connects to `listen.peers`. */
    connectToNode(peer: SimulatedPeer): PeerSocket {
      const socket = new PeerSocket(peer, { onOpen: () => {}, onData: () => {}, onEnd: () => {} })
      socket.isOpen = true
      socket.isIncoming = true
      sockets.push(socket)
      carriers.listener.accept({ address: peer.address, attach: (events) => socket.attach(events) })
      peer.accept(socket)
      return socket
    },
    /** The node ends: all its connections close. */
    kill(): void {
      carriers.stop()
      for (const socket of sockets) socket.destroy()
      peers.clear()
    },
    /** Bytes of content that a site received from another one. */
    relayedBytes: (to: number, from: number) => carriers.counters.relayedBytes(String(to), String(from)),
    step,
    run(ms: number, isDone: () => boolean = () => false): boolean {
      for (let passed = 0; passed < ms && !isDone(); passed += STEP_MS) step()
      return isDone()
    },
  }
}

export type CarriedSwarm = ReturnType<typeof aCarriedSwarm>

/** Several nodes, one for each site, with a connection between each two of them. */
export function runNodes(
  nodes: readonly CarriedSwarm[],
  links: readonly NodeLink[],
  ms: number,
  isDone: () => boolean = () => false,
): boolean {
  for (let passed = 0; passed < ms && !isDone(); passed += STEP_MS) {
    for (const node of nodes) node.step()
    for (const link of links) link.step()
  }
  return isDone()
}

/** A connection between two nodes with a rate and a delay in each direction. */
export class NodeLink {
  readonly #directions: LinkDirection[]
  readonly #bytesPerStep: number
  readonly #delaySteps: number
  #steps = 0
  isCut = false
  /** One of the nodes has closed the connection. */
  isClosed = false

  constructor(first: CarriedSwarm, second: CarriedSwarm, bytesPerSecond = 100_000_000, delayMs = 0) {
    this.#delaySteps = delayMs / STEP_MS
    this.#bytesPerStep = (bytesPerSecond * STEP_MS) / 1_000
    this.#directions = [aDirection(), aDirection()]
    for (const [index, node] of [first, second].entries())
      node.carriers.addLink({
        connect: (events) => this.#socket(index, events),
        isAccepted: index === 0,
        admits: () => true,
      })
  }

  /** Bytes from the first to the second node, and back. */
  get carriedBytes(): readonly number[] {
    return this.#directions.map(({ carriedBytes }) => carriedBytes)
  }

  /** Bytes of whole blocks among them, where they leave the sender. */
  get blockBytes(): readonly number[] {
    return this.#directions.map(({ blockBytes }) => blockBytes)
  }

  step(): void {
    if (this.isCut) return
    if (this.isClosed) return this.close()
    this.#steps++
    for (const [index, direction] of this.#directions.entries()) {
      const { onWay } = direction
      const { events } = this.#directions[1 - index]!
      let budget = this.#bytesPerStep
      while (budget > 0 && direction.queue.length > 0) {
        const chunk = direction.queue.shift()!
        const part = chunk.subarray(0, budget)
        if (part.length < chunk.length) direction.queue.unshift(chunk.subarray(part.length))
        budget -= part.length
        direction.carriedBytes += part.length
        direction.reader.read(part)
        onWay.push({ bytes: part, dueStep: this.#steps + this.#delaySteps })
      }
      while (onWay.length > 0 && onWay[0]!.dueStep <= this.#steps) events?.onData(onWay.shift()!.bytes)
      direction.events?.onDrain?.()
    }
  }

  close(): void {
    this.isClosed = true
    for (const { events } of this.#directions) events?.onEnd('closed')
  }

  #socket(index: number, events: NodeEvents): ClientSocket {
    const direction = this.#directions[index]!
    direction.events = events
    return {
      write: (bytes) => void direction.queue.push(Buffer.from(bytes)),
      get unsentBytes() {
        return direction.queue.reduce((sum, { length }) => sum + length, 0)
      },
      pause: () => {},
      resume: () => {},
      // The other side learns of it with the next step.
      destroy: () => {
        direction.events = undefined
        this.isClosed = true
      },
    }
  }
}

type NodeEvents = Pick<SocketEvents, 'onData' | 'onDrain' | 'onEnd'>

interface LinkDirection {
  readonly queue: Buffer[]
  readonly onWay: { readonly bytes: Buffer; readonly dueStep: number }[]
  events: NodeEvents | undefined
  carriedBytes: number
  blockBytes: number
  /** Of its own, beside that of the receiving node. */
  readonly reader: FrameReader
}

function aDirection(): LinkDirection {
  const direction: LinkDirection = {
    queue: [],
    onWay: [],
    events: undefined,
    carriedBytes: 0,
    blockBytes: 0,
    reader: new FrameReader((frame) => {
      if (frame.kind === 'block') direction.blockBytes += frame.data.length
    }),
  }
  return direction
}

export function siteOf(site: number, content: Content): CarriageKey {
  return { site: String(site), infoHash: content.infoHash }
}
