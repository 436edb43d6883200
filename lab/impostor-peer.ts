/**
 * The process of an impostor host: announces to the first tracker of its torrent at the interval of the tracker, and
 * speaks no more of the peer protocol (BEP 3) than its kind needs.
 *
 *   false-seed      left=0; accepts connections and answers the handshake; never sends a bitfield, has no piece
 *   dead-seed       left=0; does not listen
 *   dead-leecher    left=size; does not listen
 *   silent-leecher  left=size; accepts connections and connects to the peers it is given; answers the handshake and sends
 *                   keep-alives; never sends a request
 *
 * A peer without pieces may omit its bitfield, so silence after the handshake is valid. Prints "announced" after the first
 * response of the tracker, and keeps its counters in a JSON file.
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
  readonly reportPath: string
}

const PORT = 6881
/** Clients close connections that are silent for two minutes. */
const KEEP_ALIVE_MS = 60_000
const REPORT_INTERVAL_MS = 500
/** Used until a tracker has answered, and as the lower bound of its interval. */
const ANNOUNCE_INTERVAL_MIN_SECONDS = 5

/** Handshake => 1 byte 19, "BitTorrent protocol", 8 reserved bytes, 20 bytes infohash, 20 bytes peer id. */
const HANDSHAKE_BYTES = 68
const PROTOCOL = Buffer.from('\x13BitTorrent protocol')

const settings = JSON.parse(process.argv[2] ?? '') as Settings
const isSeed = settings.kind === 'false-seed' || settings.kind === 'dead-seed'
const isListening = settings.kind === 'false-seed' || settings.kind === 'silent-leecher'
const infoHash = Buffer.from(settings.infoHash, 'hex')
const peerId = Buffer.concat([Buffer.from('-XX0001-'), randomBytes(12)])
const announceUrl = trackerOf(readFileSync(settings.torrentFile))

const counters = { announces: 0, failedAnnounces: 0, accepted: 0 }
const acceptedFrom = new Set<string>()
const connectedTo = new Set<string>()
const open = new Set<Socket>()

if (isListening) createServer(accept).listen(PORT, settings.address, () => announce('started'))
else announce('started')
setInterval(writeReport, REPORT_INTERVAL_MS)
setInterval(() => {
  for (const socket of open) socket.write(Buffer.alloc(4))
}, KEEP_ALIVE_MS)

function announce(event?: 'started'): void {
  const query = [
    `info_hash=${escapeBytes(infoHash)}`,
    `peer_id=${escapeBytes(peerId)}`,
    `port=${PORT}`,
    `uploaded=0&downloaded=0&left=${isSeed ? 0 : settings.sizeBytes}`,
    `compact=1&numwant=50${event === undefined ? '' : `&event=${event}`}`,
  ].join('&')
  const request = get(`${announceUrl}?${query}`, { agent: false, timeout: 10_000 }, (response) => {
    let body = ''
    response.setEncoding('latin1').on('data', (part: string) => (body += part))
    response.on('end', () => {
      const interval = /8:intervali(\d+)e/.exec(body)?.[1]
      if (interval === undefined) {
        announceFailed(body, event)
        return
      }
      counters.announces++
      writeReport()
      if (event === 'started') process.stdout.write('announced\n')
      if (settings.kind === 'silent-leecher') for (const peer of peersOf(body)) connectTo(peer)
      announceLater(Number(interval))
    })
  })
  request.on('timeout', () => request.destroy(new Error('timeout')))
  request.on('error', (error) => announceFailed(error.message, event))
}

function announceFailed(reason: string, event: 'started' | undefined): void {
  counters.failedAnnounces++
  process.stderr.write(`announce failed: ${reason}\n`)
  announceLater(ANNOUNCE_INTERVAL_MIN_SECONDS, event)
}

function announceLater(seconds: number, event?: 'started'): void {
  setTimeout(() => announce(event), Math.max(seconds, ANNOUNCE_INTERVAL_MIN_SECONDS) * 1000)
}

/** An encrypted handshake is refused, as by a client without encryption; the other client repeats it in plain text. */
function accept(socket: Socket): void {
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
    socket.write(handshake())
  })
  track(socket)
}

function connectTo({ address, port }: { address: string; port: number }): void {
  if (address === settings.address || connectedTo.has(address)) return
  const socket = connect({ host: address, port, localAddress: settings.address }, () => {
    connectedTo.add(address)
    socket.write(handshake())
  })
  socket.resume()
  track(socket)
}

function track(socket: Socket): void {
  open.add(socket)
  socket.on('error', (error) => process.stderr.write(`${socket.remoteAddress}: ${error.message}\n`))
  socket.on('close', () => open.delete(socket))
}

function handshake(): Buffer {
  return Buffer.concat([PROTOCOL, Buffer.alloc(8), infoHash, peerId])
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
