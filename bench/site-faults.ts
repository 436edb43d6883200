/**
 * Effect of Redis faults on clients: 500 announces a second over HTTP, from sixteen addresses, to two built nodes of a site,
 * while Redis hangs, restarts empty, is flushed, is full, or closes its connections. Reports for each fault the number of
 * failed announces and the slowest response; the first and the last row are without a fault. Needs redis-server and dist/.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'

const RATE = 500
const CLIENTS = 16
/** Interval between turns of the clients. */
const TURN_MS = 20
/** Warm-up: the nodes connect, and the code is compiled. */
const WARM_UP_MS = 3_000
const AFTER_MS = 5_000
const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

interface Phase {
  readonly name: string
  failures: number
  readonly tookMs: number[]
}

const directory = mkdtempSync(join(tmpdir(), 'siteswarm-bench-'))
const children: ChildProcess[] = []
const redisPort = await freePort()
let redis = await startRedis()
const nodePorts = [await freePort(), await freePort()]
let phase: Phase = { name: '', failures: 0, tookMs: [] }
const pending = new Set<Promise<void>>()

try {
  for (const [index, port] of nodePorts.entries()) await startNode(index, port)
  const clients = announceForEver()
  await pause(WARM_UP_MS)
  console.log(`${RATE} announces/s to two nodes         announces  failed      p50      p99  slowest`)
  await during('no fault', () => pause(AFTER_MS))
  await during('Redis hangs for 10 s (SIGSTOP)', async () => {
    redis.kill('SIGSTOP')
    await pause(10_000)
    redis.kill('SIGCONT')
  })
  await during('Redis is killed, empty after 3 s', async () => {
    redis.kill('SIGKILL')
    await pause(3_000)
    redis = await startRedis()
  })
  await during('FLUSHALL', () => ask('flushall'))
  await during('CLIENT KILL', () => ask('client', 'kill', 'type', 'normal', 'skipme', 'yes'))
  await during('Redis is full for 3 s', async () => {
    await ask('config', 'set', 'maxmemory', '1')
    await pause(3_000)
    await ask('config', 'set', 'maxmemory', '0')
  })
  await during('the log is trimmed away', () => ask('xtrim', 'siteswarm:{fra}:log', 'maxlen', '0'))
  await during('no fault', () => pause(AFTER_MS))
  clients.abort()
  await Promise.all(pending)
} finally {
  for (const child of children) child.kill('SIGKILL')
  rmSync(directory, { recursive: true, force: true })
}

/** Duration of the fault and of the recovery. */
async function during(name: string, fault: () => Promise<unknown>): Promise<void> {
  phase = { name, failures: 0, tookMs: [] }
  const measured = phase
  await fault()
  await pause(AFTER_MS)
  const sorted = measured.tookMs.toSorted((a, b) => a - b)
  const at = (share: number) => `${(sorted[Math.floor((sorted.length - 1) * share)] ?? NaN).toFixed(1)} ms`
  const figures = [String(sorted.length), String(measured.failures), at(0.5), at(0.99), at(1)]
  console.log(
    name.padEnd(34) + figures.map((text, index) => text.padStart([11, 8, 9, 9, 9][index] ?? 0)).join(''),
  )
}

/** Sends all announces that are due at each turn, independently of earlier responses: a slow node gets the same load. */
function announceForEver(): AbortController {
  const stopping = new AbortController()
  const agent = new Agent({ keepAlive: true })
  const startedMs = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    for (; sent < ((performance.now() - startedMs) * RATE) / 1000; sent++) {
      const announced = announce(sent, agent)
      pending.add(announced)
      void announced.finally(() => pending.delete(announced))
    }
  }, TURN_MS)
  stopping.signal.addEventListener('abort', () => clearInterval(timer))
  return stopping
}

function announce(number: number, agent: Agent): Promise<void> {
  const measured = phase
  const client = number % CLIENTS
  const port = nodePorts[Math.floor(number / CLIENTS) % nodePorts.length] as number
  const query = `info_hash=${'%ab'.repeat(20)}&peer_id=-XX0000-${String(client).padStart(12, '0')}&port=6881&left=${client === 0 ? 0 : 1000}&compact=1`
  const begunMs = performance.now()
  return new Promise((resolve) => {
    const end = (isResponse: boolean) => {
      if (!isResponse) measured.failures++
      measured.tookMs.push(performance.now() - begunMs)
      resolve()
    }
    const request = get(
      `http://127.0.0.1:${port}/announce?${query}`,
      { agent, localAddress: `127.1.1.${client + 1}` },
      (answer) => {
        let body = ''
        answer.setEncoding('latin1').on('data', (part: string) => (body += part))
        answer.on('end', () => end(body.startsWith('d8:complete')))
      },
    )
    request.on('error', () => end(false))
  })
}

async function startNode(index: number, port: number): Promise<void> {
  const home = join(directory, String(index))
  const configuration = `${home}.yaml`
  writeFileSync(
    `${home}-topology.yaml`,
    `sites:\n  fra: { cidrs: [127.1.0.0/16], trackers: ["http://t.fra.example:6969/announce"] }\n`,
  )
  writeFileSync(
    configuration,
    `site: fra\nobserve: { connections: 0 }\ntopology: ${home}-topology.yaml\nlisten: { http: "127.0.0.1:${port}", udp: "127.0.0.1:0", admin: "127.0.0.1:0" }\n` +
      `store: redis://127.0.0.1:${redisPort}\ndataDirectory: ${home}\ntorrents: { directory: ${home}-torrents }\nlog: { level: fatal }\n`,
  )
  const child = spawn(process.execPath, [program, 'serve', '--config', configuration, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  await once(child.stdout, 'data')
}

async function startRedis(): Promise<ChildProcess> {
  const child = spawn(
    'redis-server',
    ['--port', String(redisPort), '--save', '', '--appendonly', 'no', '--dir', directory],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  )
  children.push(child)
  for await (const said of child.stdout) if (String(said).includes('Ready to accept')) break
  return child
}

async function ask(command: string, ...args: string[]): Promise<void> {
  const client = new Redis(redisPort, '127.0.0.1', { lazyConnect: true })
  await client.call(command, ...args)
  client.disconnect()
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return port
}
