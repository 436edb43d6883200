/**
 * HTTP announces a second through the tracker's server, beside a bare `node:http` server that answers the same
 * bytes in the same run.
 *
 * Each server has a process of its own and the load comes from this one: 32 kept connections, one announce at a
 * time on each, 50 peers in every answer. Rounds alternate, so that a noisy neighbour affects all servers.
 * What is compared is the CPU time of the server per announce: on a machine with two cores the load generator may
 * be slower than the server, and then announces a second would only measure the load generator.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type Socket, connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import type { AnnounceReply, TrackerService } from '../src/core/announce.ts'
import { SeededRandom } from '../src/core/random.ts'
import { HttpServer } from '../src/server/http/http-server.ts'
import { writeAnnounceResponse } from '../src/wire/http/announce.ts'

const CONNECTIONS = 32
const PEERS = 50
/** Many short rounds, of which the faster ones count: other load on the machine only adds time. */
const ROUNDS = 30
const WARM_UP_ROUNDS = 3
const ROUND_MS = 200
/** Enough different announces to defeat caching between them. */
const REQUESTS = 4_096

const reply: AnnounceReply = {
  complete: 12,
  incomplete: 345,
  downloaded: 67,
  intervalSeconds: 1800,
  intervalSecondsMin: 900,
  peers4: Buffer.alloc(PEERS * 6, 0xa5),
  peers6: Buffer.alloc(0),
}

const tracker: TrackerService = {
  announce: () => reply,
  scrape: () => [],
}

interface Sample {
  readonly announces: number
  readonly elapsedMs: number
  readonly cpuMicroseconds: number
}

const role = process.argv[2]
if (role === 'siteswarm' || role === 'bare') await serve(role)
else await compare()

async function serve(which: 'siteswarm' | 'bare'): Promise<void> {
  let port: number
  if (which === 'siteswarm') {
    port = await new HttpServer({
      tracker,
      isTrusted: () => false,
      onRefusal: (code) => console.error(`refused: ${code}`),
      log: console,
    }).start({ host: '127.0.0.1', port: 0 })
  } else {
    const body = writeAnnounceResponse(reply, true)
    const headers = ['Content-Type', 'text/plain', 'Content-Length', String(body.length)]
    const server = createServer((_request, response) => {
      response.writeHead(200, headers)
      response.end(body, 'latin1')
    })
    server.listen({ host: '127.0.0.1', port: 0 })
    await once(server, 'listening')
    port = (server.address() as { port: number }).port
  }
  process.on('message', () => process.send?.(cpuSoFar()))
  process.on('disconnect', () => process.exit())
  process.send?.(port)
}

function cpuSoFar(): number {
  const { user, system } = process.cpuUsage()
  return user + system
}

async function compare(): Promise<void> {
  const subjects = await Promise.all([
    start('node:http', 'bare', '/announce'),
    start('siteswarm', 'siteswarm', '/announce'),
    start('with token', 'siteswarm', '/announce/0123456789abcdef'),
    // A token with an escape: the router of Fastify handles the request.
    start('router', 'siteswarm', '/announce/0123456789%61bcdef'),
  ])
  // The first rounds are warm-up for the compiler.
  for (let round = -WARM_UP_ROUNDS; round < ROUNDS; round++) {
    for (const subject of subjects) {
      const sample = await load(subject)
      if (round >= 0) subject.samples.push(sample)
    }
  }
  for (const { child } of subjects) child.kill()

  const figures = subjects.map(({ name, samples }) => ({
    name,
    cpu: quickFifth(samples.map(({ announces, cpuMicroseconds }) => cpuMicroseconds / announces)),
    perSecond: 1000 / quickFifth(samples.map(({ announces, elapsedMs }) => elapsedMs / announces)),
  }))
  const [bare = { cpu: 0, perSecond: 0 }] = figures
  console.log(`${''.padEnd(12)} CPU per announce  ratio  announces/s  ratio   (goal: 0.85)`)
  for (const { name, cpu, perSecond } of figures) {
    const columns = [
      name.padEnd(12),
      `${cpu.toFixed(1)} µs`.padStart(16),
      (bare.cpu / cpu).toFixed(2).padStart(6),
      perSecond.toFixed(0).padStart(12),
      (perSecond / bare.perSecond).toFixed(2).padStart(6),
    ]
    console.log(columns.join(' '))
  }
}

