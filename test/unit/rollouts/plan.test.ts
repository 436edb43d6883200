/** The plan of a rollout: links, bytes, rates, hours, times and contacts, as the network team needs them. */
import { describe, expect, it } from 'vitest'
import { parseTopology } from '../../../src/config/load-topology.ts'
import { planRollout } from '../../../src/rollouts/plan.ts'
import type { RolloutPlan } from '../../../src/rollouts/plan-answer.ts'

const TOPOLOGY = `
sites:
  fra: { federation: ['http://t1.fra.example:6970'], contact: 'network operations, +49 69 1234' }
  ams: { federation: ['http://t1.ams.example:6970'], gateways: 3 }
  nyc: { federation: ['http://t1.nyc.example:6970'], contact: noc@nyc.example }
  lab: { gateways: 3 }
links:
  - { between: [fra, ams], cost: 5, rate: 80Mbit }
  - { between: [ams, nyc], cost: 50, rate: 200Mbit, hours: "20:00-06:00 UTC", contact: 'transit desk' }
`
const NOON_MS = Date.UTC(2030, 0, 2, 12)
/** An hour at 80 Mbit/s. */
const SIZE_BYTES = 36_000_000_000

function plan(rateSetFor: (a: string, b: string) => number | undefined = () => undefined): RolloutPlan {
  return planRollout({
    topology: parseTopology(TOPOLOGY, 'topology.yaml'),
    sizeBytes: SIZE_BYTES,
    expected: { ams: 600, nyc: 100, lab: 2 },
    sourceSites: ['fra'],
    rateSetFor,
    startMs: NOON_MS,
  })
}

describe('the plan of a rollout', () => {
  it('has the rate, the hours, the time and the contacts of each link', () => {
    const { links, finishedAt, bytesBetweenSites } = plan()
    expect(links.map(({ from, to }) => `${from}-${to}`)).toEqual(['fra-ams', 'ams-nyc', 'fra-lab'])
    expect(links[0]).toMatchObject({
      carry: 'nodes',
      copiesMax: 1,
      rateBytesPerSecond: 10_000_000,
      hours: null,
      finishedAt: '2030-01-02T13:00:00.000Z',
      contacts: { from: 'network operations, +49 69 1234', to: null, link: null },
    })
    expect(links[1]).toMatchObject({
      rateBytesPerSecond: 25_000_000,
      hours: '20:00-06:00 UTC',
      // 36 GB at 25 MB/s, from 20:00 on.
      finishedAt: '2030-01-02T20:24:00.000Z',
      contacts: { from: null, to: 'noc@nyc.example', link: 'transit desk' },
    })
    expect(finishedAt).toBe('2030-01-02T20:24:00.000Z')
    expect(bytesBetweenSites).toBe(3 * SIZE_BYTES)
  })

  it('has no time for a link that takes longer than there are dates', () => {
    const { links, finishedAt } = plan((a, b) => (a === 'fra' && b === 'ams' ? 0.000125 : undefined))
    expect(links[0]).toMatchObject({ rateBytesPerSecond: 0.000125, finishedAt: null })
    expect(links[1]).toMatchObject({ finishedAt: null })
    expect(finishedAt).toBeNull()
  })

  it('has gateways, at most one copy each, and no time for a link that nodes do not carry', () => {
    expect(plan().links[2]).toMatchObject({
      carry: 'direct',
      copiesMax: 3,
      bytesAtMost: 3 * SIZE_BYTES,
      rateBytesPerSecond: null,
      finishedAt: null,
    })
  })

  it('uses the rate that an operator set', () => {
    const { links } = plan((a, b) => (a === 'fra' && b === 'ams' ? 0 : undefined))
    expect(links.map(({ rateBytesPerSecond, finishedAt }) => [rateBytesPerSecond, finishedAt])).toEqual([
      [0, null],
      [25_000_000, null],
      [null, null],
    ])
  })
})
