/**
 * Cost of the handout policy in swarms that are too large for the laboratory: copies into a site, and the last host's time
 * as a multiple of the lower bound, simulated with libtorrent's behaviour. Beside it a topology-blind tracker and biased
 * neighbour selection, on the same hosts and links. Targets: at most 1.25 copies and 1.5 times the lower bound, and
 * `gateways: auto` at most a tenth slower than the better of 1 and 4. The first row has also been measured with real
 * clients, to validate the model; the last rows have a single site, where links between sites do not matter.
 *
 * Usage: simulation [ROW…] [--tracker NAME,…] [--seed N]
 *   ROW      3x8, 10x100, 30x1000, 1x100, 1x1000, or a single link rate: 10x100@2 has a WAN twice as fast as a
 *            host's link
 *   NAME     carriers, siteswarm, gateways-1, gateways-4, biased, blind; trackers outside the default list run only if named
 */
import { clientMixes } from '../src/simulation/client-model.ts'
import type { Outcome } from '../src/simulation/outcome.ts'
import { runSimulation } from '../src/simulation/run-simulation.ts'
import type { Scenario } from '../src/simulation/scenario.ts'
import type { PolicyName } from '../src/simulation/simulation.ts'
import { uniformTopology } from '../src/simulation/uniform-topology.ts'

interface Tracker {
  readonly policy: PolicyName
  readonly gateways: 'auto' | number
}

const TRACKERS: Readonly<Record<string, Tracker>> = {
  carriers: { policy: 'carriers', gateways: 'auto' },
  siteswarm: { policy: 'siteswarm', gateways: 'auto' },
  'gateways-1': { policy: 'siteswarm', gateways: 1 },
  'gateways-4': { policy: 'siteswarm', gateways: 4 },
  biased: { policy: 'biased', gateways: 'auto' },
  blind: { policy: 'blind', gateways: 'auto' },
}

interface Row {
  readonly sites: number
  readonly hosts: number
  readonly sizeBytes: number
  /** WAN rate of a site, as a multiple of a host's link rate. */
  readonly wan: number
  /** Trackers that run without `--tracker`. */
  readonly trackers: readonly string[]
  readonly measured?: string
}

const SMALL = { sites: 3, hosts: 8, sizeBytes: 192 * 2 ** 20 }
const MEDIUM = { sites: 10, hosts: 100, sizeBytes: 2 ** 30 }
const LARGE = { sites: 30, hosts: 1000, sizeBytes: 4 * 2 ** 30 }
const ALL = Object.keys(TRACKERS)
/** A topology-blind rollout of a thousand hosts over slow links takes many hours, and its simulation minutes. */
const NOT_BLIND = ALL.filter((name) => name !== 'blind')
/** The largest rows take minutes each; `auto` has one gateway there, and the others take ten times as long. */
const ONLY_AUTO = ['carriers', 'siteswarm']

const ROWS: Readonly<Record<string, Row>> = {
  '3x8@0.4': {
    ...SMALL,
    wan: 0.4,
    trackers: ALL,
    measured:
      'real libtorrent, same links: siteswarm 1.00 copies, 1.16-1.26 x; blind (opentracker) 2.99-3.18 copies, 3.2-3.4 x',
  },
  '3x8@2': { ...SMALL, wan: 2, trackers: ALL },
  '3x8@0.1': { ...SMALL, wan: 0.1, trackers: ALL },
  '10x100@0.4': { ...MEDIUM, wan: 0.4, trackers: ALL },
  '10x100@2': { ...MEDIUM, wan: 2, trackers: ALL },
  '10x100@0.1': { ...MEDIUM, wan: 0.1, trackers: NOT_BLIND },
  '30x1000@0.4': { ...LARGE, wan: 0.4, trackers: ONLY_AUTO },
  '30x1000@2': { ...LARGE, wan: 2, trackers: ONLY_AUTO },
  '30x1000@0.1': { ...LARGE, wan: 0.1, trackers: ONLY_AUTO },
  '1x100': { ...MEDIUM, sites: 1, wan: 1, trackers: ONLY_AUTO },
  '1x1000': { ...LARGE, sites: 1, wan: 1, trackers: ONLY_AUTO },
}

