/**
 * Cost of observing one large site, and the time of an announce beside it: clients of one torrent that download at the same
 * time, each a real socket on a loopback address of its own. The node is the built program; its sites have gateways, so that
 * observers and not carriers connect to the clients.
 *
 * One line for each number of connections: CPU time of the node without the announces that it also answers when quiet, memory,
 * the time of an announce when quiet and beside the clients, the longest time that a client is not contacted, and how far
 * the progress that the API reports is behind the clients. The clients and the announces share the processors with the
 * node. Takes three minutes and a half.
 *
 * Run `npm run build` first.
 *
 * Usage: observers [--clients 3000] [--pieces 10000] [--connections 0,4096,500] [--seconds N]
 *   --seconds   time of the measurement, for each number of connections. Default: 20, and 75 where clients are polled
 */
import { parseArgs } from 'node:util'
import { systemClock } from '../src/core/clock.ts'
import { type Answers, HonestClients, percentile } from './hostile/honest-clients.ts'
import { cpuSeconds, memoryMiB, registerZeros, type ServedNode, serveNode } from './hostile/served-node.ts'
import {
  clientOf,
  type Contacts,
  type Downloads,
  type ObservedClients,
  shareAt,
  startClients,
} from './observers/clients.ts'

const RATE = 500
/** Few enough that dials of their closed ports do not matter. */
const HONEST = { clients: 50, torrents: 4 }
const WARM_UP_SECONDS = 3
const QUIET_SECONDS = 10
const START_MS = 10_000
/** Of each download, longer than any measurement. */
const DOWNLOAD_SECONDS = 120
const PIECE_BYTES = 65_536
const PAGE_PEERS = 1_000
/** Each client is contacted at least once a minute. */
const CONTACT_MS_MAX = 60_000
const TOPOLOGY = 'links: [{ between: [fra, ams], carry: direct }]\n'

const { values } = parseArgs({
  options: {
    clients: { type: 'string', default: '3000' },
    pieces: { type: 'string', default: '10000' },
    connections: { type: 'string', default: '0,4096,500' },
    seconds: { type: 'string' },
  },
})
const downloads: Downloads = {
  clients: Number(values.clients),
  pieces: Number(values.pieces),
  pieceBytes: PIECE_BYTES,
  seconds: DOWNLOAD_SECONDS,
  startMs: START_MS,
}

async function measure(connections: number): Promise<void> {
  const isPolled = connections > 0 && connections < downloads.clients
  const seconds = Number(values.seconds ?? (isPolled ? '75' : '20'))
  const node = await serveNode('', { connections, topology: TOPOLOGY })
  const honest = new HonestClients(node, HONEST)
  try {
    await honest.open()
    const infoHash = await registerZeros(node, downloads)
    await honest.announce(RATE, WARM_UP_SECONDS)
    const quiet = await withCpu(node, () => honest.announce(RATE, QUIET_SECONDS))
    const quietMiB = memoryMiB(node.process, 'VmRSS')
    const clients = await startClients(node.http.announce, infoHash, downloads)
    try {
      await clients.announced
      const busy = await withCpu(node, () => honest.announce(RATE, seconds))
      const memory = memoryMiB(node.process, 'VmRSS') - quietMiB
      console.log(
        `observe.connections ${connections}: ${(100 * (busy.cores - quiet.cores)).toFixed(1)} % of a core, ` +
          `${memory.toFixed(0)} MiB; announces ${describe(quiet.answers)} quiet, ${describe(busy.answers)} beside ` +
          `(p99 × ${(p99(busy.answers) / p99(quiet.answers)).toFixed(1)})`,
      )
      if (connections === 0) return
      printContacts(await clients.contacts())
      await printDelays(node, infoHash, clients)
    } finally {
      clients.stop()
    }
  } finally {
    honest.close()
    await node.stop()
  }
}

async function withCpu(node: ServedNode, announce: () => Promise<Answers>) {
  const [before, startedMs] = [cpuSeconds(node.process), systemClock.nowMs()]
  const answers = await announce()
  const tookSeconds = (systemClock.nowMs() - startedMs) / 1_000
  return { answers, cores: (cpuSeconds(node.process) - before) / tookSeconds }
}

const p99 = ({ tookMs }: Answers) => percentile(tookMs, 0.99)
const describe = (answers: Answers) =>
  `p50 ${percentile(answers.tookMs, 0.5).toFixed(2)} p99 ${p99(answers).toFixed(2)} ms` +
  (answers.missing === 0 ? '' : `, ${answers.missing} not answered`)

function printContacts({ connections, handshakes, longestMs }: Contacts): void {
  const late = longestMs.filter((gapMs) => gapMs > CONTACT_MS_MAX).length
  console.log(
    `  ${connections} connections, ${handshakes} handshakes; longest time without contact ` +
      `${inSeconds(longestMs)}; ${late} clients above a minute`,
  )
}

/** Progress as the API reports it, beside that of the clients at the same time. */
async function printDelays({ admin }: ServedNode, infoHash: Buffer, { startedMs }: ObservedClients) {
  const behindMs: number[] = []
  let unknown = 0
  for (let after: number | null = -1; after !== null;) {
    const query = after < 0 ? '' : `&after=${after}`
    const path = `/api/v1/swarms/${infoHash.toString('hex')}/peers?limit=${PAGE_PEERS}${query}`
    const response = await fetch(`${admin}${path}`)
    const sinceMs = systemClock.nowMs() - startedMs
    const page = (await response.json()) as {
      readonly peers: readonly {
        readonly address: string
        readonly percent: number
        readonly observedAt: unknown
      }[]
      readonly next: number | null
    }
    for (const { address, percent, observedAt } of page.peers) {
      if (observedAt === null) unknown++
      else
        behindMs.push(
          (shareAt(clientOf(address), downloads, sinceMs) - percent / 100) * DOWNLOAD_SECONDS * 1_000,
        )
    }
    after = page.next
  }
  const most = (100 * percentile(behindMs, 1)) / (DOWNLOAD_SECONDS * 1_000)
  console.log(
    `  the API is behind the clients by ${inSeconds(behindMs)}, ${most.toFixed(1)} % at most; ` +
      `${unknown} were never observed`,
  )
}

function inSeconds(durationsMs: readonly number[]): string {
  const at = (share: number) => (percentile(durationsMs, share) / 1_000).toFixed(1)
  return `${at(0.5)} s (median), ${at(0.99)} s (99 %), ${at(1)} s (most)`
}

console.log(`${downloads.clients} clients, ${downloads.pieces} pieces, ${RATE} announces/s beside them`)
for (const connections of values.connections.split(',').map(Number)) await measure(connections)
