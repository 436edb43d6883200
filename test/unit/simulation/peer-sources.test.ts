/** Peers in the responses of modelled trackers, and the places of modelled hosts. */
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

/** The peers handed out to the last host, once all others have announced. */
function lastHandout(source: PeerSource): readonly number[] {
  let handout: readonly number[] = []
  for (let host = 0; host < population.count; host++)
    handout = source.announce({
      host,
      event: 'started',
      leftBytes: host === 0 ? 0 : 1000,
      downloadedBytes: 0,
    })!.hosts
  return handout
}

const sitesOf = (hosts: readonly number[]) => hosts.map((host) => population.siteOf[host])

describe('a blind tracker', () => {
  it('hands out random peers, as many as the client wants', () => {
    const handout = lastHandout(new RandomSource('blind', 3, population, new SeededRandom(1)))
    expect(new Set(handout).size).toBe(50)
    expect(new Set(sitesOf(handout))).toEqual(new Set([0, 1, 2]))
  })
})

describe('biased neighbour selection', () => {
  it('hands out peers of the own site and one of another', () => {
    const handout = lastHandout(new RandomSource('biased', 3, population, new SeededRandom(1)))
    expect(sitesOf(handout).filter((site) => site === 2)).toHaveLength(29)
    expect(handout).toHaveLength(30)
  })
})

describe('the real tracker', () => {
  it('locates each host at its site and hands out only peers of that site', () => {
    const clock = new ManualClock()
    const handout = lastHandout(
      new SiteswarmSource({
        topology: scenario.topology,
        population,
        clock,
        random: new SeededRandom(1),
        interval: { secondsMin: 60, secondsMax: 1800 },
        policy: defaultPolicy,
      }),
    )
    expect(handout.length).toBeGreaterThan(1)
    expect(new Set(sitesOf(handout))).toEqual(new Set([2]))
  })
})

describe('the hosts of a scenario', () => {
  it('are spread over the bubbles of their site, the source first', () => {
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