const NIC_BITS_PER_SECOND = 200e6
const EXIT_USAGE = 64

const asked = readArguments(process.argv.slice(2))
console.log(`libtorrent, NIC 200 Mbit/s, WAN in NICs behind the @, seed ${asked.seed}`)
console.log('row          tracker     copies   most  last host  x least time  CPU time')
for (const name of asked.rows) {
  const row = ROWS[name] as Row
  if (row.measured !== undefined) console.log(`${name.padEnd(11)}  ${row.measured}`)
  const lastSeconds = new Map<string, number>()
  for (const tracker of asked.trackers ?? row.trackers) {
    const before = process.cpuUsage()
    const { policy, gateways } = TRACKERS[tracker] as Tracker
    const outcome = await runSimulation(scenarioOf(row, gateways), policy)
    if (outcome === undefined) continue
    const spent = process.cpuUsage(before)
    if (outcome.lastSeconds !== undefined) lastSeconds.set(tracker, outcome.lastSeconds)
    console.log(
      `${name.padEnd(11)}  ${tracker.padEnd(10)}  ${figures(outcome)}  ${((spent.user + spent.system) / 1e6).toFixed(1).padStart(7)} s`,
    )
  }
  const better = Math.min(lastSeconds.get('gateways-1') ?? NaN, lastSeconds.get('gateways-4') ?? NaN)
  const auto = lastSeconds.get('siteswarm') ?? NaN
  if (!Number.isNaN(auto / better))
    console.log(
      `${name.padEnd(11)}  auto takes ${(auto / better).toFixed(2)} x the better of 1 and 4 gateways`,
    )
}

function figures({ copiesMean, copiesMax, lastSeconds, boundSeconds, unfinished }: Outcome): string {
  const last = lastSeconds === undefined ? `${unfinished} never` : `${lastSeconds.toFixed(0)} s`
  const ratio = lastSeconds === undefined ? '-' : (lastSeconds / boundSeconds).toFixed(2)
  return `${copiesMean.toFixed(2).padStart(6)}  ${copiesMax.toFixed(2).padStart(5)}  ${last.padStart(9)}  ${ratio.padStart(12)}`
}

function scenarioOf({ sites, hosts, sizeBytes, wan }: Row, gateways: 'auto' | number): Scenario {
  return {
    topology: uniformTopology(sites, gateways),
    hostsOfSite: new Array<number>(sites).fill(hosts),
    sourceSite: 0,
    sizeBytes,
    nicBitsPerSecond: NIC_BITS_PER_SECOND,
    wanBitsPerSecond: new Array<number>(sites).fill(NIC_BITS_PER_SECOND * wan),
    clients: clientMixes['libtorrent'] ?? [],
    seed: asked.seed,
    startWithinSeconds: 1,
  }
}

function readArguments(args: readonly string[]) {
  const named: string[] = []
  let trackers: readonly string[] | undefined = undefined
  let seed = 1
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] as string
    if (arg === '--seed') seed = Number(args[++index])
    else if (arg === '--tracker') trackers = (args[++index] ?? '').split(',')
    else named.push(arg)
  }
  const isOf = (name: string, row: string) => row === name || row.startsWith(`${name}@`)
  const all = Object.keys(ROWS)
  const unknown = [
    ...named.filter((name) => !all.some((row) => isOf(name, row))),
    ...(trackers ?? []).filter((name) => !(name in TRACKERS)),
  ]
  if (unknown.length > 0 || !Number.isSafeInteger(seed)) {
    console.error(`simulation: expected some of ${all.join(', ')}; --tracker ${ALL.join(',')}; --seed NUMBER`)
    process.exit(EXIT_USAGE)
  }
  const rows = named.length === 0 ? all : all.filter((row) => named.some((name) => isOf(name, row)))
  return { rows, trackers, seed }
}
