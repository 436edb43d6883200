/** What modelled clients are told, and where they are. */
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { SeededRandom } from '../../../src/core/random.ts'
import { defaultPolicy } from '../../../src/handout/policy.ts'
import { Population } from '../../../src/simulation/population.ts'
import type { PeerSource } from '../../../src/simulation/peer-source.ts'
import { RandomSource } from '../../../src/simulation/random-source.ts'
import { SiteswarmSource } from '../../../src/simulation/siteswarm-source.ts'
import { aScenario } from '../../a-scenario.ts'
import { aTopology } from '../../a-topology.ts'

const scenario = aScenario({ hosts: [30, 30, 30], client: 'aria2' })
const population = new Population(scenario, new SeededRandom(1))

/** What the last of all hosts is told, once all others have announced. */
function lastTold(source: PeerSource): readonly number[] {
  let told: readonly number[] = []
  for (let host = 0; host < population.count; host++)
    told = source.announce({
      host,
      event: 'started',
      leftBytes: host === 0 ? 0 : 1000,
      downloadedBytes: 0,
    }).hosts
  return told
}

const sitesOf = (hosts: readonly number[]) => hosts.map((host) => population.siteOf[host])

describe('a blind tracker', () => {
  it('tells of anybody, as many as the client wants', () => {
    const told = lastTold(new RandomSource('blind', 3, population, new SeededRandom(1)))
    expect(new Set(told).size).toBe(50)
    expect(new Set(sitesOf(told))).toEqual(new Set([0, 1, 2]))
  })
})

describe('biased neighbour selection', () => {
  it('tells of peers of the own site and of one of another', () => {
    const told = lastTold(new RandomSource('biased', 3, population, new SeededRandom(1)))
    expect(sitesOf(told).filter((site) => site === 2)).toHaveLength(29)
    expect(told).toHaveLength(30)
  })
})

describe('the real tracker', () => {
  it('sees each host at its site and tells it of nobody elsewhere', () => {
    const clock = new ManualClock()
    const told = lastTold(
      new SiteswarmSource({
        topology: scenario.topology,
        population,
        clock,
        random: new SeededRandom(1),
        interval: { secondsMin: 60, secondsMax: 1800 },
        policy: defaultPolicy,
      }),
    )
    expect(told.length).toBeGreaterThan(1)
    expect(new Set(sitesOf(told))).toEqual(new Set([2]))
  })
})

describe('the hosts of a scenario', () => {
  it('are spread over the bubbles of their site, and the source comes first', () => {
    const topology = aTopology({ siteNames: ['fra', 'ams'] })
    const hosts = new Population(
      { ...scenario, topology, hostsOfSite: [2, 4], sourceSite: 1, wanBitsPerSecond: [1e6, 1e6] },
      new SeededRandom(1),
    )
    const places = Array.from(hosts.placeOf, (place) => topology.places[place]).map(
      (place) => `${place?.site.name}/${place?.bubble}`,
    )
    expect(places).toEqual(['ams/row-a', 'ams/row-b', 'ams/row-a', 'ams/row-b', 'fra/row-a', 'fra/row-b'])
  })
})
