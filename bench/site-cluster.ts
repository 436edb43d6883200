/**
 * Two nodes of a site with a real Redis: replication delay of a peer from one node to the other under a given load, replay
 * time of a new node, and memory of Redis. The same bytes with XADD and XREAD alone are measured beside it in the same run.
 *
 * A node here is the real tracker, replica and store in its own process, without sockets for clients. A probe is
 * a new peer; both processes read the same monotonic clock. Needs redis-server.
 *
 * Usage: site-cluster [announces per second, default 5000] [live peers to replay, default 1000000]
 */
import { SiteAuthority } from '../src/topology/site-authority.ts'
import { CurrentTopology } from '../src/topology/current-topology.ts'
import { type ChildProcess, fork, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { Address } from '../src/core/address.ts'
import { systemClock } from '../src/core/clock.ts'
import { SeededRandom, systemSecret } from '../src/core/random.ts'
import { isStoreUrlProblem, readStoreUrl } from '../src/core/store-url.ts'
import { noMetrics } from '../src/core/tracker-metrics.ts'
import { OverrideFile } from '../src/replication/override-file.ts'
import { TorrentDirectory } from '../src/replication/torrent-directory.ts'
import { RedisStore } from '../src/replication/redis/redis-store.ts'
import { SwarmTable } from '../src/swarm/swarm-table.ts'
import { SwarmReplica } from '../src/replication/swarm-replica.ts'
import { Tracker } from '../src/tracker/tracker.ts'
import { aTopology } from '../test/a-topology.ts'

const RATE = Number(process.argv[2] ?? '5000')
const PEERS = Number(process.argv[3] ?? '1000000')
const SECONDS = 10
const PROBE_EVERY_MS = 5
const PEERS_PER_SWARM = 1_000
/** Sizes of a record and of the batch header, for the reference. */
const RECORD_BYTES = 60
/** Announces that a busy node receives in one turn of its event loop. */
const ANNOUNCES_A_TURN = 8
const LIFETIME_MS = 3_630_000

const PROBES = Buffer.alloc(20, 'probes')
const nowMs = () => Number(process.hrtime.bigint()) / 1e6

type Order =
  | { readonly do: 'speak' | 'listen' | 'speak-bare' | 'listen-bare' }
  | { readonly do: 'fill'; readonly peers: number }
  | { readonly do: 'replay' | 'replay-bare' | 'end' }

const [role, port] = [process.argv[2], Number(process.argv[3])]
if (role === 'node') work()
else await measure()

function work(): void {
  process.on('message', (order: Order) => {
    if (order.do === 'end') process.exit()
    const done = {
      speak,
      listen,
      'speak-bare': speakBare,
      'listen-bare': listenBare,
      fill: () => fill((order as { peers: number }).peers),
      replay,
      'replay-bare': replayBare,
    }[order.do]()
    void done.then((figures) => process.send?.(figures))
  })
  process.on('disconnect', () => process.exit())
}

function aNode() {
  const topology = aTopology()
  const random = new SeededRandom(process.pid)
  const target = readStoreUrl(`redis://127.0.0.1:${port}`)
  if (isStoreUrlProblem(target)) throw new Error(target.message)
  const log = { debug: () => {}, info: () => {}, warn: console.error, error: console.error }
  const directory = join(tmpdir(), 'siteswarm-bench-no-torrents')
  const describe = () => ({ infoHashes: [], name: '', sizeBytes: 0 })
  const store = new RedisStore({
    target,
    site: 'fra',
    lifetimeMs: LIFETIME_MS,
    mirror: new TorrentDirectory({ directory, describe, isRequired: false, clock: systemClock, log }),
    check: (torrent) => torrent,
    mirrorDirectory: directory,
    overrides: new OverrideFile({ path: join(directory, 'overrides.json'), log }),
    clock: systemClock,
    random,
    newSecret: systemSecret,
    log,
  })
  const table = new SwarmTable(topology.places.map((place) => place.site.index))
  const { clock, leases, completions } = store
  const parts = {
    table,
    topology: new CurrentTopology(topology),
    authority: new SiteAuthority(),
    clock,
    random,
  }
  const replica = new SwarmReplica({ ...parts, log: store.log, completions })
  const tracker = new Tracker({
    ...parts,
    metrics: noMetrics,
    admission: { admits: () => true },
    leases,
    replica,
    interval: { secondsMin: 60, secondsMax: 1800 },
  })
  return { store, table, replica, tracker }
}

function announce(tracker: Tracker, infoHash: Buffer, index: number): void {
  const peerId = Buffer.alloc(20, '-XX0000-')
  peerId.writeUInt32BE(index, 12)
  const request = {
    infoHash,
    peerId,
    port: 1024 + (index >>> 16),
    downloadedBytes: 0,
    uploadedBytes: 0,
    leftBytes: 0,
    event: 'none' as const,
    peersWanted: undefined,
    key: Buffer.alloc(0),
  }
  void tracker.announce(request, Address.v4(0x7f01_0000 + (index & 0xffff)), 'http')
}

function infoHashOf(index: number): Buffer {
  const infoHash = Buffer.alloc(20)
  infoHash.writeUInt32BE(Math.floor(index / PEERS_PER_SWARM), 0)
  return infoHash
}

/** Calls `announces` at the given rate, and `probe` in between, for the duration of a round. */
async function atRate(announces: (count: number) => void, probe: (index: number) => void): Promise<number[]> {
  const sentMs: number[] = []
  const startMs = nowMs()
  let done = 0
  for (let passedMs = 0; passedMs < SECONDS * 1000; passedMs = nowMs() - startMs) {
    const due = Math.floor((passedMs / 1000) * RATE)
    if (due > done) announces(due - done)
    done = Math.max(done, due)
    if (passedMs >= sentMs.length * PROBE_EVERY_MS) {
      sentMs.push(nowMs())
      probe(sentMs.length - 1)
    }
    await pause(1)
  }
  return sentMs
}

async function speak(): Promise<number[]> {
  const { store, replica, tracker } = aNode()
  await store.open(replica)
  let next = 0
  const sentMs = await atRate(
    (count) => {
      for (let left = count; left > 0; left--) announce(tracker, infoHashOf(next), next++)
    },
    (index) => announce(tracker, PROBES, index),
  )
  await store.close()
  return sentMs
}

/** Arrival time of each probe, until a second passes without one. */
async function listen(): Promise<number[]> {
  const { store, replica, table } = aNode()
  const knownMs: number[] = []
  const apply = replica.apply.bind(replica)
  replica.apply = (batch) => {
    apply(batch)
    const known = table.swarm(PROBES)?.rows ?? 0
    while (knownMs.length < known) knownMs.push(nowMs())
  }
  await store.open(replica)
  process.send?.('ready')
  await quiet(knownMs)
  await store.close()
  return knownMs
}

async function quiet(knownMs: readonly number[]): Promise<void> {
  while (knownMs.length === 0 || nowMs() - (knownMs.at(-1) as number) < 1_000) await pause(100)
}

async function speakBare(): Promise<number[]> {
  const client = new Redis({ port })
  let waiting = 0
  const send = (probe: string) => {
    const bytes = Buffer.alloc(Math.max(1, waiting) * RECORD_BYTES)
    waiting = 0
    return client.xadd('bare', 'MINID', '~', Date.now() - LIFETIME_MS, '*', 'b', bytes, 'p', probe)
  }
  const sentMs = await atRate(
    (count) => {
      waiting += count
      void send('')
    },
    (index) => void send(String(index)),
  )
  await client.quit()
  return sentMs
}

async function listenBare(): Promise<number[]> {
  const client = new Redis({ port })
  const knownMs: number[] = []
  let last = '$'
  const over = new AbortController()
  const read = async () => {
    while (!over.signal.aborted) {
      const reply = (await client.callBuffer(
        'xread',
        'BLOCK',
        500,
        'COUNT',
        1000,
        'STREAMS',
        'bare',
        last,
      )) as [Buffer, [Buffer, Buffer[]][]][] | null
      for (const [id, fields] of reply?.[0]?.[1] ?? []) {
        last = id.toString()
        if ((fields[3]?.length ?? 0) > 0) knownMs.push(nowMs())
      }
    }
  }
  const reading = read()
  process.send?.('ready')
  await quiet(knownMs)
  over.abort()
  await reading
  client.disconnect()
  return knownMs
}

async function fill(peers: number): Promise<number[]> {
  const { store, replica, tracker } = aNode()
  await store.open(replica)
  for (let index = 0; index < peers; index++) {
    announce(tracker, infoHashOf(index), index)
    if (index % ANNOUNCES_A_TURN === 0) await nextTurn()
    // Waits for each write: the measurement is of the data in Redis.
    while (store.state.backlogBytes > 1_000_000) await pause(1)
  }
  await store.close()
  return []
}

/** Milliseconds until a new node is caught up, and its number of peers then. */
async function replay(): Promise<number[]> {
  const { store, replica, table } = aNode()
  const startMs = nowMs()
  await store.open(replica)
  const figures = [nowMs() - startMs, table.rows.live]
  await store.close()
  return figures
}

async function replayBare(): Promise<number[]> {
  const client = new Redis({ port })
  const startMs = nowMs()
  let [last, count] = ['0-0', 0]
  for (;;) {
    const reply = (await client.callBuffer(
      'xread',
      'COUNT',
      1000,
      'STREAMS',
      'siteswarm:{fra}:log',
      last,
    )) as [Buffer, [Buffer, Buffer[]][]][] | null
    const entries = reply?.[0]?.[1] ?? []
    if (entries.length === 0) break
    count += entries.length
    last = entries.at(-1)?.[0].toString() ?? ''
  }
  const figures = [nowMs() - startMs, count]
  client.disconnect()
  return figures
}

async function measure(): Promise<void> {
  const redis = await startRedis()
  const requester = new Redis({ port: redis.port })
  try {
    console.log(`replication, ${RATE} announces/s for ${SECONDS} s     p50       p99       max   probes`)
    for (const [name, listening, speaking] of [
      ['two nodes', 'listen', 'speak'],
      ['XADD, XREAD', 'listen-bare', 'speak-bare'],
      ['two nodes', 'listen', 'speak'],
      ['XADD, XREAD', 'listen-bare', 'speak-bare'],
    ] as const) {
      await requester.flushall()
      const delays = await delaysBetween(redis.port, { do: listening }, { do: speaking })
      const at = (share: number) =>
        `${(delays[Math.min(delays.length - 1, Math.floor(delays.length * share))] ?? NaN).toFixed(1)} ms`.padStart(
          9,
        )
      console.log(`${name.padEnd(45)}${at(0.5)} ${at(0.99)} ${at(1)} ${String(delays.length).padStart(8)}`)
    }

    await requester.flushall()
    const before = await memoryOf(requester)
    await inProcess(redis.port, { do: 'fill', peers: PEERS })
    const bytes = (await memoryOf(requester)) - before
    const entries = await requester.xlen('siteswarm:{fra}:log')
    console.log(
      `\nRedis: ${PEERS} announces in ${entries} entries take ${(bytes / PEERS).toFixed(1)} bytes each`,
    )
    const perSecond = (RATE * (LIFETIME_MS / 1000) * bytes) / PEERS / 2 ** 20
    console.log(`       at ${RATE}/s for a lifetime of ${LIFETIME_MS / 1000} s: ${perSecond.toFixed(0)} MiB`)

    console.log('\nreplay                     ms')
    for (let round = 0; round < 2; round++) {
      const [ms = NaN, known] = await inProcess(redis.port, { do: 'replay' })
      console.log(`a new node          ${ms.toFixed(0).padStart(9)}   ${known} peers`)
      const [bareMs = NaN] = await inProcess(redis.port, { do: 'replay-bare' })
      console.log(`XREAD, discarded    ${bareMs.toFixed(0).padStart(9)}`)
    }
  } finally {
    requester.disconnect()
    redis.stop()
  }
}

async function memoryOf(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1])
}

