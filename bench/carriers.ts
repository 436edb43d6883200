/**
 * Throughput of content through a node: a relay between two clients of one site, and a carried link between two nodes,
 * each beside iperf3 through socat and through HAProxy in the same run, with the CPU time of the forwarding processes.
 *
 * The clients run in a second process: a source that answers each request, and a host that requests each piece that it is
 * offered. The torrent is registered, therefore the node also checks each piece (SHA-1).
 *
 * Usage: carriers [--mebibytes 1024] [--seconds 5]. Needs socat, haproxy and iperf3.
 */
import { execFile, fork, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtemp, readFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { Carriers } from '../src/carriers/carriers.ts'
import { openStream } from '../src/carriers/link/stream-socket.ts'
import { TorrentGeometry } from '../src/carriers/torrent-geometry.ts'
import { parseAddress } from '../src/core/address.ts'
import { elapsedMs, systemClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import { dialTcp } from '../src/observers/client-socket.ts'
import { writeBitfield, writeHave } from '../src/wire/peer/availability.ts'
import { writePieceHead, writeRequest } from '../src/wire/peer/block.ts'
import { writeHandshake } from '../src/wire/peer/handshake.ts'
import { INTERESTED, UNCHOKE } from '../src/wire/peer/message.ts'
import { MessageReader, type PeerMessage } from '../src/wire/peer/message-reader.ts'
import { PieceSet } from '../src/wire/peer/piece-set.ts'

const number = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(`--${name}`)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const SECONDS = number('seconds', 5)
const PIECE_BYTES = 1_048_576
const BLOCK_BYTES = 16_384
const PIECES = number('mebibytes', 1_024)
const TOTAL_BYTES = PIECES * PIECE_BYTES
const INFO_HASH = Buffer.alloc(20, 7)
const PEER_ID = Buffer.from('-LT2080-abcdefghijkl')
const ZEROS = Buffer.alloc(BLOCK_BYTES)
const log = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} }
const run = promisify(execFile)

// ---- The clients

function serveClients(): void {
  const listen = (serve: (socket: Socket) => void) =>
    new Promise<number>((resolve) => {
      const server = createServer({ noDelay: true }, serve)
      server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
    })
  void Promise.all([listen(serveSource), listen(serveHost)]).then((ports) => process.send?.(ports))
}

function serveClient(socket: Socket, receive: (message: PeerMessage) => void): void {
  const reader = new MessageReader(receive)
  socket.on('error', () => {})
  socket.on('data', (chunk) => void reader.read(chunk))
  socket.write(writeHandshake(INFO_HASH, PEER_ID))
}

function serveSource(socket: Socket): void {
  serveClient(socket, (message) => {
    if (message.kind === 'request') {
      socket.write(writePieceHead(message))
      socket.write(ZEROS.subarray(0, message.length))
    }
  })
  const all = new PieceSet((PIECES + 7) >> 3)
  all.fill(PIECES)
  socket.write(writeBitfield(all.bits))
  socket.write(UNCHOKE)
}

function serveHost(socket: Socket): void {
  const missing = new Map<number, number>()
  let piece = 0
  serveClient(socket, (message) => {
    if (message.kind === 'have') {
      if (missing.size === 0) socket.write(INTERESTED)
      missing.set(message.piece, PIECE_BYTES / BLOCK_BYTES)
      for (let begin = 0; begin < PIECE_BYTES; begin += BLOCK_BYTES)
        socket.write(writeRequest({ piece: message.piece, begin, length: BLOCK_BYTES }))
    } else if (message.kind === 'block') piece = message.piece
    else if (message.kind === 'block-part' && message.isLast) {
      const left = (missing.get(piece) ?? 0) - 1
      missing.set(piece, left)
      if (left === 0) socket.write(writeHave(piece))
    }
  })
}

// ---- The node

function startNode(ownSite: string, onComplete: () => void): Carriers {
  const hash = createHash('sha1').update(Buffer.alloc(PIECE_BYTES)).digest()
  const carriers = new Carriers({
    ownSite,
    ownNode: createHash('sha1').update(ownSite).digest('hex').slice(0, 16),
    cacheBytes: 268_435_456,
    clock: systemClock,
    random: new SeededRandom(1),
    dial: dialTcp,
    log,
    onObservations: (batch) => {
      for (const { isComplete, port } of batch) if (isComplete && port !== sourcePort) onComplete()
    },
  })
  carriers.setGeometry(
    INFO_HASH,
    new TorrentGeometry({
      totalBytes: TOTAL_BYTES,
      pieceBytes: PIECE_BYTES,
      hashes: Buffer.concat(Array.from({ length: PIECES }, () => hash)),
    }),
  )
  carriers.start()
  return carriers
}

