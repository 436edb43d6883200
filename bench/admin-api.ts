/**
 * Lists, pages, searches and registrations of the admin API on a node with many torrents and peers, while clients announce;
 * and the announces themselves, beside those of the same run without a request to the admin API.
 *
 * The node is the built program with the memory store. Registered torrents and swarms are different torrents: both
 * collections have the given size. The load is half of what fills the node, so that a machine of two cores has room for it.
 * Rounds without and with requests alternate, because the machine is noisy; `quiet` and `busy` are the 99th percentiles of the
 * announces of all rounds of a kind.
 *
 * Needs the built program (`npm run build`).
 *
 * Usage: admin-api [torrents, default 100000] [peers, default 1000000] [announces a second, default 1000] [rounds, default 6]
 */
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { elapsedMs } from '../src/core/clock.ts'
import { formatNote } from '../src/registry/registration.ts'
import { writeDescription } from '../src/replication/torrent-description.ts'
import { Load } from './peers/load.ts'
import { freePort } from './peers/servers.ts'

const PROGRAM = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const [TORRENTS, PEERS, ANNOUNCES, ROUNDS] = [100_000, 1_000_000, 1_000, 6].map((otherwise, index) =>
  Number(process.argv[2 + index] ?? otherwise),
) as [number, number, number, number]
const ROUND_MS = 5_000
const START_DEADLINE_MS = 600_000

const home = mkdtempSync(join(tmpdir(), 'siteswarm-admin-api-'))
const directory = join(home, 'torrents')
mkdirSync(directory)
for (let index = 0; index < TORRENTS; index++) writeTorrent(index)

const [http, admin] = [await freePort(), await freePort()]
const serve = spawn(process.execPath, [PROGRAM, 'serve', '--json'], {
  env: {
    ...process.env,
    SITESWARM_LISTEN_HTTP: `127.0.0.1:${http}`,
    SITESWARM_LISTEN_UDP: `127.0.0.1:${await freePort()}`,
    SITESWARM_LISTEN_ADMIN: `127.0.0.1:${admin}`,
    SITESWARM_OBSERVE_CONNECTIONS: '0',
    SITESWARM_DATA_DIRECTORY: home,
    SITESWARM_TORRENTS_DIRECTORY: directory,
    SITESWARM_LIMITS_TORRENTS_PER_SOURCE: '1000000',
    SITESWARM_LIMITS_REQUESTS_PER_SOURCE: '1000000',
    SITESWARM_LOG_LEVEL: 'error',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
})
process.on('exit', () => {
  serve.kill('SIGKILL')
  rmSync(home, { recursive: true, force: true })
})
await once(serve.stdout, 'data')
await until('the torrents are registered', async () => (await total('torrents')) === TORRENTS)
const load = new Load('keep-alive', http, {
  torrents: TORRENTS,
  peersPerTorrent: Math.ceil(PEERS / TORRENTS),
})
await load.run({ peers: PEERS })
console.log(`${await total('torrents')} registered torrents, ${await total('swarms')} swarms, ${PEERS} peers`)

const quiet: number[] = []
const busy: number[] = []
const requests = new Map<string, number[]>()
let registered = 0
for (let round = 0; round < ROUNDS; round++) {
  quiet.push(...(await announceFor(ROUND_MS)))
  const stop = new AbortController()
  const reading = readRoutes(stop.signal)
  busy.push(...(await announceFor(ROUND_MS)))
  stop.abort()
  await reading
}
for (const [route, times] of requests)
  console.log(
    `${route.padEnd(26)} ${times.length} answers, p50 ${ms(percentile(times, 0.5))}, p99 ${ms(percentile(times, 0.99))}`,
  )
const [before, during] = [percentile(quiet, 0.99), percentile(busy, 0.99)]
console.log(
  `announces                  p99 quiet ${ms(before)}, busy ${ms(during)}: ${(during / before).toFixed(2)} of quiet`,
)
process.exit()

/**
 * One request at a time, as a dashboard sends them: the first page, the next one, and a search in each collection. Each turn
 * begins with a registration, so that the lists after it are those of a changed registry.
 */
async function readRoutes(signal: AbortSignal): Promise<void> {
  for (let turn = 0; !signal.aborted; turn++) {
    const { bytes } = aTorrent(TORRENTS + registered++)
    await timed('registration', 'torrents', {
      method: 'POST',
      headers: { 'content-type': 'application/x-bittorrent' },
      body: new Uint8Array(bytes),
    })
    for (const collection of ['torrents', 'swarms', 'rollouts']) {
      const { next } = (await timed(`${collection} first page`, collection)) as { next: string }
      await timed(`${collection} next page`, `${collection}?after=${next}`)
      await timed(`${collection} search`, `${collection}?q=${(turn % 256).toString(16).padStart(2, '0')}`)
      if (collection === 'rollouts') await timed('rollouts by state', 'rollouts?state=running')
    }
  }
}

async function timed(name: string, path: string, init?: RequestInit): Promise<unknown> {
  const startMs = elapsedMs()
  const answer = await get(path, init)
  const times = requests.get(name)
  if (times === undefined) requests.set(name, [elapsedMs() - startMs])
  else times.push(elapsedMs() - startMs)
  return answer
}

async function get(path: string, init?: RequestInit): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${admin}/api/v1/${path}`, init)
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return response.json()
}

async function total(collection: string): Promise<number> {
  return ((await get(`${collection}?limit=1`)) as { total: number }).total
}

async function announceFor(forMs: number): Promise<Float64Array> {
  load.rewind()
  return (await load.run({ forMs, perSecond: ANNOUNCES })).latencies
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const startMs = elapsedMs()
  while (!(await holds())) {
    if (elapsedMs() - startMs > START_DEADLINE_MS) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }
}

/** Bencoded, with the fewest keys that a torrent of one piece has. */
function aTorrent(index: number) {
  const name = `image ${index}`
  const pieces = createHash('sha1').update(name).digest()
  const head = `d6:lengthi16384e4:name${name.length}:${name}12:piece lengthi16384e6:pieces20:`
  const info = Buffer.concat([Buffer.from(head), pieces, Buffer.from('7:privatei1ee')])
  const infoHash = createHash('sha1').update(info).digest()
  const announce = Buffer.from('d8:announce27:http://t.example:6969/an/ab4:info')
  return { name, infoHash, bytes: Buffer.concat([announce, info, Buffer.from('e')]) }
}

/** With its description, as a registration writes both. */
function writeTorrent(index: number): void {
  const { name, infoHash, bytes } = aTorrent(index)
  const metadata = { infoHashV1: infoHash.toString('hex'), infoHashV2: null, isPrivate: true }
  const note = formatNote(metadata, { pieces: 1, origin: undefined })
  const registeredAtMs = Date.UTC(2020, 0, 1) + index
  const torrent = { infoHashes: [infoHash], name, sizeBytes: 16_384, registeredAtMs, note }
  const path = join(directory, metadata.infoHashV1)
  writeFileSync(`${path}.json`, writeDescription(torrent))
  writeFileSync(`${path}.torrent`, bytes)
}

function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

function ms(value: number): string {
  return `${value.toFixed(1)} ms`
}
