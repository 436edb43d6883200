/**
 * Clients of one torrent in a process of their own, each on a loopback address of its own: they announce one after the
 * other, download at the same rate, and send a HAVE for each piece. The process reports how often the node contacts
 * each of them: the time between two handshakes, or from the end of a connection to the next handshake.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../src/core/clock.ts'
import { writeBitfield, writeHave } from '../../src/wire/peer/availability.ts'
import { HANDSHAKE_BYTES, writeHandshake } from '../../src/wire/peer/handshake.ts'
import { PieceSet } from '../../src/wire/peer/piece-set.ts'
import { httpAnnounce } from '../hostile/honest-clients.ts'

/** The downloads of all clients. */
export interface Downloads {
  readonly clients: number
  readonly pieces: number
  readonly pieceBytes: number
  /** Duration of each download. */
  readonly seconds: number
  /** Clients start one after the other within this time. */
  readonly startMs: number
}

export interface Contacts {
  readonly connections: number
  readonly handshakes: number
  /** By client: the longest time without a contact. */
  readonly longestMs: readonly number[]
}

export interface ObservedClients {
  /** The first client announced at this time. */
  readonly startedMs: number
  /** Resolves when all have announced. */
  readonly announced: Promise<unknown>
  contacts(): Promise<Contacts>
  stop(): void
}

const PEER_ID = Buffer.from('-LT2080-abcdefghijkl')
/** Each client sends the pieces of this time together. */
const STEP_MS = 250
const ANNOUNCES_AT_ONCE = 16

/** In the site fra. */
const addressOf = (client: number) => `127.1.${1 + (client >> 8)}.${client & 255}`
export const clientOf = (address: string) => {
  const [, , third = 0, fourth = 0] = address.split('.').map(Number)
  return ((third - 1) << 8) + fourth
}

/** Completion of a client, 0 to 1. */
export function shareAt(client: number, { clients, seconds, startMs }: Downloads, sinceMs: number): number {
  return Math.min(1, Math.max(0, (sinceMs - (client / clients) * startMs) / (seconds * 1_000)))
}

export async function startClients(
  announceUrl: string,
  infoHash: Buffer,
  downloads: Downloads,
): Promise<ObservedClients> {
  const order = JSON.stringify({ announceUrl, infoHash: infoHash.toString('hex'), downloads })
  const child = fork(fileURLToPath(import.meta.url), ['--serve', order])
  const [startedMs] = (await once(child, 'message')) as [number]
  const announced = once(child, 'message')
  return {
    startedMs,
    announced,
    contacts: async () => {
      const answer = once(child, 'message')
      child.send('contacts')
      return ((await answer) as [Contacts])[0]
    },
    stop: () => void child.kill(),
  }
}

interface Connected {
  readonly client: number
  /** Pieces that were sent over this connection. */
  sent: number
}

class ServedClients {
  readonly #infoHash: Buffer
  readonly #downloads: Downloads
  readonly #connected = new Map<Socket, Connected>()
  /** By client: end of the last contact, or 0 while a connection is open. */
  readonly #endedMs: Float64Array
  readonly #open: Uint16Array
  readonly #longestMs: Float64Array
  #handshakes = 0
  #startedMs = 0

  constructor(infoHash: Buffer, downloads: Downloads) {
    this.#infoHash = infoHash
    this.#downloads = downloads
    this.#endedMs = new Float64Array(downloads.clients)
    this.#open = new Uint16Array(downloads.clients)
    this.#longestMs = new Float64Array(downloads.clients)
  }

