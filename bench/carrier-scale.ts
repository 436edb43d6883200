/**
 * Cost of carrying for one large site, and memory of many carried torrents. The clients are sockets in memory, so that the
 * CPU time is that of the engine: a host requests each piece that it is offered, and a piece of one host reaches all others
 * within `SPREAD_MS`, each of which sends a HAVE to the node.
 *
 * Usage: carrier-scale [--hosts 3000] [--pieces 10000] [--torrents 1000]
 */
import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { Carriers } from '../src/carriers/carriers.ts'
import { TorrentGeometry } from '../src/carriers/torrent-geometry.ts'
import { Address } from '../src/core/address.ts'
import { elapsedMs, systemClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import type { ClientSocket, SocketEvents } from '../src/observers/client-socket.ts'
import { writeBitfield, writeHave } from '../src/wire/peer/availability.ts'
import { type Block, writePieceHead, writeRequest } from '../src/wire/peer/block.ts'
import { writeHandshake } from '../src/wire/peer/handshake.ts'
import { INTERESTED, UNCHOKE } from '../src/wire/peer/message.ts'
import { MessageReader, type PeerMessage } from '../src/wire/peer/message-reader.ts'
import { PieceSet } from '../src/wire/peer/piece-set.ts'

const number = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const HOSTS = number('hosts', 3_000)
const PIECES = number('pieces', 10_000)
const TORRENTS = number('torrents', 1_000)
const PIECE_BYTES = 65_536
const BLOCK_BYTES = 16_384
const HOSTS_OF_A_TORRENT = 3
const STEP_MS = 50
const TICK_MS = 100
const TICKS = 20
const SPREAD_MS = 2_000
/** Each torrent has a port of its own, by which a dial finds it. */
const FIRST_PORT = 6_881
const PEER_ID = Buffer.from('-LT2080-abcdefghijkl')
const ZEROS = Buffer.alloc(BLOCK_BYTES)
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }

const hash = createHash('sha1').update(Buffer.alloc(PIECE_BYTES)).digest()
/** Each torrent has hashes of its own in memory. */
const aGeometry = () =>
  new TorrentGeometry({
    totalBytes: PIECES * PIECE_BYTES,
    pieceBytes: PIECE_BYTES,
    hashes: Buffer.concat(Array.from({ length: PIECES }, () => hash)),
  })
const infoHashOf = (torrent: number) => createHash('sha1').update(`torrent ${torrent}`).digest()
/** Client 0 is the source. */
const addressOf = (client: number) => Address.v4(0x0a00_0001 + client)

/** A client in memory. Its messages arrive at the node with the next step. */
class Client implements ClientSocket {
  readonly unsentBytes = 0
  readonly #events: SocketEvents
  readonly #infoHash: Buffer
  readonly #isSource: boolean
  readonly #onPiece: (client: Client, piece: number) => void
  readonly #reader = new MessageReader((message) => this.#receive(message))
  readonly #missing = new Map<number, number>()
  readonly pieces = new PieceSet((PIECES + 7) >> 3)
  #toNode: Buffer[] = []
  #block: Block | undefined
  #isInterested = false

  constructor(init: {
    infoHash: Buffer
    isSource: boolean
    events: SocketEvents
    onPiece: (client: Client, piece: number) => void
  }) {
    this.#events = init.events
    this.#infoHash = init.infoHash
    this.#isSource = init.isSource
    this.#onPiece = init.onPiece
  }

