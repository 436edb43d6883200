/**
 * A node with a real Redis: announces with churn, reloads, restarts of Redis that lose its data, scrapes. The node is the
 * built program.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { HonestClients, percentile } from './honest-clients.ts'
import { fetched, freePort, memoryMiB, metricOf, type ServedNode, serveNode } from './served-node.ts'

const CLIENTS = 200
const TORRENTS = 20
export const SEEDS = (CLIENTS / 5) * TORRENTS
const ROUNDS_MAX = 5

export interface Soak {
  announced: number
  refused: number
  /** Not answered within five seconds. */
  missing: number
  readonly seedsBefore: number
  seedsAfter: number
  /** Bytes of the heap of V8 that are in use, after each part. */
  readonly heaps: number[]
}

/** In parts of this many seconds, each with one fault. `print`: a line after each part. */
export async function soak(
  { parts, seconds, rate }: { readonly parts: number; readonly seconds: number; readonly rate: number },
  print: (line: string) => void,
): Promise<Soak> {
  const directory = mkdtempSync(join(tmpdir(), 'siteswarm-soak-'))
  const redis = new LossyRedis(await freePort(), directory)
  await redis.start()
  const node = await serveNode(`store: redis://127.0.0.1:${redis.port}\n`)
  const clients = new HonestClients(node, { clients: CLIENTS, torrents: TORRENTS })
  await clients.open()
  try {
    // Each seed of each torrent announces before the counts begin; again if datagrams were lost.
    let seedsBefore = 0
    for (let round = 0; round < ROUNDS_MAX && seedsBefore < SEEDS; round++) {
      await clients.announce(rate, (CLIENTS * TORRENTS) / rate)
      seedsBefore = await seedsOf(node)
    }
    const result: Soak = { announced: 0, refused: 0, missing: 0, seedsBefore, seedsAfter: 0, heaps: [] }
    for (let part = 0; part < parts; part++) {
      const fault = disturb(node, redis, part, seconds)
      const answers = await clients.announce(rate, seconds)
      await fault
      result.refused += answers.refused
      result.missing += answers.missing
      result.announced += answers.tookMs.length + answers.refused + answers.missing
      const heap = await metricOf(node, 'nodejs_heap_size_used_bytes')
      result.heaps.push(heap)
      print(
        `${(((part + 1) * seconds) / 60).toFixed(1)} min: heap ${(heap / (1 << 20)).toFixed(1)} MiB, ` +
          `resident ${memoryMiB(node.process, 'VmRSS').toFixed(0)} MiB, ` +
          `p99 ${percentile(answers.tookMs, 0.99).toFixed(1)} ms, ` +
          `${answers.refused} refused, ${answers.missing} not answered`,
      )
    }
    result.seedsAfter = await seedsOf(node)
    return result
  } finally {
    clients.close()
    await node.stop()
    await redis.stop()
    rmSync(directory, { recursive: true, force: true })
  }
}

/** By turns: a reload, scrapes, a restart of Redis, peers that arrive and stop. */
async function disturb(node: ServedNode, redis: LossyRedis, part: number, seconds: number): Promise<void> {
  await pause(seconds * 300)
  if (part % 4 === 0) await fetched(`${node.admin}/api/v1/reload`, 'POST')
  else if (part % 4 === 1) for (let scrape = 0; scrape < 50; scrape++) await fetched(`${node.admin}/metrics`)
  else if (part % 4 === 2) {
    await redis.stop()
    await pause(500)
    await redis.start()
  } else await churn(node)
}

async function churn(node: ServedNode): Promise<void> {
  for (let client = 0; client < 100; client++)
    for (const event of ['started', 'stopped']) {
      const peer = `peer_id=-LT2080-churn${String(client).padStart(7, '0')}&port=${7_000 + client}&left=1000`
      const url = `${node.http.announce}?info_hash=${'%55'.repeat(20)}&${peer}&event=${event}`
      await fetched(url)
    }
}

function seedsOf(node: ServedNode): Promise<number> {
  return metricOf(node, 'siteswarm_peers{site="ams",bubble="-",role="seed"')
}

/** Keeps nothing on disk: each restart loses all data. */
class LossyRedis {
  readonly port: number
  readonly #directory: string
  #process: ChildProcess | undefined

  constructor(port: number, directory: string) {
    this.port = port
    this.#directory = directory
  }

  async start(): Promise<void> {
    const flags = ['--port', String(this.port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
    const child = spawn('redis-server', [...flags, '--dir', this.#directory], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    this.#process = child
    await new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('eady to accept')) resolve()
      })
    })
  }

  async stop(): Promise<void> {
    const child = this.#process
    this.#process = undefined
    if (child === undefined || child.exitCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGKILL')
    await exited
  }
}
