/**
 * CPU time of an announce in all processes that take part in it, and their memory: `serve` with one process, two workers
 * and four, over each transport. The sum decides how many announces a machine answers, as long as the process with the
 * swarm table is not full: its share is the first of the parts.
 *
 * Beside it, the cost of passing a request to another thread of one process and its response back, by the number of
 * requests that travel together.
 *
 * Needs the built program (`npm run build`), and redis-server for `--redis`.
 *
 * Usage: workers [torrents, default 200] [--redis]
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { Load, type LoadShape, type Transport } from './peers/load.ts'
import { cpuOfProcess, freePort } from './peers/servers.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const ARGUMENTS = process.argv.slice(2)
const HAS_REDIS = ARGUMENTS.includes('--redis')
const SHAPE: LoadShape = {
  torrents: Number(ARGUMENTS.find((each) => !each.startsWith('--')) ?? '200'),
  peersPerTorrent: 128,
}
/** After the last response, for the log of the site. */
const SETTLE_MS = 500
/** An announce with its address, and a response with some peers. */
const MESSAGE_BYTES = 160
const MESSAGES = 50_000
/** Messages on their way at the same time, as under load: a thread that never sleeps is not woken for each. */
const IN_FLIGHT = 8

if (!isMainThread) parentPort?.on('message', (bytes: Uint8Array) => parentPort?.postMessage(bytes.slice()))
else {
  for (const transport of ['udp', 'keep-alive', 'close'] as const)
    for (const workers of [1, 2, 4]) await measure(transport, workers)
  for (const together of [1, 4, 16]) await passBetweenThreads(together)
}

async function measure(transport: Transport, workers: number): Promise<void> {
  const home = mkdtempSync(join(tmpdir(), 'siteswarm-workers-'))
  const redisPort = await freePort()
  const redis = HAS_REDIS ? startRedis(redisPort) : undefined
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
      ...(redis === undefined ? {} : { SITESWARM_STORE: `redis://127.0.0.1:${redisPort}` }),
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(serve.stdout, 'data')) as [Buffer]
  const { udp, http } = JSON.parse(line.toString()) as { readonly udp: string; readonly http: string }
  await pause(SETTLE_MS)
  const nodes = workers > 1 ? childrenOf(serve) : [serve.pid as number]
  const all = redis === undefined ? nodes : [...nodes, redis.pid as number]
  const load = new Load(transport, Number(new URL(transport === 'udp' ? udp : http).port), SHAPE)
  for (const round of ['first', 'again', 'again']) {
    load.rewind()
    const before = all.map(cpuOfProcess)
    const { answers, elapsedMs } = await load.run({})
    await pause(SETTLE_MS)
    const each = all.map((pid, index) => (cpuOfProcess(pid) - (before[index] as number)) / answers)
    const sum = each.reduce((total, us) => total + us, 0)
    const parts = each.map((us) => us.toFixed(1)).join(' + ')
    const perSecond = Math.round((answers / elapsedMs) * 1_000)
    console.log(
      `${transport.padEnd(10)} ${workers} ${round.padEnd(6)} ${sum.toFixed(1).padStart(6)} µs an answer: ${parts}; ${perSecond}/s`,
    )
  }
  const memory = [...new Set([serve.pid as number, ...nodes])].reduce((sum, pid) => sum + memoryOf(pid), 0)
  console.log(`${transport.padEnd(10)} ${workers} memory of all processes: ${Math.round(memory)} MB`)
  serve.kill('SIGTERM')
  await once(serve, 'exit')
  redis?.kill('SIGKILL')
  rmSync(home, { recursive: true })
}

/** Megabytes; a page that several processes share counts once over all of them. */
function memoryOf(pid: number): number {
  const [, kib = '0'] = /^Pss: +(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? []
  return Number(kib) / 1_024
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
