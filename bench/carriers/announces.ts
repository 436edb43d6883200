/**
 * Time of an announce while the node carries content at full speed, beside the same node without content. The node is the
 * built program; its carriers run in a child process of it, as always.
 *
 * Two runs: once with the processors shared by all, and once with the node and the announces on the first processor, and the
 * carriers and their clients on the others. On two processors the first run shows mostly the load of the clients.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import { type Answers, HonestClients, httpAnnounce, percentile } from '../hostile/honest-clients.ts'
import { metricOf, registerZeros, type ServedNode, serveNode } from '../hostile/served-node.ts'
import { type Clients, startClients } from './clients.ts'
import { PIECE_BYTES } from './content.ts'

const RATE = 500
/** Few enough that dials of their closed ports do not matter. */
const HONEST = { clients: 50, torrents: 4 }
const WARM_UP_SECONDS = 5
/** More than a core passes on within the runs. */
const PIECES = 65_536
const START_MS_MAX = 10_000
/** Of content between two sites, for both of which the node carries. */
const CARRIED_BYTES = 'siteswarm_relayed_bytes_total'
/** The node carries from fra to nyc. The honest clients are in ams, which it does not carry for. */
const TOPOLOGY = `  nyc: { cidrs: [127.3.0.0/16], trackers: ["http://127.0.0.1:9/announce"] }
links:
  - { between: [fra, ams], carry: direct }
  - { between: [nyc, ams], carry: direct }
`

export async function measureAnnounces(seconds: number): Promise<void> {
  const node = await serveNode('', { connections: 4_096, topology: TOPOLOGY })
  const honest = new HonestClients(node, HONEST)
  try {
    await honest.open()
    await honest.announce(RATE, WARM_UP_SECONDS)
    const quiet = await honest.announce(RATE, seconds)
    const infoHash = await registerZeros(node, { pieces: PIECES, pieceBytes: PIECE_BYTES })
    const clients = await startClients('0.0.0.0', PIECES, infoHash)
    try {
      await begin(node, infoHash, clients)
      await compare(node, honest, { quiet, seconds, name: 'processors shared' })
      if (availableParallelism() < 2) return
      const carriers = childrenOf(node.process.pid ?? 0)
      const others = `1-${availableParallelism() - 1}`
      for (const pid of [node.process.pid ?? 0, process.pid]) pin(pid, '0')
      for (const pid of [...carriers, clients.processId]) pin(pid, others)
      await compare(node, honest, { quiet, seconds, name: 'carriers on other processors' })
    } finally {
      clients.stop()
    }
  } finally {
    honest.close()
    await node.stop()
  }
}

/** The source announces in fra and the host in nyc. Resolves once content arrives. */
async function begin(node: ServedNode, infoHash: Buffer, { sourcePort, hostPort }: Clients): Promise<void> {
  await httpAnnounce(node, '127.1.1.1', infoHash, 1, { port: sourcePort, left: 0 })
  await httpAnnounce(node, '127.3.1.2', infoHash, 2, { port: hostPort, left: PIECES * PIECE_BYTES })
  for (let waitedMs = 0; (await metricOf(node, CARRIED_BYTES)) === 0; waitedMs += 100) {
    if (waitedMs >= START_MS_MAX) throw new Error('the node carries nothing')
    await delay(100)
  }
}

async function compare(
  node: ServedNode,
  honest: HonestClients,
  { quiet, seconds, name }: { readonly quiet: Answers; readonly seconds: number; readonly name: string },
): Promise<void> {
  const before = await metricOf(node, CARRIED_BYTES)
  const busy = await honest.announce(RATE, seconds)
  const bits = ((await metricOf(node, CARRIED_BYTES)) - before) * 8
  const p99 = (answers: Answers) => percentile(answers.tookMs, 0.99)
  console.log(
    `${RATE} announces/s, ${name}: p50 ${percentile(busy.tookMs, 0.5).toFixed(2)} p99 ${p99(busy).toFixed(2)} ms ` +
      `beside ${(bits / seconds / 1e9).toFixed(2)} Gbit/s; quiet p50 ${percentile(quiet.tookMs, 0.5).toFixed(2)} ` +
      `p99 ${p99(quiet).toFixed(2)} ms (p99 × ${(p99(busy) / p99(quiet)).toFixed(1)}); ${busy.missing} not answered`,
  )
}

const pin = (pid: number, processors: string) => void spawnSync('taskset', ['-acp', processors, `${pid}`])

function childrenOf(pid: number): number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').trim()
  return text === '' ? [] : text.split(' ').map(Number)
}
