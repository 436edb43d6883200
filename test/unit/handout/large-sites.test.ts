/** Large sites: the graph inside them, and the gateways that their first finishers get. */
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { SeededRandom } from '../../../src/core/random.ts'
import { defaultPolicy, type Policy } from '../../../src/handout/policy.ts'
import { Population } from '../../../src/simulation/population.ts'
import { Simulation } from '../../../src/simulation/simulation.ts'
import { SiteswarmSource } from '../../../src/simulation/siteswarm-source.ts'
import { aScenario } from '../../a-scenario.ts'

/** Neighbours of each host after the hosts of one site have announced one after the other; host 0 is the source. */
function acquaintances(hosts: number): readonly ReadonlySet<number>[] {
  const scenario = aScenario({ hosts: [hosts] })
  const population = new Population(scenario, new SeededRandom(1))
  const source = new SiteswarmSource({
    topology: scenario.topology,
    population,
    clock: new ManualClock(),
    random: new SeededRandom(1),
    interval: { secondsMin: 60, secondsMax: 1800 },
    policy: defaultPolicy,
  })
  const known = Array.from({ length: hosts }, () => new Set<number>())
  for (let host = 0; host < hosts; host++) {
    const leftBytes = host === 0 ? 0 : 1000
    for (const other of source.announce({ host, event: 'started', leftBytes, downloadedBytes: 0 })!.hosts) {
      known[host]?.add(other)
      known[other]?.add(host)
    }
  }
  return known
}

/** Steps from the source to the host that is furthest from it. */
function stepsToTheLast(known: readonly ReadonlySet<number>[]): number {
  const steps = new Map([[0, 0]])
  for (const [host, so] of steps)
    for (const other of known[host] ?? []) if (!steps.has(other)) steps.set(other, so + 1)
  expect(steps.size).toBe(known.length)
  return Math.max(...steps.values())
}

describe('a flash crowd of a thousand hosts at one site', () => {
  const known = acquaintances(1000)
  const counts = known.slice(1).map((others) => others.size)

  it('gives each host two neighbours or more, and nearly all of them five or more', () => {
    expect(Math.min(...counts)).toBeGreaterThanOrEqual(2)
    expect(counts.filter((count) => count >= 5).length).toBeGreaterThan(850)
  })

  it('introduces no host to more than eight others, so that a finisher still finds strangers', () => {
    expect(Math.max(...counts)).toBeLessThanOrEqual(8)
  })

  it('is a graph in which the furthest host is a few steps from the source', () => {
    expect(stepsToTheLast(known)).toBeLessThanOrEqual(14)
  })
})

describe('a gateway that waits for each piece of its upstream, whose link is the slower one', () => {
  const lastSeconds = (handout: Policy, hosts: number) => {
    const scenario = {
      ...aScenario({ hosts: [hosts, hosts, hosts], client: 'libtorrent' }),
      wanBitsPerSecond: [40e6, 80e6, 80e6],
    }
    const simulation = new Simulation(scenario, 'siteswarm', { handout })
    while (!simulation.isOver) simulation.step()
    expect(simulation.outcome().unfinished).toBe(0)
    expect(simulation.outcome().copiesMax).toBeLessThan(1.01)
    return simulation.outcome().lastSeconds
  }

  it('disconnects it when it completes, and the first finishers of that site connect to the gateway', () => {
    expect(lastSeconds(defaultPolicy, 25)).toBeLessThan(10)
  })

  it('would wait a minute for the last piece without them', () => {
    expect(lastSeconds({ ...defaultPolicy, firstFinishers: 0 }, 25)).toBeGreaterThan(60)
  })
})