let sourcePort = 0

/** One node for both clients, or two nodes joined by a TCP connection in this process. */
async function carry(isLinked: boolean): Promise<void> {
  const child = fork(fileURLToPath(import.meta.url), [...process.argv.slice(2), '--serve'])
  const [source, host] = await new Promise<[number, number]>((resolve) =>
    child.once('message', (ports) => resolve(ports as [number, number])),
  )
  sourcePort = source
  let complete: () => void = () => {}
  const isComplete = new Promise<void>((resolve) => (complete = resolve))
  const near = startNode('near', () => complete())
  const far = isLinked ? startNode('far', () => complete()) : near
  if (isLinked) await link(near, far)
  const address = parseAddress('127.0.0.1')
  if (address === undefined) throw new Error('the address is valid')
  const startedMs = elapsedMs()
  const before = process.cpuUsage()
  near.updateClient(
    { site: 'near', infoHash: INFO_HASH },
    { address, port: source, isAnnouncedComplete: true },
  )
  far.updateClient(
    { site: isLinked ? 'far' : 'near', infoHash: INFO_HASH },
    { address, port: host, isAnnouncedComplete: false },
  )
  await isComplete
  const { user, system } = process.cpuUsage(before)
  print(
    isLinked ? 'a carried link, both nodes in one process' : 'a relay',
    (TOTAL_BYTES * 8) / ((elapsedMs() - startedMs) / 1_000),
    (user + system) / 1e6 / (TOTAL_BYTES / 1e9),
  )
  for (const node of new Set([near, far])) node.stop()
  child.kill()
}

async function link(near: Carriers, far: Carriers): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) =>
    near.addLink({
      connect: (events) => openStream(socket, Buffer.alloc(0), events),
      isAccepted: true,
      admits: () => true,
    }),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const socket = connect({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    noDelay: true,
  })
  far.addLink({
    connect: (events) => openStream(socket, Buffer.alloc(0), events),
    isAccepted: false,
    admits: () => true,
  })
  while (near.linkedNodes === 0) await delay(10)
  server.close()
}

// ---- The references

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise<void>((resolve) => server.close(() => resolve()))
  return port
}

/** Processor seconds of a process and of its children that have ended. */
async function cpuSecondsOf(pid: number): Promise<number> {
  const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? []
  const CLOCK_TICKS = 100
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / CLOCK_TICKS
}

async function measureProxy(name: string, program: string, args: (port: number, to: number) => string[]) {
  const [port, to] = [await freePort(), await freePort()]
  const server = spawn('iperf3', ['-s', '-p', String(to)], { stdio: 'ignore' })
  const proxy = spawn(program, args(port, to), { stdio: 'ignore' })
  try {
    await delay(500)
    const before = await cpuSecondsOf(proxy.pid ?? 0)
    const options = ['-c', '127.0.0.1', '-p', String(port), '-t', String(SECONDS), '-J']
    const { stdout } = await run('iperf3', options, { maxBuffer: 16_777_216 })
    const { end } = JSON.parse(stdout) as {
      end: { sum_received: { bits_per_second: number; bytes: number } }
    }
    await delay(200)
    const seconds = (await cpuSecondsOf(proxy.pid ?? 0)) - before
    print(name, end.sum_received.bits_per_second, seconds / (end.sum_received.bytes / 1e9))
  } finally {
    proxy.kill()
    server.kill()
  }
}

function print(name: string, bitsPerSecond: number, cpuSeconds: number): void {
  console.log(
    `${name}: ${(bitsPerSecond / 1e9).toFixed(2)} Gbit/s, ${cpuSeconds.toFixed(2)} CPU seconds a gigabyte`,
  )
}

async function main(): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'carriers-'))
  await measureProxy('socat', 'socat', (port, to) => [
    `TCP-LISTEN:${port},fork,reuseaddr`,
    `TCP:127.0.0.1:${to}`,
  ])
  const file = join(directory, 'haproxy.cfg')
  const haproxyPorts = (port: number, to: number) =>
    `defaults\n  mode tcp\n  timeout connect 5s\n  timeout client 60s\n  timeout server 60s\n` +
    `listen proxy\n  bind 127.0.0.1:${port}\n  server sink 127.0.0.1:${to}\n`
  await measureProxy('HAProxy', 'sh', (port, to) => {
    const config = haproxyPorts(port, to).replaceAll('\n', '\\n')
    return ['-c', `printf '${config}' > ${file} && exec haproxy -db -f ${file}`]
  })
  await carry(false)
  await carry(true)
}

if (process.argv.includes('--serve')) serveClients()
else await main()