async function delaysBetween(redisPort: number, listening: Order, speaking: Order): Promise<number[]> {
  const listener = aProcess(redisPort)
  listener.send(listening)
  await once(listener, 'message')
  const message = once(listener, 'message')
  const sentMs = await inProcess(redisPort, speaking)
  const [knownMs] = (await message) as [number[]]
  listener.send({ do: 'end' })
  return knownMs.map((known, index) => known - (sentMs[index] ?? NaN)).toSorted((a, b) => a - b)
}

async function inProcess(redisPort: number, order: Order): Promise<number[]> {
  const child = aProcess(redisPort)
  child.send(order)
  const [figures] = (await once(child, 'message')) as [number[]]
  child.send({ do: 'end' })
  return figures
}

function aProcess(redisPort: number): ChildProcess {
  return fork(fileURLToPath(import.meta.url), ['node', String(redisPort)])
}

async function startRedis(): Promise<{ readonly port: number; stop(): void }> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port: free } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const directory = mkdtempSync(join(tmpdir(), 'siteswarm-bench-'))
  const args = ['--port', String(free), '--save', '', '--appendonly', 'no', '--dir', directory]
  const child = spawn('redis-server', args, { stdio: 'ignore' })
  await once(child, 'spawn')
  return {
    port: free,
    stop: () => {
      child.kill('SIGKILL')
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
