/** The floods of `floods.ts`. Each stays on loopback, is bounded by its rate, and ends at its time. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { SeededRandom } from '../../src/core/random.ts'
import { writeAnnounce } from '../../src/wire/udp/announce.ts'
import { readConnectResponse, writeConnect } from '../../src/wire/udp/connect.ts'

export interface Target {
  readonly httpPort: number
  readonly udpPort: number
}

const TICK_MS = 5
const PACKETS_PER_SECOND = 20_000
const CONNECTIONS = 10_000
const HTTP_JUNK_PER_SECOND = 500
const PORTS = 60_000
const HOSTILE = '127.1.9.9'
const random = new SeededRandom(1)
const bytes = (length: number) => Buffer.from(Array.from({ length }, () => random.below(256)))

type Flood = (target: Target, seconds: number) => Promise<void>

export const floods: Readonly<Record<string, Flood>> = {
  'udp-junk': (target, seconds) => packets(target, seconds, () => bytes(1 + random.below(120))),
  'udp-stolen-ids': (target, seconds) =>
    packets(target, seconds, (index) => announce(bytes(8), index, { torrent: index, port: 6881 })),
  'udp-connects': (target, seconds) => packets(target, seconds, (index) => writeConnect(index)),
  'http-junk': httpJunk,
  'idle-1-address': (target, seconds) => connections(target, seconds, 1, () => Buffer.alloc(0)),
  'idle-100-addresses': (target, seconds) => connections(target, seconds, 100, () => Buffer.alloc(0)),
  'slow-1-address': (target, seconds) => connections(target, seconds, 1, () => Buffer.from('G')),
  'slow-100-addresses': (target, seconds) => connections(target, seconds, 100, () => Buffer.from('G')),
  infohashes: (target, seconds) =>
    proven(target, seconds, (id, index) => announce(id, index, { torrent: index, port: 6881 })),
  ports: (target, seconds) =>
    proven(target, seconds, (id, index) =>
      announce(id, index, { torrent: 0, port: 1_024 + (index % PORTS) }),
    ),
}

function announce(
  connectionId: Buffer,
  index: number,
  { torrent, port }: { readonly torrent: number; readonly port: number },
): Buffer {
  const infoHash = Buffer.alloc(20, 0x11)
  infoHash.writeUInt32BE(torrent, 0)
  const peerId = Buffer.from('-XX0000-............')
  peerId.writeUInt32BE(index, 8)
  return writeAnnounce(
    { connectionId, transactionId: index },
    {
      infoHash,
      peerId,
      port,
      downloadedBytes: 0,
      uploadedBytes: 0,
      leftBytes: 1_000,
      event: 'started',
      peersWanted: 50,
      key: Buffer.alloc(0),
      urlData: Buffer.alloc(0),
    },
  )
}

/** Datagrams of one address at the rate. */
async function packets(
  { udpPort }: Target,
  seconds: number,
  packet: (index: number) => Buffer,
): Promise<void> {
  const socket = createSocket('udp4')
  socket.on('error', () => undefined)
  socket.bind(0, HOSTILE)
  await once(socket, 'listening')
  await atRate(PACKETS_PER_SECOND, seconds, (index) => socket.send(packet(index), udpPort, '127.0.0.1'))
  socket.close()
}

/** The same with the connection id that the node gave to this address. */
async function proven(
  target: Target,
  seconds: number,
  packet: (id: Buffer, index: number) => Buffer,
): Promise<void> {
  const socket = createSocket('udp4')
  socket.on('error', () => undefined)
  socket.bind(0, HOSTILE)
  await once(socket, 'listening')
  socket.send(writeConnect(1), target.udpPort, '127.0.0.1')
  const [response] = (await once(socket, 'message')) as [Buffer]
  const id = readConnectResponse(response) ?? bytes(8)
  await atRate(PACKETS_PER_SECOND, seconds, (index) =>
    socket.send(packet(id, index), target.udpPort, '127.0.0.1'),
  )
  socket.close()
}

async function httpJunk({ httpPort }: Target, seconds: number): Promise<void> {
  await atRate(HTTP_JUNK_PER_SECOND, seconds, () => {
    const socket = connect({ host: '127.0.0.1', port: httpPort, localAddress: HOSTILE })
    socket.on('error', () => undefined)
    socket.on('data', () => undefined)
    socket.setTimeout(1_000, () => socket.destroy())
    const line = [
      'GET /announce?%zz HTTP/1.1\r\n\r\n',
      'POST / HTTP/9\r\n',
      bytes(200),
      `GET /${'a'.repeat(20_000)} `,
    ]
    socket.end(line[random.below(line.length)] ?? '')
  })
}

/** Connections that stay open, from `addresses` addresses. A closed one is opened again, ten a tick. */
async function connections(
  { httpPort }: Target,
  seconds: number,
  addresses: number,
  drip: () => Buffer,
): Promise<void> {
  const open = new Set<ReturnType<typeof connect>>()
  const endMs = performance.now() + seconds * 1_000
  let opened = 0
  while (performance.now() < endMs) {
    for (let count = 0; count < 50 && open.size < CONNECTIONS; count++) {
      const from = `127.1.8.${1 + (opened++ % addresses)}`
      const socket = connect({ host: '127.0.0.1', port: httpPort, localAddress: from })
      open.add(socket)
      socket.on('error', () => undefined)
      socket.on('close', () => open.delete(socket))
      const timer = setInterval(() => {
        const chunk = drip()
        if (chunk.length > 0) socket.write(chunk)
      }, 1_000)
      socket.on('close', () => clearInterval(timer))
    }
    await pause(TICK_MS)
  }
  for (const socket of open) socket.destroy()
}

async function atRate(perSecond: number, seconds: number, act: (index: number) => void): Promise<void> {
  const startMs = performance.now()
  for (let sent = 0; ;) {
    const elapsed = performance.now() - startMs
    if (elapsed >= seconds * 1_000) return
    // At most a tenth of a second at once: a generator that was late does not send all it missed.
    const wanted = Math.min((elapsed * perSecond) / 1_000, sent + perSecond / 10)
    while (sent < wanted) act(sent++)
    await pause(TICK_MS)
  }
}
