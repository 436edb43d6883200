/**
 * Floods beside 500 honest announces a second, half over UDP and half over HTTP on connections of their own: the time of
 * an honest announce quiet and under each flood, honest announces that are refused or not answered, honest swarms that
 * are evicted, and the processor time and memory of the node.
 *
 * The node is the built program (`npm run build`) with the default limits, and with a small table for the last two. Each
 * flood has a process of its own; all stay on loopback, and end at their time. Ratios need a quiet machine.
 *
 * Usage: floods [seconds a flood, default 60] [names, separated by commas; default all]
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { floods, type Target } from './hostile/flood-kinds.ts'
import {
  addressOf,
  type Answers,
  HonestClients,
  honestTorrent,
  httpAnnounce,
  percentile,
} from './hostile/honest-clients.ts'
import { cpuSeconds, memoryMiB, type ServedNode, serveNode } from './hostile/served-node.ts'

const RATE = 500
const CLIENTS = 250
const TORRENTS = 100
/** Torrents with one seed, which announces once, before the floods. */
const RESTING = 200
/** Room for the honest, and for little else. */
const SMALL = 'limits: { torrents: 2000, peers: 40000 }\n'

const cases = [
  ...Object.keys(floods).map((flood) => ({ name: flood, flood, limits: '' })),
  { name: 'table-full-torrents', flood: 'infohashes', limits: SMALL },
  { name: 'table-full-peers', flood: 'ports', limits: SMALL },
]

const [role, second, third] = process.argv.slice(2)
if (role === 'flood') {
  const [, , , flood = '', seconds, target = ''] = process.argv
  await floods[flood]?.(JSON.parse(target) as Target, Number(seconds))
  process.exit()
} else await compare(Number(role ?? '60'), second?.split(','))

async function compare(seconds: number, names: readonly string[] | undefined): Promise<void> {
  if (third !== undefined) throw new Error('names are one argument, separated by commas')
  console.log('limits: the defaults; table-full: 2,000 torrents, 40,000 peers; documented ceiling of memory:')
  console.log('64 bytes a peer and 1 KiB a torrent of the limits, above the memory of the quiet node')
  for (const each of cases.filter(({ name }) => names?.includes(name) ?? true)) await run(each, seconds)
}

async function run({ name, flood, limits }: (typeof cases)[number], seconds: number): Promise<void> {
  const node = await serveNode(limits)
  const honest = new HonestClients(node, { clients: CLIENTS, torrents: TORRENTS })
  await honest.open()
  for (let torrent = 0; torrent < RESTING; torrent++)
    await httpAnnounce(node, addressOf(5 * (torrent % 50)), honestTorrent(10_000 + torrent), 0)
  await honest.announce(RATE, Math.min(seconds, 5))
  const startCpu = cpuSeconds(node.process)
  const quiet = await honest.announce(RATE, seconds)
  const quietCpu = cpuSeconds(node.process)
  const quietMiB = memoryMiB(node.process, 'VmHWM')
  const target: Target = { httpPort: node.http.port, udpPort: node.udpPort }
  const child = fork(fileURLToPath(import.meta.url), [
    'flood',
    flood,
    String(seconds),
    JSON.stringify(target),
  ])
  const ended = once(child, 'exit')
  const flooded = await honest.announce(RATE, seconds)
  const cpuShares = [quietCpu - startCpu, cpuSeconds(node.process) - quietCpu].map((used) => used / seconds)
  await ended
  const evicted = RESTING - (await restingSeeds(node))
  report(name, quiet, flooded, { evicted, cpuShares, quietMiB, peakMiB: memoryMiB(node.process, 'VmHWM') })
  honest.close()
  await node.stop()
}

/** Torrents of the resting seeds that the node still has. */
async function restingSeeds({ admin }: ServedNode): Promise<number> {
  let left = 0
  for (let torrent = 0; torrent < RESTING; torrent++) {
    const swarm = await fetch(`${admin}/api/v1/swarms/${honestTorrent(10_000 + torrent).toString('hex')}`)
    if (swarm.status === 200) left++
    await swarm.arrayBuffer()
  }
  return left
}

function report(
  name: string,
  quiet: Answers,
  flooded: Answers,
  {
    evicted,
    cpuShares,
    quietMiB,
    peakMiB,
  }: {
    readonly evicted: number
    /** Of one processor, quiet and under the flood. */
    readonly cpuShares: readonly number[]
    readonly quietMiB: number
    readonly peakMiB: number
  },
): void {
  const times = ({ tookMs }: Answers) =>
    `p50 ${percentile(tookMs, 0.5).toFixed(1)} p99 ${percentile(tookMs, 0.99).toFixed(1)} ms`
  const ratio = percentile(flooded.tookMs, 0.99) / percentile(quiet.tookMs, 0.99)
  console.log(
    `${name.padEnd(20)} quiet ${times(quiet)}, flooded ${times(flooded)} (p99 × ${ratio.toFixed(1)}, goal 5); ` +
      `of ${flooded.tookMs.length + flooded.refused + flooded.missing}: ${flooded.refused} refused, ` +
      `${flooded.missing} not answered; ${evicted} of ${RESTING} resting swarms evicted; ` +
      `processor ${cpuShares.map((share) => `${Math.round(share * 100)} %`).join(' → ')}; ` +
      `memory ${quietMiB.toFixed(0)} → ${peakMiB.toFixed(0)} MiB`,
  )
}