interface Subject {
  readonly name: string
  readonly child: ChildProcess
  readonly port: number
  readonly requests: readonly Buffer[]
  readonly samples: Sample[]
}

async function start(name: string, which: string, path: string): Promise<Subject> {
  const child = fork(fileURLToPath(import.meta.url), [which])
  const [port] = (await once(child, 'message')) as [number]
  return { name, child, port, requests: makeRequests(path), samples: [] }
}

async function load({ child, port, requests }: Subject): Promise<Sample> {
  const sockets = await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      const socket = connect({ host: '127.0.0.1', port, noDelay: true })
      await once(socket, 'connect')
      return socket
    }),
  )
  const cpuBefore = await askCpu(child)
  const startMs = performance.now()
  const endMs = startMs + ROUND_MS
  const spinning = spin()
  const announces = await Promise.all(sockets.map((socket, index) => drive(socket, requests, index, endMs)))
  const elapsedMs = performance.now() - startMs
  spinning.abort()
  const cpuAfter = await askCpu(child)
  for (const socket of sockets) socket.destroy()
  return {
    announces: announces.reduce((sum, count) => sum + count, 0),
    elapsedMs,
    cpuMicroseconds: cpuAfter - cpuBefore,
  }
}

/**
 * Keeps this process from sleeping: a wake-up is charged to the responding server, several microseconds each on
 * virtual machines, and most to the slowest server.
 */
function spin(): AbortController {
  const abort = new AbortController()
  const again = () => {
    if (!abort.signal.aborted) setImmediate(again)
  }
  again()
  return abort
}

async function askCpu(child: ChildProcess): Promise<number> {
  child.send('cpu')
  const [microseconds] = (await once(child, 'message')) as [number]
  return microseconds
}

/** One announce after the other on one connection until `endMs`; resolves with the number of responses. */
function drive(socket: Socket, requests: readonly Buffer[], offset: number, endMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let announces = 0
    let answerBytes = 0
    let received = 0
    const ask = () => socket.write(requests[(offset * 131 + announces) % REQUESTS] ?? '')
    socket.on('error', reject)
    socket.on('data', (chunk: Buffer) => {
      // All answers have the same length, headers included, so only the first one is parsed.
      if (answerBytes === 0)
        answerBytes = chunk.indexOf('\r\n\r\n') + 4 + writeAnnounceResponse(reply, true).length
      received += chunk.length
      if (received < answerBytes) return
      received = 0
      announces++
      if (performance.now() < endMs) ask()
      else resolve(announces)
    })
    ask()
  })
}

/** Announces as libtorrent sends them, each with its own infohash, peer id and key. */
function makeRequests(path: string): Buffer[] {
  const random = new SeededRandom(1)
  const escaped = (bytes: number) =>
    Array.from({ length: bytes }, () => `%${random.below(256).toString(16).padStart(2, '0')}`).join('')
  return Array.from({ length: REQUESTS }, () =>
    Buffer.from(
      `GET ${path}?info_hash=${escaped(20)}&peer_id=-LT2080-${escaped(12)}&port=${1024 + random.below(60_000)}` +
        `&uploaded=0&downloaded=${random.below(1e9)}&left=${random.below(1e9)}&corrupt=0&key=FEAB93A7` +
        '&event=started&numwant=200&compact=1&no_peer_id=1&supportcrypto=1&redundant=0 HTTP/1.1\r\n' +
        'Host: 127.0.0.1:6969\r\nUser-Agent: libtorrent/2.0.8.0\r\nAccept-Encoding: gzip\r\n\r\n',
    ),
  )
}

function quickFifth(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 5)] ?? 0
}
