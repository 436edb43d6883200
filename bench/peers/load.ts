/**
 * The load: announces from many hosts, as many in flight at a time as the way of sending allows, or at a given rate.
 *
 * A host is an address of the sample topology, with a socket of its own; a peer is one of its ports. The sequence of
 * peers is the same for every server: `first` takes peers that were not announced before, `repeated` those that were.
 */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect as connectTcp, type Socket } from 'node:net'
import { writeAnnounce as writeUdpAnnounce } from '../../src/wire/udp/announce.ts'
import { readConnectResponse, writeConnect } from '../../src/wire/udp/connect.ts'
import { writeAnnounce as writeHttpAnnounce } from '../../src/wire/http/announce.ts'

export type Transport = 'udp' | 'keep-alive' | 'close'

export interface LoadShape {
  readonly torrents: number
  readonly peersPerTorrent: number
}

export interface LoadPeriod {
  readonly forMs?: number
  readonly peers?: number
  /** A fixed rate; without one, as fast as the server answers. */
  readonly perSecond?: number
}

export interface LoadResult {
  readonly answers: number
  readonly lost: number
  readonly elapsedMs: number
  /** Milliseconds of each answer. */
  readonly latencies: Float64Array
}

/** One way of sending; each call of `send` is one announce, and `onAnswer` follows if it is not lost. */
interface Lane {
  send(peer: number): void
  close(): void
}

const HOSTS = 48
const IN_FLIGHT: Readonly<Record<Transport, number>> = { udp: 8, 'keep-alive': 1, close: 1 }
const LANES: Readonly<Record<Transport, number>> = { udp: HOSTS, 'keep-alive': HOSTS, close: 24 }
/** After this time an answer counts as lost. */
const LOST_MS = 500
const LATENCIES_MAX = 2_000_000

/** Every host has two bubbles' share of three sites. */
const addressOf = (host: number) => `127.${1 + (host % 3)}.${1 + ((host >> 1) % 2)}.${1 + host}`

export const infoHashOf = (torrent: number) => Buffer.from(`torrent ${torrent}`.padEnd(20, '.'))

function announceOf(peer: number, { torrents, peersPerTorrent }: LoadShape) {
  const inTorrent = Math.floor(peer / torrents) % peersPerTorrent
  const host = inTorrent % HOSTS
  return {
    infoHash: infoHashOf(peer % torrents),
    peerId: Buffer.from(`-LT2080-${peer}`.padEnd(20, '.')),
    port: 1_024 + ((Math.floor(inTorrent / HOSTS) * 7 + (peer % torrents)) % 60_000),
    downloadedBytes: 0,
    uploadedBytes: 0,
    // One peer in eight is complete, and the first of a torrent.
    leftBytes: inTorrent % 8 === 0 ? 0 : 1 << 30,
    event: 'none' as const,
    peersWanted: 50,
    host,
  }
}

export class Load {
  readonly #transport: Transport
  readonly #port: number
  readonly #shape: LoadShape
  #next = 0

  constructor(transport: Transport, port: number, shape: LoadShape) {
    this.#transport = transport
    this.#port = port
    this.#shape = shape
  }

  get peers(): number {
    return this.#shape.torrents * this.#shape.peersPerTorrent
  }

  /** Starts again with the first peer, for repeated announces. */
  rewind(): void {
    this.#next = 0
  }

