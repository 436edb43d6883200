import { describe, expect, it } from 'vitest'
import { defaultPolicy } from '../../../src/handout/policy.ts'
import { aScenario, simulated } from '../../a-scenario.ts'
import { boundSeconds, pieceCount } from '../../../src/simulation/scenario.ts'
import { Simulation } from '../../../src/simulation/simulation.ts'
import { uniformTopology } from '../../../src/simulation/uniform-topology.ts'
import type { Topology } from '../../../src/topology/topology.ts'

describe('a simulated rollout', () => {
  it('takes the time of the link for a single leecher', () => {
    // 95,564,900 bytes are ten seconds of 80 Mbit/s, frame overhead included.
    const outcome = simulated({ hosts: [1, 1], sizeBytes: 95_564_900 })
    expect(outcome.lastSeconds).toBeGreaterThan(10)
    expect(outcome.lastSeconds).toBeLessThan(10.5)
  })

  it('transfers exactly one copy over the link between two sites', () => {
    const outcome = simulated({ hosts: [5, 5] })
    expect(outcome.sites.map((site) => site.copies.toFixed(3))).toEqual(['0.000', '1.000'])
    expect(outcome.copiesOutOfSource).toBeCloseTo(1, 6)
    expect(outcome.remoteBytes).toBeCloseTo(32 * 2 ** 20, 0)
  })

  it('is reproducible with the same seed', () => {
    expect(simulated({ seed: 5 }, 'blind')).toEqual(simulated({ seed: 5 }, 'blind'))
  })

  it('differs with another seed', () => {
    expect(simulated({ seed: 5 }, 'blind')).not.toEqual(simulated({ seed: 6 }, 'blind'))
  })

  it('costs more copies with more gateways', () => {
    const one = simulated({ hosts: [8, 8], gateways: 1 })
    const four = simulated({ hosts: [8, 8], gateways: 4 })
    expect(one.copiesMax).toBeCloseTo(1, 6)
    expect(four.copiesMax).toBeGreaterThan(1.2)
    expect(four.copiesMax).toBeLessThanOrEqual(4)
  })

  it('costs more copies with a blind tracker, and fewer of them with a biased one', () => {
    const hosts = [10, 10, 10]
    const blind = simulated({ hosts, client: 'libtorrent' }, 'blind')
    const biased = simulated({ hosts, client: 'libtorrent' }, 'biased')
    expect(biased.copiesMean).toBeGreaterThan(1.3)
    expect(blind.copiesMean).toBeGreaterThan(biased.copiesMean)
  })

  it('finishes every host of a site that starts late', () => {
    const outcome = simulated({ hosts: [4, 4, 4], siteStartSeconds: [0, 0, 30] })
    expect(outcome.unfinished).toBe(0)
    expect(outcome.sites[2]?.copies).toBeCloseTo(1, 6)
    // Its time is measured from its own start.
    expect(outcome.sites[2]?.lastSeconds).toBeLessThan(15)
  })

  it('finishes every other host when the gateway of a site is lost', () => {
    const outcome = simulated({ hosts: [4, 6], losses: [{ site: 1, atShare: 0.5 }] })
    expect(outcome.unfinished).toBe(0)
    expect(outcome.sites[1]?.hosts).toBe(5)
    expect(outcome.sites[1]?.copies).toBeLessThan(1.6)
  })

  it('delays hosts by a minute if their clients disconnect finishers and finishers receive no introductions', () => {
    const scenario = aScenario({ hosts: [6, 6], client: 'libtorrent' })
    const simulation = new Simulation(scenario, 'siteswarm', {
      handout: { ...defaultPolicy, strangersOnCompletion: 0 },
    })
    while (!simulation.isOver) simulation.step()
    const outcome = simulation.outcome()
    expect(outcome.unfinished).toBe(0)
    expect(outcome.lastSeconds).toBeGreaterThan(60)
    expect(outcome.lastSeconds).toBeLessThan(200)
  })

  it('copies a file into each site once where nodes carry it, and takes it once from its source', () => {
    const outcome = simulated({ hosts: [6, 6, 6], client: 'libtorrent' }, 'carriers')
    expect(outcome.unfinished).toBe(0)
    expect(outcome.sites.map((site) => site.copies.toFixed(3))).toEqual(['0.000', '1.000', '1.000'])
    expect(outcome.copiesOutOfSource).toBeLessThanOrEqual(2.0001)
  })

  it('is as fast as the links allow where nodes carry, whichever of them is the limit', () => {
    for (const wanBitsPerSecond of [20e6, 80e6, 400e6]) {
      const scenario = aScenario({
        hosts: [8, 8, 8],
        client: 'libtorrent',
        wanBitsPerSecond,
        sizeBytes: 2 ** 30,
        pieces: 1024,
      })
      const simulation = new Simulation(scenario, 'carriers')
      while (!simulation.isOver) simulation.step()
      const { lastSeconds = Infinity, copiesMax } = simulation.outcome()
      expect(lastSeconds / boundSeconds(scenario)).toBeLessThanOrEqual(
        wanBitsPerSecond > scenario.nicBitsPerSecond ? 1.4 : 1.1,
      )
      expect(copiesMax).toBeLessThanOrEqual(1.005)
    }
  })

  it('takes as long as the laboratory with carriers: 11.9 to 13.4 s for 3 x 8 libtorrent, at 1.002 copies', () => {
    const { lastSeconds, copiesMax } = simulated(
      {
        hosts: [8, 8, 8],
        client: 'libtorrent',
        sizeBytes: 48 * 2 ** 20,
        pieces: 192,
        wanBitsPerSecond: 40e6,
        nicBitsPerSecond: 100e6,
      },
      'carriers',
    )
    expect(lastSeconds).toBeGreaterThan(10.6)
    expect(lastSeconds).toBeLessThan(14.1)
    expect(copiesMax).toBeLessThanOrEqual(1.005)
  })

  it('completes a carried site that loses a host with pieces that no other host has', () => {
    const outcome = simulated(
      { hosts: [4, 4], client: 'libtorrent', losses: [{ site: 1, atShare: 0.5 }] },
      'carriers',
    )
    expect(outcome.sites[1]?.hosts).toBe(3)
    expect(outcome.unfinished).toBe(0)
    expect(outcome.copiesMax).toBeLessThan(1.1)
  })

  it('copies a file into a site that starts late from the hosts of another one, once its node has forgotten it', () => {
    const outcome = simulated(
      { hosts: [4, 4, 4], siteStartSeconds: [0, 0, 200], sizeBytes: 2 ** 30, pieces: 512 },
      'carriers',
    )
    expect(outcome.unfinished).toBe(0)
    expect(outcome.sites[2]?.copies).toBeCloseTo(1, 3)
  })

  it('has gateways at a site whose links nodes do not carry over', () => {
    const uniform = uniformTopology(3)
    const direct = { carry: 'direct', rate: undefined, hours: undefined } as const
    const linkOf: Topology['linkOf'] = (a, b) => (a === 2 || b === 2 ? direct : uniform.linkOf(a, b))
    const topology = { ...uniform, linkOf, carryOf: (a: number, b: number) => linkOf(a, b).carry }
    const outcome = simulated({ hosts: [4, 4, 4], topology }, 'carriers')
    expect(outcome.unfinished).toBe(0)
    expect(outcome.sites.map((site) => site.copies.toFixed(1))).toEqual(['0.0', '1.0', '1.0'])
  })

  it('ends once nothing more can be transferred, and reports the hosts that did not complete', () => {
    const topology = { ...uniformTopology(2), cost: () => Infinity }
    const outcome = simulated({ hosts: [3, 2], topology })
    expect(outcome.sites.map((site) => site.unfinished)).toEqual([0, 2])
    expect(outcome.unfinished).toBe(2)
    expect(outcome.lastSeconds).toBeUndefined()
  })

  it('reports its progress', () => {
    const simulation = new Simulation(aScenario(), 'siteswarm')
    expect(simulation.progress).toEqual({ hosts: 0, bytes: 0 })
    while (!simulation.isOver) simulation.step()
    expect(simulation.progress.hosts).toBe(1)
    expect(simulation.progress.bytes).toBeCloseTo(1, 6)
  })
})