  async listen(): Promise<number> {
    const server = createServer((socket) => this.#accept(socket))
    server.listen({ host: '0.0.0.0', port: 0, backlog: 4_096 })
    await once(server, 'listening')
    return (server.address() as AddressInfo).port
  }

  start(): number {
    this.#startedMs = systemClock.nowMs()
    setInterval(() => this.#sendPieces(), STEP_MS)
    return this.#startedMs
  }

  /** The client announced, and waits for its first contact unless that is open. */
  announced(client: number): void {
    if (this.#endedMs[client] === 0) this.#endedMs[client] = systemClock.nowMs()
  }

  contacts(): Contacts {
    const nowMs = systemClock.nowMs()
    for (let client = 0; client < this.#downloads.clients; client++)
      if (this.#open[client] === 0) this.#note(client, nowMs)
    return {
      connections: this.#connected.size,
      handshakes: this.#handshakes,
      longestMs: [...this.#longestMs],
    }
  }

  #note(client: number, nowMs: number): void {
    const endedMs = this.#endedMs[client] as number
    if (endedMs > 0) this.#longestMs[client] = Math.max(this.#longestMs[client] as number, nowMs - endedMs)
  }

  #accept(socket: Socket): void {
    const client = clientOf(socket.localAddress ?? '')
    let received = 0
    socket.on('error', () => {})
    socket.on('close', () => {
      if (!this.#connected.delete(socket)) return
      this.#open[client]!--
      this.#endedMs[client] = systemClock.nowMs()
    })
    socket.on('data', (chunk) => {
      received += chunk.length
      // A connection without a handshake is a check of the port.
      if (received < HANDSHAKE_BYTES || this.#connected.has(socket)) return
      this.#handshakes++
      if (this.#open[client] === 0) this.#note(client, systemClock.nowMs())
      this.#open[client]!++
      this.#connected.set(socket, { client, sent: this.#greet(socket, client) })
    })
  }

  /** Returns the number of pieces that the client has. */
  #greet(socket: Socket, client: number): number {
    const { pieces } = this.#downloads
    const count = this.#countAt(client)
    const has = new PieceSet((pieces + 7) >> 3)
    for (let step = 0; step < count; step++) has.add(this.#pieceOf(client, step))
    socket.write(writeHandshake(this.#infoHash, PEER_ID))
    if (count > 0) socket.write(writeBitfield(has.bits))
    return count
  }

  #sendPieces(): void {
    for (const [socket, state] of this.#connected) {
      const count = this.#countAt(state.client)
      if (count === state.sent) continue
      const haves: Buffer[] = []
      for (; state.sent < count; state.sent++) haves.push(writeHave(this.#pieceOf(state.client, state.sent)))
      socket.write(Buffer.concat(haves))
    }
  }

  #countAt(client: number): number {
    const sinceMs = systemClock.nowMs() - this.#startedMs
    return Math.floor(shareAt(client, this.#downloads, sinceMs) * this.#downloads.pieces)
  }

  /** An order without repetitions that differs from client to client. */
  #pieceOf(client: number, step: number): number {
    return (step * 7_919 + client * 31) % this.#downloads.pieces
  }
}

async function serve(order: string): Promise<void> {
  const { announceUrl, infoHash, downloads } = JSON.parse(order) as {
    announceUrl: string
    infoHash: string
    downloads: Downloads
  }
  const hash = Buffer.from(infoHash, 'hex')
  const clients = new ServedClients(hash, downloads)
  const port = await clients.listen()
  const startedMs = clients.start()
  process.send?.(startedMs)
  process.on('message', () => process.send?.(clients.contacts()))
  process.on('disconnect', () => process.exit())
  const left = downloads.pieces * downloads.pieceBytes
  let next = 0
  const announceInTurn = async () => {
    for (let client = next++; client < downloads.clients; client = next++) {
      const dueMs = startedMs + (client / downloads.clients) * downloads.startMs
      await delay(Math.max(0, dueMs - systemClock.nowMs()))
      clients.announced(client)
      await httpAnnounce({ http: { announce: announceUrl } }, addressOf(client), hash, client, { port, left })
    }
  }
  await Promise.all(Array.from({ length: ANNOUNCES_AT_ONCE }, announceInTurn))
  process.send?.('announced')
}

const [role, order = ''] = process.argv.slice(2)
if (role === '--serve') await serve(order)