  /** Ends after `forMs`, or when `peers` or all peers have announced. */
  async run({ forMs = Infinity, peers = Infinity, perSecond }: LoadPeriod): Promise<LoadResult> {
    const transport = this.#transport
    const latencies = new Float64Array(LATENCIES_MAX)
    let answers = 0
    let sent = 0
    let lost = 0
    const sentAt: number[][] = []
    const startMs = performance.now()
    const period = { isOver: false }
    const last = Math.min(this.peers, this.#next + peers)
    const next = () => {
      period.isOver ||= performance.now() - startMs >= forMs || this.#next >= last
      return period.isOver ? -1 : this.#next++
    }
    const lanes: Lane[] = []
    const ask = (lane: number) => {
      const peer = next()
      if (peer < 0) return
      sent++
      ;(sentAt[lane] as number[]).push(performance.now())
      ;(lanes[lane] as Lane).send(peer)
    }
    const onAnswer = (lane: number) => {
      const since = (sentAt[lane] as number[]).shift()
      if (since === undefined) return
      if (answers < LATENCIES_MAX) latencies[answers] = performance.now() - since
      answers++
      if (perSecond === undefined) ask(lane)
    }
    for (let lane = 0; lane < LANES[transport]; lane++) {
      sentAt.push([])
      lanes.push(await this.#open(lane, () => onAnswer(lane)))
    }
    if (perSecond === undefined)
      for (let count = 0; count < IN_FLIGHT[transport]; count++)
        for (let lane = 0; lane < lanes.length; lane++) ask(lane)
    for (let turn = 0; !period.isOver || answers + lost < sent; turn++) {
      const nowMs = performance.now()
      if (perSecond !== undefined) {
        const due = Math.floor(((nowMs - startMs) / 1000) * perSecond)
        for (let count = due - sent; count > 0; count--) ask(sent % lanes.length)
      }
      if (turn % 1_024 === 0)
        for (let lane = 0; lane < lanes.length; lane++) {
          const waiting = sentAt[lane] as number[]
          while ((waiting[0] ?? nowMs) < nowMs - LOST_MS) {
            waiting.shift()
            lost++
            if (perSecond === undefined) ask(lane)
          }
        }
      await new Promise(setImmediate)
    }
    const elapsedMs = performance.now() - startMs
    for (const lane of lanes) lane.close()
    return { answers, lost, elapsedMs, latencies: latencies.subarray(0, Math.min(answers, LATENCIES_MAX)) }
  }

  #open(lane: number, onAnswer: () => void): Promise<Lane> | Lane {
    if (this.#transport === 'udp') return this.#openUdp(lane, onAnswer)
    return this.#transport === 'close' ? this.#openClosing(lane, onAnswer) : this.#openKept(lane, onAnswer)
  }

  async #openUdp(lane: number, onAnswer: () => void): Promise<Lane> {
    const socket = createSocket('udp4')
    socket.bind(0, addressOf(lane))
    await once(socket, 'listening')
    socket.connect(this.#port, '127.0.0.1')
    await once(socket, 'connect')
    socket.send(writeConnect(1))
    const [response] = (await once(socket, 'message')) as [Buffer]
    const connectionId = readConnectResponse(response) ?? Buffer.alloc(8)
    socket.on('message', onAnswer)
    return {
      send: (peer) =>
        socket.send(
          writeUdpAnnounce(
            { connectionId, transactionId: peer },
            { ...announceOf(peer, this.#shape), key: Buffer.alloc(0), urlData: Buffer.alloc(0) },
          ),
        ),
      close: () => socket.close(),
    }
  }

  #request(peer: number, closes: boolean): string {
    const { host: _, ...announce } = announceOf(peer, this.#shape)
    const query = writeHttpAnnounce({
      ...announce,
      key: Buffer.from('FEAB93A7'),
      isCompact: true,
      claimedAddress: undefined,
    })
    return (
      `GET /announce?${query} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\nUser-Agent: libtorrent/2.0.8.0\r\n` +
      `Accept-Encoding: gzip\r\n${closes ? 'Connection: close\r\n' : ''}\r\n`
    )
  }

  async #openKept(lane: number, onAnswer: () => void): Promise<Lane> {
    const socket = connectTcp({
      port: this.#port,
      host: '127.0.0.1',
      localAddress: addressOf(lane),
      noDelay: true,
    })
    await once(socket, 'connect')
    let received = ''
    socket.on('data', (chunk: Buffer) => {
      received += chunk.toString('latin1')
      const bodyStart = received.indexOf('\r\n\r\n') + 4
      if (bodyStart < 4) return
      const length = Number(/content-length: *(\d+)/i.exec(received)?.[1])
      if (received.length < bodyStart + length) return
      received = ''
      onAnswer()
    })
    socket.on('error', () => {})
    return { send: (peer) => void socket.write(this.#request(peer, false)), close: () => socket.destroy() }
  }

  #openClosing(lane: number, onAnswer: () => void): Lane {
    const open = new Set<Socket>()
    return {
      send: (peer) => {
        const socket = connectTcp({
          port: this.#port,
          host: '127.0.0.1',
          localAddress: addressOf(lane),
          noDelay: true,
        })
        open.add(socket)
        socket.end(this.#request(peer, true))
        socket.resume()
        socket.on('error', () => {})
        socket.on('close', () => {
          open.delete(socket)
          onAnswer()
        })
      },
      close: () => {
        for (const socket of open) socket.destroy()
      },
    }
  }
}
