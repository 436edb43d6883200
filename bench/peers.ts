/**
 * Announces a second, CPU time per answer, latency and memory of siteswarm's `serve`, beside opentracker (Debian),
 * bittorrent-tracker (npm) and any tracker that runs already: UDP, HTTP on kept connections, HTTP with a connection for
 * each announce; peers that announce for the first time, and again.
 *
 * The servers share one core, and the load has the other. Rounds are paired: in each round every server has the same load
 * for the same time, one after the other, and the ratio of a round is that of the two neighbouring figures. CPU time is
 * that of the kernel for all threads of the server, user and system. The load generator takes 10 to 20 µs for an announce,
 * so that only servers below that are limited by it: for them, compare the CPU time.
 *
 * The server is the built program: run `npm run build` first.
 *
 * Usage: peers [--rounds 5] [--seconds 2] [--torrents 1000] [--peers 128] [--transport udp,keep-alive,close]
 *   [--bittorrent-tracker DIRECTORY] [--running NAME,pid=N,udp=PORT,http=PORT[,closes=]]…
 */
import { spawnSync } from 'node:child_process'
import { parseArgs } from 'node:util'
import { infoHashOf, Load, type LoadPeriod, type LoadShape, type Transport } from './peers/load.ts'
import {
  cpuMicroseconds,
  memoryBytes,
  runningServer,
  type Server,
  startBittorrentTracker,
  startOpentracker,
  startSiteswarm,
} from './peers/servers.ts'

const SERVER_CORE = 0
const LOAD_CORE = 1
const TRANSPORTS: readonly Transport[] = ['udp', 'keep-alive', 'close']

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    torrents: { type: 'string', default: '1000' },
    peers: { type: 'string', default: '128' },
    transport: { type: 'string', default: TRANSPORTS.join(',') },
    'bittorrent-tracker': { type: 'string' },
    running: { type: 'string', multiple: true, default: [] },
  },
})
const rounds = Number(values.rounds)
const roundMs = Number(values.seconds) * 1_000
const shape: LoadShape = { torrents: Number(values.torrents), peersPerTorrent: Number(values.peers) }

interface Figures {
  readonly cpu: number[]
  readonly perSecond: number[]
  lost: number
}

interface Subject {
  readonly server: Server
  readonly load: Load
  readonly first: Figures
  readonly repeated: Figures
  /** At half of the highest rate. */
  latencies: Float64Array
}

spawnSync('taskset', ['-acp', `${LOAD_CORE}`, `${process.pid}`])
for (const transport of values.transport.split(',') as Transport[]) await compare(transport)

async function compare(transport: Transport): Promise<void> {
  const servers = await startServers()
  const subjects = servers.flatMap((server): Subject[] => {
    const port = transport === 'udp' ? server.udpPort : server.httpPort
    if (port === undefined || (transport === 'keep-alive' && !server.keepsConnections)) return []
    const figures = (): Figures => ({ cpu: [], perSecond: [], lost: 0 })
    const load = new Load(transport, port, shape)
    return [{ server, load, first: figures(), repeated: figures(), latencies: new Float64Array(0) }]
  })
  const memoryBefore = subjects.map(({ server }) => memoryBytes(server))
  // A share of the peers for the compiler, and one for each round.
  const share = Math.floor((shape.torrents * shape.peersPerTorrent) / (rounds + 1))
  for (const { load } of subjects) await load.run({ peers: share })
  for (let round = 0; round < rounds; round++)
    for (const subject of subjects) await measure(subject, subject.first, { peers: share })
  for (const { load } of subjects) await load.run({})
  const memoryAfter = subjects.map(({ server }) => memoryBytes(server))
  for (let round = 0; round < rounds; round++)
    for (const subject of subjects) {
      subject.load.rewind()
      await measure(subject, subject.repeated, { forMs: roundMs })
    }
  for (const subject of subjects) {
    subject.load.rewind()
    const perSecond = median(subject.repeated.perSecond) / 2
    const { latencies } = await subject.load.run({ forMs: roundMs * 2, perSecond })
    subject.latencies = latencies.toSorted()
  }
  const perPeer = subjects.map(
    ({ load }, index) => ((memoryAfter[index] as number) - (memoryBefore[index] as number)) / load.peers,
  )
  report(transport, subjects, perPeer)
  for (const server of servers) await server.stop()
}

async function measure({ server, load }: Subject, figures: Figures, period: LoadPeriod): Promise<void> {
  const before = cpuMicroseconds(server)
  const { answers, lost, elapsedMs } = await load.run(period)
  figures.cpu.push((cpuMicroseconds(server) - before) / answers)
  figures.perSecond.push((answers * 1_000) / elapsedMs)
  figures.lost += lost
}

async function startServers(): Promise<Server[]> {
  const options = {
    core: SERVER_CORE,
    infoHashes: Array.from({ length: shape.torrents }, (_, index) => infoHashOf(index).toString('hex')),
    bittorrentTracker: values['bittorrent-tracker'],
  }
  const servers = [
    await startSiteswarm(options),
    await startOpentracker(options),
    await startBittorrentTracker(options),
    ...values.running.map((text) => runningServer(text, SERVER_CORE)),
  ]
  return servers.filter((server) => server !== undefined)
}

function report(transport: Transport, subjects: readonly Subject[], perPeer: readonly number[]): void {
  console.log(
    `\n${transport}, ${shape.torrents} torrents of ${shape.peersPerTorrent} peers, medians of ${rounds} paired rounds of ${roundMs} ms`,
  )
  console.log(
    `${''.padEnd(20)}${['first µs', 'ratio', '/s', 'again µs', 'ratio', '/s', 'p50 ms', 'p99', 'p99.9', 'lost', 'B/peer'].map((name) => name.padStart(9)).join('')}`,
  )
  const reference = subjects[0]
  for (const [index, subject] of subjects.entries()) {
    const { server, first, repeated, latencies } = subject
    const share = (part: number) => latencies[Math.floor((latencies.length - 1) * part)] ?? Number.NaN
    const columns = [
      median(first.cpu).toFixed(1),
      pairedRatio(first, reference?.first).toFixed(2),
      median(first.perSecond).toFixed(0),
      median(repeated.cpu).toFixed(1),
      pairedRatio(repeated, reference?.repeated).toFixed(2),
      median(repeated.perSecond).toFixed(0),
      share(0.5).toFixed(2),
      share(0.99).toFixed(2),
      share(0.999).toFixed(2),
      `${first.lost + repeated.lost}`,
      (perPeer[index] as number).toFixed(0),
    ]
    console.log(`${server.name.padEnd(20)}${columns.map((text) => text.padStart(9)).join('')}`)
  }
  console.log(
    'ratio: CPU time of the server ÷ that of siteswarm in the same round; above 1, siteswarm is cheaper',
  )
}

function pairedRatio(figures: Figures, reference: Figures | undefined): number {
  return median(figures.cpu.map((cpu, round) => cpu / (reference?.cpu[round] ?? Number.NaN)))
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN
}
