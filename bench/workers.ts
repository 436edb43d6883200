/**
 * CPU time of a UDP announce in all processes that take part in it: `serve` with the memory store, with a Redis, and with
 * a Redis and two workers. The sum decides how many announces a machine answers; beside it, the cost of passing a request
 * to another thread of one process and its response back, by the number of requests that travel together.
 *
 * Needs redis-server and the built program (`npm run build`).
 *
 * Usage: workers [torrents, default 200]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { Load, type LoadShape } from './peers/load.ts'
import { cpuOfProcess, freePort } from './peers/servers.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const SHAPE: LoadShape = { torrents: Number(process.argv[2] ?? '200'), peersPerTorrent: 128 }
/** After the last response, for the log of the site. */
const SETTLE_MS = 500
/** An announce with its address, and a response with some peers. */
const MESSAGE_BYTES = 160
const MESSAGES = 50_000
/** Messages on their way at the same time, as under load: a thread that never sleeps is not woken for each. */
const IN_FLIGHT = 8

if (!isMainThread) parentPort?.on('message', (bytes: Uint8Array) => parentPort?.postMessage(bytes.slice()))
else {
  await measure('memory, one process', 1, false)
  await measure('Redis, one process', 1, true)
  await measure('Redis, two workers', 2, true)
  for (const together of [1, 4, 16]) await passBetweenThreads(together)
}

async function measure(name: string, workers: number, hasRedis: boolean): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'siteswarm-workers-'))
  const redisPort = await freePort()
  const redis = hasRedis ? startRedis(redisPort) : undefined
  await pause(SETTLE_MS)
  const serve = spawn(process.execPath, [PROGRAM, 'serve', '--json', '--workers', `${workers}`], {
    env: {
      ...process.env,
      SITESWARM_LISTEN_HTTP: `127.0.0.1:${await freePort()}`,
      SITESWARM_LISTEN_UDP: `127.0.0.1:${await freePort()}`,
      SITESWARM_LISTEN_ADMIN: `127.0.0.1:${await freePort()}`,
      SITESWARM_OBSERVE_CONNECTIONS: '0',
      SITESWARM_DATA_DIRECTORY: home,
      SITESWARM_LOG_LEVEL: 'error',
      ...(hasRedis ? { SITESWARM_STORE: `redis://127.0.0.1:${redisPort}` } : {}),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(serve.stdout, 'data')) as [Buffer]
  const { udp } = JSON.parse(line.toString()) as { readonly udp: string }
  await pause(SETTLE_MS)
  const nodes = workers > 1 ? childrenOf(serve) : [serve.pid as number]
  const all = redis === undefined ? nodes : [...nodes, redis.pid as number]
  const load = new Load('udp', Number(new URL(udp).port), SHAPE)
  for (const round of ['first', 'again', 'again']) {
    load.rewind()
    const before = all.map(cpuOfProcess)
    const { answers } = await load.run({})
    await pause(SETTLE_MS)
    const each = all.map((pid, index) => (cpuOfProcess(pid) - (before[index] as number)) / answers)
    const sum = each.reduce((total, us) => total + us, 0)
    const parts = each.map((us) => us.toFixed(1)).join(' + ')
    console.log(`${name.padEnd(20)} ${round.padEnd(6)} ${sum.toFixed(1).padStart(6)} µs an answer: ${parts}`)
  }
  serve.kill('SIGTERM')
  await once(serve, 'exit')
  redis?.kill('SIGKILL')
  rmSync(home, { recursive: true })
}

function startRedis(port: number): ChildProcess {
  const flags = ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  return spawn('redis-server', flags, { stdio: 'ignore' })
}

function childrenOf({ pid }: ChildProcess): number[] {
  return execFileSync('pgrep', ['-P', `${pid}`], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map(Number)
}

async function passBetweenThreads(together: number): Promise<void> {
  const worker = new Worker(fileURLToPath(import.meta.url))
  const before = process.cpuUsage()
  let sent = 0
  const send = () => {
    if (sent >= MESSAGES) return
    sent += together
    worker.postMessage(new Uint8Array(together * MESSAGE_BYTES))
  }
  for (let count = 0; count < IN_FLIGHT; count++) send()
  for (let passed = 0; passed < MESSAGES; passed += together) {
    await once(worker, 'message')
    send()
  }
  const { user, system } = process.cpuUsage(before)
  const each = (user + system) / MESSAGES
  console.log(
    `${together} together: ${each.toFixed(2)} µs of both threads for a request to the other one and back`,
  )
  await worker.terminate()
}
