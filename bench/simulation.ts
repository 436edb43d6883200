/**
 * What the handout policy costs in swarms that no laboratory holds: copies into a site, and the last host's time as
 * a multiple of the least possible, simulated with libtorrent's behaviour. Beside it a blind tracker and biased
 * neighbour selection, on the same hosts and links. To reach: at most 1.25 copies and 1.5 times the least time.
 *
 * Usage: simulation [3x8] [10x100] [30x1000] [--seed N]   (default: the first two, seconds to minutes; the last one
 * takes minutes for siteswarm, and long for the blind tracker, whose rollout is days of virtual time)
 */
import { elapsedMs } from '../src/core/clock.ts'
import { clientMixes } from '../src/simulation/client-model.ts'
import type { Outcome } from '../src/simulation/outcome.ts'
import { runSimulation } from '../src/simulation/run-simulation.ts'
import type { Scenario } from '../src/simulation/scenario.ts'
import type { PolicyName } from '../src/simulation/simulation.ts'
import { uniformTopology } from '../src/simulation/uniform-topology.ts'

const SWARMS: Readonly<Record<string, { sites: number; hosts: number; sizeBytes: number }>> = {
  '3x8': { sites: 3, hosts: 8, sizeBytes: 192 * 2 ** 20 },
  '10x100': { sites: 10, hosts: 100, sizeBytes: 2 ** 30 },
  '30x1000': { sites: 30, hosts: 1000, sizeBytes: 4 * 2 ** 30 },
}

const NIC_BITS_PER_SECOND = 200e6
const LINKS = [
  { name: 'WAN 0.4 NIC', share: 0.4 },
  { name: 'WAN 2 NIC', share: 2 },
  { name: 'WAN 0.1 NIC', share: 0.1 },
] as const

const args = process.argv.slice(2)
const seedAt = args.indexOf('--seed')
const seed = seedAt < 0 ? 1 : Number(args[seedAt + 1])
const named = args.filter((arg) => arg in SWARMS)

console.log(`libtorrent, NIC 200 Mbit/s, seed ${seed}`)
console.log('swarm    links        policy     gateways  copies  most   last host  x least time  ran for')
for (const name of named.length > 0 ? named : ['3x8', '10x100']) {
  for (const { name: links, share } of LINKS) {
    for (const gateways of ['auto', 1, 4] as const) await measure('siteswarm', name, links, share, gateways)
    for (const policy of ['biased', 'blind'] as const) await measure(policy, name, links, share, 'auto')
  }
}

async function measure(
  policy: PolicyName,
  name: string,
  links: string,
  share: number,
  gateways: 'auto' | number,
): Promise<void> {
  const startedMs = elapsedMs()
  const outcome = await runSimulation(scenarioOf(name, share, gateways), policy)
  if (outcome === undefined) return
  const ranSeconds = (elapsedMs() - startedMs) / 1000
  const shown = policy === 'siteswarm' ? String(gateways) : '-'
  console.log(
    `${name.padEnd(7)}  ${links.padEnd(11)}  ${policy.padEnd(9)}  ${shown.padStart(8)}  ${figures(outcome)}  ${ranSeconds.toFixed(1).padStart(5)} s`,
  )
}

function figures({ copiesMean, copiesMax, lastSeconds, boundSeconds, unfinished }: Outcome): string {
  const last = lastSeconds === undefined ? `${unfinished} never` : `${lastSeconds.toFixed(0)} s`
  const ratio = lastSeconds === undefined ? '-' : (lastSeconds / boundSeconds).toFixed(2)
  return `${copiesMean.toFixed(2).padStart(6)}  ${copiesMax.toFixed(2).padStart(5)}  ${last.padStart(9)}  ${ratio.padStart(12)}`
}

function scenarioOf(name: string, wanShare: number, gateways: 'auto' | number): Scenario {
  const { sites, hosts, sizeBytes } = SWARMS[name] ?? { sites: 0, hosts: 0, sizeBytes: 0 }
  return {
    topology: uniformTopology(sites, gateways),
    hostsOfSite: new Array<number>(sites).fill(hosts),
    sourceSite: 0,
    sizeBytes,
    nicBitsPerSecond: NIC_BITS_PER_SECOND,
    wanBitsPerSecond: new Array<number>(sites).fill(NIC_BITS_PER_SECOND * wanShare),
    clients: clientMixes['libtorrent'] ?? [],
    seed,
    startWithinSeconds: 1,
  }
}