describe('the lower bound', () => {
  const seconds = (hosts: readonly number[], wanBitsPerSecond: number, nicBitsPerSecond: number) =>
    boundSeconds(aScenario({ hosts, wanBitsPerSecond, nicBitsPerSecond, sizeBytes: 1_000_000 }))

  it('is the time of the link between sites if it is the slowest', () => {
    expect(seconds([4, 4], 1e6, 8e6)).toBe(8)
  })

  it('is the time of the link of a host if it is the slowest', () => {
    expect(seconds([4, 4], 8e6, 4e6)).toBe(2)
  })

  it('is the time of the link of a host if all hosts are at one site', () => {
    expect(seconds([4, 0], 1e6, 4e6)).toBe(2)
  })
})

describe('the pieces of a simulated file', () => {
  it('are as many as in a real torrent if the swarm is small', () => {
    expect(pieceCount(withoutPieces([4, 4], 2 ** 30))).toBe(1024)
  })

  it('are fewer in a swarm of thirty thousand', () => {
    expect(pieceCount(withoutPieces([15_000, 15_000], 2 ** 32))).toBe(533)
  })

  it('are at least as large as a block', () => {
    expect(pieceCount(withoutPieces([4, 4], 100_000))).toBe(7)
  })

  function withoutPieces(hosts: readonly number[], sizeBytes: number) {
    const { pieces: _, ...scenario } = aScenario({ hosts, sizeBytes })
    return scenario
  }
})
