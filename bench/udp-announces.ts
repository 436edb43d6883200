/**
 * CPU time per UDP announce: the whole tracker, its UDP side alone (50 fixed peers in every answer), a bare
 * `node:dgram` server that sends the same number of bytes without parsing, and opentracker if it is installed.
 *
 * Each server has a process of its own and the load comes from this one: 16 sockets on addresses of their own, 16
 * announces in flight on each, for 64 torrents with 4,096 peers in total. Rounds alternate, so that a noisy neighbour
 * affects all servers. The figure is the CPU time of all threads of the server, from the kernel. The bare server is the
 * upper limit of Node's own sockets.
 *
 * Arguments: rounds (3), milliseconds a round (1000).
 */
import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { AnnounceReply, TrackerService } from '../src/core/announce.ts'
import { systemClock } from '../src/core/clock.ts'
import { SeededRandom } from '../src/core/random.ts'
import { UdpServer } from '../src/server/udp/udp-server.ts'
import { writeAnnounce } from '../src/wire/udp/announce.ts'
import { readConnectResponse, writeConnect } from '../src/wire/udp/connect.ts'
import { HmacSha256 } from '../src/wire/udp/hmac-sha256.ts'
import { aTracker } from '../test/a-tracker.ts'

const SOCKETS = 16
const IN_FLIGHT = 16
const TORRENTS = 64
const PEERS = 4_096
const SECRET = Buffer.alloc(32, 'bench')
/** A lost datagram occupies its slot until the next check. */
const LOOK_MS = 100

const reply: AnnounceReply = {
  complete: 12,
  incomplete: 345,
  downloaded: 67,
  intervalSeconds: 1800,
  intervalSecondsMin: 900,
  peers4: Buffer.alloc(50 * 6, 0xa5),
  peers6: Buffer.alloc(0),
}
const fixed: TrackerService = { announce: () => reply, scrape: () => [] }

interface Server {
  readonly name: string
  readonly process: ChildProcess
  readonly port: number
  readonly cpuPerAnnounce: number[]
  readonly announcesPerSecond: number[]
  answerBytes: number
}

const [role] = process.argv.slice(2)
if (role === 'siteswarm' || role === 'its-udp-side') await serve(role)
else if (role === 'bare-dgram') await serveBare()
else await compare(Number(process.argv[2] ?? 3), Number(process.argv[3] ?? 1_000))

async function serve(which: 'siteswarm' | 'its-udp-side'): Promise<void> {
  const server = new UdpServer({
    tracker: which === 'siteswarm' ? aTracker().tracker : fixed,
    secrets: { current: () => [SECRET] },
    clock: systemClock,
    onRefusal: (code) => console.error(`refused: ${code}`),
    log: console,
  })
  announceReady(await server.start({ host: '127.0.0.1', port: 0 }))
}