  open(): void {
    this.#events.onOpen()
    this.#toNode.push(writeHandshake(this.#infoHash, PEER_ID))
    if (this.#isSource) this.pieces.fill(PIECES)
    if (this.pieces.count > 0) this.#toNode.push(writeBitfield(this.pieces.bits))
    if (this.#isSource) this.#toNode.push(UNCHOKE)
  }

  write(bytes: Buffer): void {
    this.#reader.read(bytes)
  }

  pause(): void {}

  resume(): void {}

  destroy(): void {
    this.#reader.stop()
  }

  gain(piece: number): void {
    if (this.pieces.add(piece)) this.#toNode.push(writeHave(piece))
  }

  step(): void {
    if (this.#toNode.length === 0) return
    const bytes = Buffer.concat(this.#toNode)
    this.#toNode = []
    this.#events.onData(bytes)
  }

  #receive(message: PeerMessage): void {
    if (message.kind === 'request')
      this.#toNode.push(writePieceHead(message), ZEROS.subarray(0, message.length))
    else if (message.kind === 'have') this.#request(message.piece)
    else if (message.kind === 'block') this.#block = message
    else if (message.kind === 'block-part' && message.isLast) this.#store(this.#block as Block)
  }

  #request(piece: number): void {
    if (this.pieces.has(piece)) return
    if (!this.#isInterested) this.#toNode.push(INTERESTED)
    this.#isInterested = true
    this.#missing.set(piece, PIECE_BYTES / BLOCK_BYTES)
    for (let begin = 0; begin < PIECE_BYTES; begin += BLOCK_BYTES)
      this.#toNode.push(writeRequest({ piece, begin, length: BLOCK_BYTES }))
  }

  #store({ piece }: Block): void {
    const missing = (this.#missing.get(piece) ?? 0) - 1
    this.#missing.set(piece, missing)
    if (missing > 0) return
    this.#missing.delete(piece)
    this.gain(piece)
    this.#onPiece(this, piece)
  }
}

function startCarriers(onPiece: (client: Client, piece: number) => void) {
  const clients: Client[] = []
  const carriers = new Carriers({
    ownSite: 'site',
    ownNode: '0000000000000001',
    cacheBytes: 268_435_456,
    clock: systemClock,
    random: new SeededRandom(1),
    log,
    dial: ({ address, port }, events) => {
      const client = new Client({
        infoHash: infoHashOf(port - FIRST_PORT),
        isSource: address.equals(addressOf(0)),
        events,
        onPiece,
      })
      clients.push(client)
      return client
    },
    onObservations: () => {},
  })
  return { carriers, clients }
}

async function carryLargeSite(): Promise<void> {
  const random = new SeededRandom(2)
  /** Gains of hosts from their neighbours, by step. */
  const gains = new Map<number, { client: Client; piece: number }[]>()
  let step = 0
  const { carriers, clients } = startCarriers((from, piece) => {
    if (isSpread[piece] === 1) return
    isSpread[piece] = 1
    for (const client of clients.slice(1)) {
      if (client === from) continue
      const at = step + 1 + random.below(SPREAD_MS / STEP_MS)
      const due = gains.get(at)
      if (due === undefined) gains.set(at, [{ client, piece }])
      else due.push({ client, piece })
    }
  })
  const isSpread = new Uint8Array(PIECES)
  globalThis.gc?.()
  const idleBytes = process.memoryUsage().rss
  const geometry = aGeometry()
  carriers.setGeometry(infoHashOf(0), geometry)
  for (let client = 0; client <= HOSTS; client++)
    carriers.updateClient(
      { site: 'site', infoHash: infoHashOf(0) },
      { address: addressOf(client), port: FIRST_PORT, isAnnouncedComplete: client === 0 },
    )
  for (const client of clients) client.open()
  const startedMs = elapsedMs()
  const idle = process.cpuUsage()
  for (let tickedMs = startedMs; clients.some(({ pieces }) => pieces.count < PIECES); step++) {
    for (const { client, piece } of gains.get(step) ?? []) client.gain(piece)
    gains.delete(step)
    for (const client of clients) client.step()
    if (elapsedMs() - tickedMs >= TICK_MS) {
      tickedMs = elapsedMs()
      carriers.tick()
    }
    await delay(0)
  }
  const { user, system } = process.cpuUsage(idle)
  const seconds = (elapsedMs() - startedMs) / 1_000
  console.log(
    `${HOSTS} hosts, ${PIECES} pieces: ${seconds.toFixed(1)} s, CPU ${((user + system) / 1e6).toFixed(1)} s, ` +
      `${((HOSTS * PIECES) / ((user + system) / 1e6) / 1e3).toFixed(0)} k pieces a CPU second, the clients included; ` +
      `${((process.memoryUsage().rss - idleBytes) / 1e6).toFixed(0)} MB`,
  )
  console.log(`the source sent ${(carriers.counters.receivedBytes / geometry.totalBytes).toFixed(3)} copies`)
  carriers.stop()
}

/** Each torrent has three hosts with other halves of its pieces, which the carrier knows by their bitfields. */
async function carryManyTorrents(): Promise<void> {
  const { carriers, clients } = startCarriers(() => {})
  globalThis.gc?.()
  const idleBytes = process.memoryUsage().rss
  for (let torrent = 0; torrent < TORRENTS; torrent++) {
    const infoHash = infoHashOf(torrent)
    carriers.setGeometry(infoHash, aGeometry())
    for (let client = 1; client <= HOSTS_OF_A_TORRENT; client++)
      carriers.updateClient(
        { site: 'site', infoHash },
        { address: addressOf(client), port: FIRST_PORT + torrent, isAnnouncedComplete: false },
      )
  }
  for (const [index, client] of clients.entries()) {
    for (let piece = index & 1; piece < PIECES; piece += 2) client.pieces.add(piece)
    client.open()
    client.step()
  }
  carriers.tick()
  globalThis.gc?.()
  const bytes = process.memoryUsage().rss - idleBytes
  const before = process.cpuUsage()
  for (let tick = 0; tick < TICKS; tick++) {
    carriers.tick()
    await delay(TICK_MS)
  }
  const { user, system } = process.cpuUsage(before)
  console.log(
    `${TORRENTS} torrents of ${PIECES} pieces with ${HOSTS_OF_A_TORRENT} hosts each: ${(bytes / TORRENTS / 1e3).toFixed(1)} kB a torrent, ` +
      `${((user + system) / (TICKS * TICK_MS * 10)).toFixed(1)} % of a core without a transfer, the clients included`,
  )
  carriers.stop()
}

await carryManyTorrents()
await carryLargeSite()
