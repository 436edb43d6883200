/**
 * The process of an impostor host: announces to the first tracker of its torrent at the interval of the tracker, and
 * speaks no more of the peer protocol (BEP 3) than its kind needs. Each kind is one or more clients, on ports of their own:
 *
 *   false-seed        left=0; accepts connections and answers the handshake; never sends a bitfield, has no piece
 *   dead-seed         left=0; does not listen
 *   dead-leecher      left=size; does not listen
 *   silent-leecher    left=size; accepts connections and connects to the peers it is given; answers the handshake and
 *                     sends keep-alives; never sends a request
 *   lying-seed        left=0; accepts connections, sends a complete bitfield, and never unchokes
 *   stuck-gateway     a silent leecher that announces every 5 s
 *   creeping-gateway  the same, and `left` is 1 KiB less each time
 *   many-ports        500 silent leechers that do not connect to others
 *   hostile           all of these but the dead ones
 *
 * A peer without pieces may omit its bitfield, so silence after the handshake is valid. Prints "announced" after the first
 * response of the tracker to each client, and keeps its counters in a JSON file.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { type Socket, connect, createServer } from 'node:net'
import type { ImpostorKind } from './impostors.ts'

export interface ImpostorReport {
  readonly announces: number
  readonly failedAnnounces: number
  /** Incoming connections with a plain handshake. */
  readonly accepted: number
  /** Distinct addresses of accepted connections. */
  readonly acceptedFrom: number
  /** Distinct addresses of own connections that were established. */
  readonly connectedTo: number
  readonly open: number
}

interface Settings {
  readonly kind: ImpostorKind
  readonly address: string
  readonly torrentFile: string
  readonly infoHash: string
  readonly sizeBytes: number
  readonly pieces: number
  readonly reportPath: string
}

/** One client of the host. */
interface Identity {
  readonly port: number
  readonly peerId: Buffer
  readonly isSeed: boolean
  readonly isListening: boolean
  /** Connects to the peers that the tracker returns. */
  readonly isConnecting: boolean
  /** Sends a complete bitfield after the handshake. */
  readonly claimsPieces: boolean
  /** `left` is this much less at each announce. */
  readonly creepBytes: number
  /** Instead of the interval of the tracker. */
  readonly intervalSeconds: number | undefined
}

const PORT = 6881
const MANY_PORTS = 500
const FIRST_OF_MANY = 20_000
/** Clients close connections that are silent for two minutes. */
const KEEP_ALIVE_MS = 60_000
const REPORT_INTERVAL_MS = 500
/** Used until a tracker has answered, and as the lower bound of its interval. */
const ANNOUNCE_INTERVAL_MIN_SECONDS = 5

/** Handshake => 1 byte 19, "BitTorrent protocol", 8 reserved bytes, 20 bytes infohash, 20 bytes peer id. */
const HANDSHAKE_BYTES = 68
const PROTOCOL = Buffer.from('\x13BitTorrent protocol')

const settings = JSON.parse(process.argv[2] ?? '') as Settings
const infoHash = Buffer.from(settings.infoHash, 'hex')
const identities = identitiesOf(settings.kind)
const announceUrl = trackerOf(readFileSync(settings.torrentFile))

const counters = { announces: 0, failedAnnounces: 0, accepted: 0 }
const acceptedFrom = new Set<string>()
const connectedTo = new Set<string>()
const open = new Set<Socket>()

let unannounced = identities.length
for (const identity of identities) {
  if (!identity.isListening) announce(identity, 'started')
  else
    createServer((socket) => accept(socket, identity)).listen(identity.port, settings.address, () =>
      announce(identity, 'started'),
    )
}
setInterval(writeReport, REPORT_INTERVAL_MS)
setInterval(() => {
  for (const socket of open) socket.write(Buffer.alloc(4))
}, KEEP_ALIVE_MS)

function identitiesOf(kind: ImpostorKind): readonly Identity[] {
  const leecher = (port: number, values: Partial<Identity> = {}): Identity => ({
    port,
    peerId: Buffer.concat([Buffer.from('-XX0001-'), randomBytes(12)]),
    isSeed: false,
    isListening: true,
    isConnecting: true,
    claimsPieces: false,
    creepBytes: 0,
    intervalSeconds: undefined,
    ...values,
  })
  const often = { intervalSeconds: ANNOUNCE_INTERVAL_MIN_SECONDS }
  const seed = { isSeed: true, isConnecting: false }
  const many = () =>
    Array.from({ length: MANY_PORTS }, (_, index) => leecher(FIRST_OF_MANY + index, { isConnecting: false }))
  const kinds: Readonly<Record<ImpostorKind, () => Identity[]>> = {
    'false-seed': () => [leecher(PORT, seed)],
    'dead-seed': () => [leecher(PORT, { ...seed, isListening: false })],
    'dead-leecher': () => [leecher(PORT, { isListening: false, isConnecting: false })],
    'silent-leecher': () => [leecher(PORT)],
    'stuck-gateway': () => [leecher(PORT, often)],
    'creeping-gateway': () => [leecher(PORT, { ...often, creepBytes: 1024 })],
    'many-ports': many,
    'lying-seed': () => [leecher(PORT, { ...seed, claimsPieces: true })],
    hostile: () => [
      leecher(PORT, seed),
      leecher(PORT + 1, { ...seed, claimsPieces: true }),
      leecher(PORT + 2, often),
      leecher(PORT + 3, { ...often, creepBytes: 1024 }),
      ...many(),
    ],
  }
  return kinds[kind]()
}