async function serveBare(): Promise<void> {
  const socket = createSocket('udp4')
  const answer = Buffer.alloc(320)
  socket.on('message', (packet, { port, address }) => {
    // The client still matches the response by its transaction id.
    packet.copy(answer, 0, 8, 16)
    socket.send(packet.length === 16 ? answer.subarray(0, 16) : answer, port, address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  announceReady(socket.address().port)
}

function announceReady(port: number): void {
  process.on('disconnect', () => process.exit())
  process.send?.(port)
}

async function compare(rounds: number, roundMs: number): Promise<void> {
  measureHmac()
  const servers: Server[] = []
  for (const name of ['siteswarm', 'its-udp-side', 'bare-dgram']) {
    const child = fork(fileURLToPath(import.meta.url), [name])
    const [port] = (await once(child, 'message')) as [number]
    servers.push(aServer(name, child, port))
  }
  const home = mkdtempSync(join(tmpdir(), 'opentracker-'))
  // Debian's build serves only listed torrents, and reads the list as another user.
  chmodSync(home, 0o755)
  const hashes = Array.from({ length: TORRENTS }, (_, index) => infoHashOf(index).toString('hex'))
  writeFileSync(join(home, 'whitelist'), `${hashes.join('\n')}\n`)
  if (spawnSync('opentracker', ['-h']).error === undefined) {
    // It cannot report a port that the system has chosen.
    const port = 20_000 + new SeededRandom(process.pid).below(10_000)
    const flags = ['-i', '127.0.0.1', '-p', String(port), '-P', String(port), '-d', home, '-w', 'whitelist']
    servers.push(aServer('opentracker', spawn('opentracker', flags, { stdio: 'ignore' }), port))
    await setTimeout(500)
  } else console.log('opentracker is not installed: no reference')

  // The first round of each, twice as long, is warm-up for the compiler and fills the swarms.
  for (let round = 0; round <= rounds; round++) {
    for (const server of servers) await load(server, round === 0 ? roundMs * 2 : roundMs, round > 0)
  }
  for (const server of servers) server.process.kill()
  rmSync(home, { recursive: true })

  const reference = servers.find(({ name }) => name === 'opentracker')
  for (const server of servers) {
    const cpu = median(server.cpuPerAnnounce)
    const ratio = reference === undefined ? '' : `  ${(median(reference.cpuPerAnnounce) / cpu).toFixed(2)}`
    console.log(
      `${server.name.padEnd(13)} ${cpu.toFixed(1).padStart(6)} µs CPU per announce` +
        `${(1e6 / cpu).toFixed(0).padStart(9)} announces per CPU-second` +
        `${median(server.announcesPerSecond).toFixed(0).padStart(8)}/s` +
        `${String(server.answerBytes).padStart(5)} bytes${ratio}`,
    )
  }
  if (reference !== undefined)
    console.log('last column: announces per CPU-second ÷ those of opentracker (goal 0.7)')
}

function aServer(name: string, process: ChildProcess, port: number): Server {
  return { name, process, port, cpuPerAnnounce: [], announcesPerSecond: [], answerBytes: 0 }
}

async function load(server: Server, roundMs: number, isCounted: boolean): Promise<void> {
  const clients = await Promise.all(
    Array.from({ length: SOCKETS }, (_, index) => connect(server, `127.${(index % 3) + 1}.1.${index + 1}`)),
  )
  const cpuBefore = cpuMicroseconds(server.process)
  const startMs = performance.now()
  const counts = await Promise.all(clients.map((client) => drive(client, server, startMs + roundMs)))
  const elapsedMs = performance.now() - startMs
  const cpu = cpuMicroseconds(server.process) - cpuBefore
  const announces = counts.reduce((sum, count) => sum + count, 0)
  for (const { socket } of clients) socket.close()
  if (!isCounted) return
  server.cpuPerAnnounce.push(cpu / announces)
  server.announcesPerSecond.push((announces * 1_000) / elapsedMs)
}

interface Client {
  readonly socket: Socket
  readonly announces: readonly Buffer[]
}

async function connect(server: Server, address: string): Promise<Client> {
  const socket = createSocket('udp4')
  socket.bind(0, address)
  await once(socket, 'listening')
  socket.connect(server.port, '127.0.0.1')
  await once(socket, 'connect')
  socket.send(writeConnect(1))
  const [answer] = (await once(socket, 'message')) as [Buffer]
  return { socket, announces: makeAnnounces(readConnectResponse(answer) ?? Buffer.alloc(8), address) }
}

/** Keeps announces in flight until `endMs`; resolves with the number of responses. */
function drive({ socket, announces }: Client, server: Server, endMs: number): Promise<number> {
  return new Promise((resolve) => {
    let answered = 0
    let seen = 0
    let sent = 0
    const ask = () => socket.send(announces[sent++ % announces.length] ?? '')
    const fill = () => {
      for (let count = 0; count < IN_FLIGHT; count++) ask()
    }
    socket.on('message', (packet: Buffer) => {
      server.answerBytes = packet.length
      answered++
      if (performance.now() < endMs) ask()
    })
    const looking = setInterval(() => {
      if (performance.now() >= endMs) {
        clearInterval(looking)
        resolve(answered)
      } else if (answered === seen) fill()
      seen = answered
    }, LOOK_MS)
    fill()
  })
}

function makeAnnounces(connectionId: Buffer, address: string): Buffer[] {
  return Array.from({ length: PEERS / SOCKETS }, (_, index) =>
    writeAnnounce(
      { connectionId, transactionId: index },
      {
        infoHash: infoHashOf(index % TORRENTS),
        peerId: Buffer.from(`-LT2080-${index}${address}`.padEnd(20, '.').slice(0, 20)),
        port: 10_000 + index,
        downloadedBytes: 0,
        uploadedBytes: 0,
        leftBytes: index % 8 === 0 ? 0 : 1_000_000,
        event: 'none',
        peersWanted: 50,
        key: Buffer.alloc(0),
        urlData: Buffer.from('/announce'),
      },
    ),
  )
}

function infoHashOf(index: number): Buffer {
  return Buffer.alloc(20, `torrent ${index} `)
}

/** User and system time of all threads, from the kernel, in its ticks of 10 ms. */
function cpuMicroseconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}

/** Cost of the connection id check of each announce, beside Node's own HMAC. */
function measureHmac(): void {
  const hmac = new HmacSha256(SECRET)
  const words = new Int32Array(8)
  const message = Buffer.alloc(30)
  const time = (name: string, run: () => void) => {
    const times: number[] = []
    for (let round = 0; round < 5; round++) {
      const startMs = performance.now()
      for (let count = 0; count < 50_000; count++) run()
      times.push((performance.now() - startMs) / 50)
    }
    console.log(`${name.padEnd(13)} ${median(times).toFixed(2).padStart(6)} µs per HMAC-SHA256 of 30 bytes`)
  }
  time('ours', () => hmac.sign(words, 30))
  time('node:crypto', () => createHmac('sha256', SECRET).update(message).digest())
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}
