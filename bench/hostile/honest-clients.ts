/** Honest clients on loopback: each announces its torrents in turn, half of them over UDP and half over HTTP. */
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { request } from 'node:http'
import { writeAnnounce } from '../../src/wire/udp/announce.ts'
import { readConnectResponse, writeConnect } from '../../src/wire/udp/connect.ts'
import { actions, RESPONSE_HEAD_BYTES } from '../../src/wire/udp/header.ts'
import type { ServedNode } from './served-node.ts'

/** Clients wait longer; an answer after this time counts as missing. */
const PATIENCE_MS = 5_000
const TICK_MS = 10
/** A client uses a connection id for a minute (BEP 15). */
const CONNECTION_ID_MS = 60_000

export interface Answers {
  /** Milliseconds of each answered announce. */
  readonly tookMs: number[]
  /** Answered with a failure. */
  refused: number
  /** Not answered in time, or a broken connection. */
  missing: number
}

export class HonestClients {
  readonly #node: ServedNode
  readonly #sockets: UdpClient[] = []
  readonly #clients: number
  readonly #torrents: number
  #next = 0

  constructor(
    node: ServedNode,
    { clients, torrents }: { readonly clients: number; readonly torrents: number },
  ) {
    this.#node = node
    this.#clients = clients
    this.#torrents = torrents
  }

  async open(): Promise<void> {
    for (let client = 0; client < this.#clients; client += 2)
      this.#sockets.push(await UdpClient.open(this.#node.udpPort, addressOf(client)))
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
  }

  /** Announces at this rate, spread evenly. */
  async announce(perSecond: number, seconds: number): Promise<Answers> {
    const answers: Answers = { tookMs: [], refused: 0, missing: 0 }
    const pending: Promise<void>[] = []
    const startMs = performance.now()
    let sent = 0
    await new Promise<void>((resolve) => {
      const timer = setInterval(() => {
        const elapsed = performance.now() - startMs
        for (; sent < (Math.min(elapsed, seconds * 1_000) * perSecond) / 1_000; sent++)
          pending.push(this.#one(answers))
        if (elapsed < seconds * 1_000) return
        clearInterval(timer)
        resolve()
      }, TICK_MS)
    })
    await Promise.all(pending)
    return answers
  }

  async #one(answers: Answers): Promise<void> {
    const number = this.#next++
    const client = number % this.#clients
    const torrent = Math.floor(number / this.#clients) % this.#torrents
    const startMs = performance.now()
    const udp = client % 2 === 0 ? this.#sockets[client / 2] : undefined
    const result =
      udp === undefined
        ? await httpAnnounce(this.#node, addressOf(client), honestTorrent(torrent), client)
        : await udp.announce(honestTorrent(torrent), client)
    if (result === 'answered') answers.tookMs.push(performance.now() - startMs)
    else answers[result]++
  }
}

/** Honest hosts are in the site ams. */
export const addressOf = (client: number) => `127.2.${1 + (client >> 7)}.${1 + (client & 127)}`

export function honestTorrent(torrent: number): Buffer {
  const infoHash = Buffer.alloc(20, 0x77)
  infoHash.writeUInt32BE(torrent, 0)
  return infoHash
}

type Result = 'answered' | 'refused' | 'missing'

const peerIdOf = (client: number) => `-LT2080-${String(client).padStart(12, '0')}`
/** A fifth are seeds, of all torrents. */
const leftOf = (client: number) => (client % 5 === 0 ? 0 : 1_000_000)

export function httpAnnounce(
  { http }: { readonly http: { readonly announce: string } },
  from: string,
  infoHash: Buffer,
  client: number,
  { port = 6881, left = leftOf(client) }: { readonly port?: number; readonly left?: number } = {},
): Promise<Result> {
  const hash = [...infoHash].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
  const query = `info_hash=${hash}&peer_id=${peerIdOf(client)}&port=${port}&left=${left}&compact=1`
  return new Promise((resolve) => {
    const outgoing = request(
      `${http.announce}?${query}`,
      { localAddress: from, agent: false, timeout: PATIENCE_MS },
      (response) => {
        let body = ''
        response.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')))
        response.on('error', () => resolve('missing'))
        response.on('end', () => resolve(body.includes('14:failure reason') ? 'refused' : 'answered'))
      },
    )
    outgoing.on('timeout', () => outgoing.destroy())
    outgoing.on('error', () => resolve('missing')).end()
  })
}

class UdpClient {
  readonly #socket: Socket
  readonly #waiting = new Map<number, (result: Result) => void>()
  /** A rejected id is answered by nothing. */
  #connectionId: Buffer = Buffer.alloc(8)
  #connectedMs = 0
  /** Announces that wait for the answer to a connect share it. */
  #connecting: Promise<void> | undefined
  #transactionId = 1

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (packet: Buffer) => this.#receive(packet))
    socket.on('error', () => undefined)
  }

  static async open(port: number, from: string): Promise<UdpClient> {
    const socket = createSocket('udp4')
    socket.bind(0, from)
    await once(socket, 'listening')
    socket.connect(port, '127.0.0.1')
    await once(socket, 'connect')
    const client = new UdpClient(socket)
    await client.#connect()
    return client
  }

  close(): void {
    this.#socket.close()
  }

  async announce(infoHash: Buffer, client: number): Promise<Result> {
    if (performance.now() - this.#connectedMs > CONNECTION_ID_MS)
      await (this.#connecting ??= this.#connect().finally(() => (this.#connecting = undefined)))
    return this.#request((transactionId) =>
      writeAnnounce(
        { connectionId: this.#connectionId, transactionId },
        {
          infoHash,
          peerId: Buffer.from(peerIdOf(client)),
          port: 6881,
          downloadedBytes: 0,
          uploadedBytes: 0,
          leftBytes: leftOf(client),
          event: 'none',
          peersWanted: 50,
          key: Buffer.alloc(0),
          urlData: Buffer.alloc(0),
        },
      ),
    )
  }

  /** Keeps the id it has if there is no answer: the next announce tries again. */
  async #connect(): Promise<void> {
    await this.#request(writeConnect)
  }

  #request(packet: (transactionId: number) => Buffer): Promise<Result> {
    const transactionId = (this.#transactionId = (this.#transactionId % 0x7fff_ffff) + 1)
    this.#socket.send(packet(transactionId))
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#settle(transactionId, 'missing'), PATIENCE_MS)
      this.#waiting.set(transactionId, (result) => {
        clearTimeout(timer)
        resolve(result)
      })
    })
  }

  #receive(packet: Buffer): void {
    if (packet.length < RESPONSE_HEAD_BYTES) return
    const action = packet.readUInt32BE(0)
    const connectionId = action === actions.connect ? readConnectResponse(packet) : undefined
    if (connectionId !== undefined) {
      this.#connectionId = connectionId
      this.#connectedMs = performance.now()
    }
    this.#settle(packet.readUInt32BE(4), action === actions.error ? 'refused' : 'answered')
  }

  #settle(transactionId: number, result: Result): void {
    this.#waiting.get(transactionId)?.(result)
    this.#waiting.delete(transactionId)
  }
}

/** Of the sorted values; 0 without any. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0
}