function announce(identity: Identity, event?: 'started', number = 0): void {
  const left = identity.isSeed ? 0 : settings.sizeBytes - number * identity.creepBytes
  const query = [
    `info_hash=${escapeBytes(infoHash)}`,
    `peer_id=${escapeBytes(identity.peerId)}`,
    `port=${identity.port}`,
    `uploaded=0&downloaded=${number * identity.creepBytes}&left=${left}`,
    `compact=1&numwant=50${event === undefined ? '' : `&event=${event}`}`,
  ].join('&')
  const again = (seconds: number, next?: 'started') =>
    setTimeout(
      () => announce(identity, next, number + 1),
      Math.max(identity.intervalSeconds ?? seconds, ANNOUNCE_INTERVAL_MIN_SECONDS) * 1000,
    )
  const fail = (reason: string) => {
    counters.failedAnnounces++
    process.stderr.write(`announce failed: ${reason}\n`)
    again(ANNOUNCE_INTERVAL_MIN_SECONDS, event)
  }
  const request = get(`${announceUrl}?${query}`, { agent: false, timeout: 10_000 }, (response) => {
    let body = ''
    response.setEncoding('latin1').on('data', (part: string) => (body += part))
    response.on('end', () => {
      const interval = /8:intervali(\d+)e/.exec(body)?.[1]
      if (interval === undefined) {
        fail(body)
        return
      }
      counters.announces++
      if (event === 'started' && --unannounced === 0) process.stdout.write('announced\n')
      if (identity.isConnecting) for (const peer of peersOf(body)) connectTo(peer, identity)
      again(Number(interval))
    })
  })
  request.on('timeout', () => request.destroy(new Error('timeout')))
  request.on('error', (error) => fail(error.message))
}

/** An encrypted handshake is refused, as by a client without encryption; the other client repeats it in plain text. */
function accept(socket: Socket, identity: Identity): void {
  let received = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    if (received.length >= HANDSHAKE_BYTES) return
    received = Buffer.concat([received, chunk])
    if (received.length < HANDSHAKE_BYTES) return
    if (!received.subarray(0, PROTOCOL.length).equals(PROTOCOL)) {
      socket.destroy()
      return
    }
    counters.accepted++
    acceptedFrom.add(socket.remoteAddress ?? '')
    socket.write(handshake(identity))
  })
  track(socket)
}

function connectTo({ address, port }: { address: string; port: number }, identity: Identity): void {
  if (address === settings.address || connectedTo.has(address)) return
  const socket = connect({ host: address, port, localAddress: settings.address }, () => {
    connectedTo.add(address)
    socket.write(handshake(identity))
  })
  socket.resume()
  track(socket)
}

function track(socket: Socket): void {
  open.add(socket)
  socket.on('error', (error) => process.stderr.write(`${socket.remoteAddress}: ${error.message}\n`))
  socket.on('close', () => open.delete(socket))
}

function handshake({ peerId, claimsPieces }: Identity): Buffer {
  const greeting = Buffer.concat([PROTOCOL, Buffer.alloc(8), infoHash, peerId])
  return claimsPieces ? Buffer.concat([greeting, completeBitfield()]) : greeting
}

/** bitfield => uint32 length, byte 5, one bit for each piece, the spare ones 0. */
function completeBitfield(): Buffer {
  const bits = Buffer.alloc(Math.ceil(settings.pieces / 8), 0xff)
  const spare = bits.length * 8 - settings.pieces
  bits[bits.length - 1] = (0xff << spare) & 0xff
  const head = Buffer.from([0, 0, 0, 0, 5])
  head.writeUInt32BE(bits.length + 1)
  return Buffer.concat([head, bits])
}

/** Compact peers (BEP 23): 4 bytes address, 2 bytes port, big-endian. */
function peersOf(body: string): { address: string; port: number }[] {
  const match = /5:peers(\d+):/.exec(body)
  if (match === null) return []
  const start = match.index + match[0].length
  const bytes = Buffer.from(body.slice(start, start + Number(match[1])), 'latin1')
  return Array.from({ length: Math.floor(bytes.length / 6) }, (_, index) => ({
    address: [...bytes.subarray(index * 6, index * 6 + 4)].join('.'),
    port: bytes.readUInt16BE(index * 6 + 4),
  }))
}

function trackerOf(torrent: Buffer): string {
  const text = torrent.toString('latin1')
  const match = /8:announce(\d+):/.exec(text)
  if (match === null) throw new Error('the torrent has no announce URL')
  const start = match.index + match[0].length
  return text.slice(start, start + Number(match[1]))
}

function writeReport(): void {
  const report: ImpostorReport = {
    ...counters,
    acceptedFrom: acceptedFrom.size,
    connectedTo: connectedTo.size,
    open: [...open].filter((socket) => socket.readyState === 'open').length,
  }
  const incomplete = `${settings.reportPath}.new`
  writeFileSync(incomplete, JSON.stringify(report))
  renameSync(incomplete, settings.reportPath)
}

function escapeBytes(bytes: Buffer): string {
  return [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('')
}
