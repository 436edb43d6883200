/** Sites with delayed updates: they converge to the same view, and to a tree without a cycle. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SeededRandom } from '../../src/core/random.ts'
import { SimulatedSites } from '../simulated-sites.ts'

/** Cost of a minimum spanning tree over all sites (Prim). */
function leastTree(sites: number, cost: (a: number, b: number) => number): number {
  const nearest = Array.from({ length: sites }, (_, index) => (index === 0 ? 0 : Infinity))
  const joined = new Set<number>()
  let total = 0
  while (joined.size < sites) {
    let next = -1
    for (let index = 0; index < sites; index++)
      if (!joined.has(index) && (next < 0 || (nearest[index] as number) < (nearest[next] as number)))
        next = index
    joined.add(next)
    total += nearest[next] as number
    for (let index = 0; index < sites; index++)
      if (!joined.has(index)) nearest[index] = Math.min(nearest[index] as number, cost(next, index))
  }
  return total
}

function randomCosts(sites: number, seed: number): (a: number, b: number) => number {
  const random = new SeededRandom(seed)
  const costs = Array.from({ length: sites }, () =>
    Array.from({ length: sites }, () => 1 + random.below(100)),
  )
  return (a, b) => costs[Math.min(a, b)]?.[Math.max(a, b)] ?? 0
}

/** Follows each site's upstreams; true where all paths end in site 0. */
function reachesSource(upstreams: readonly (number | undefined)[]): boolean {
  return upstreams.every((_, start) => {
    let at: number | undefined = start
    for (let steps = 0; at !== undefined && steps <= upstreams.length; steps++) {
      if (at === 0) return true
      at = upstreams[at]
    }
    return false
  })
}

describe('30 sites that start at the same moment', () => {
  for (const seed of [1, 2, 3, 4, 5])
    test(`build a tree of at most 1.2 times the least cost, for random costs (seed ${seed})`, async () => {
      const cost = randomCosts(30, seed)
      const sites = new SimulatedSites({ sites: 30, seed, cost, delayMsMax: 60 })
      void sites.announce(0, 1, 0)
      await sites.run(1_000)

      const random = new SeededRandom(seed)
      for (let site = 1; site < 30; site++)
        sites.later(() => void sites.announce(site, 1, 1_000_000), random.below(30))
      await sites.run(5_000)

      const upstreams = sites.upstreams()
      expect(reachesSource(upstreams)).toBe(true)
      const total = upstreams.reduce<number>(
        (sum, from, to) => sum + (from === undefined ? 0 : cost(from, to)),
        0,
      )
      expect(total).toBeLessThanOrEqual(1.2 * leastTree(30, cost))
    })
})

describe('equally distant sites fetch in a chain, no two of them from the same site', () => {
  for (const spreadMs of [0, 100, 200, 300, 1_000, 3_000])
    test(`where their hosts start within ${spreadMs} ms`, async () => {
      for (let seed = 1; seed <= 20; seed++) {
        const sites = new SimulatedSites({ sites: 6, seed, cost: () => 10, delayMsMax: 150 })
        void sites.announce(0, 1, 0)
        await sites.run(1_000)
        const random = new SeededRandom(seed)
        for (let site = 1; site < 6; site++)
          sites.later(() => void sites.announce(site, 1, 1_000_000), random.below(spreadMs + 1))
        await sites.run(10_000)

        const upstreams = sites.upstreams()
        expect(reachesSource(upstreams), `seed ${seed}`).toBe(true)
        expect(new Set(upstreams.slice(1)).size, `seed ${seed}`).toBe(5)
      }
    })
})

test('sites converge to one view without a cycle, with any delay of their messages', async () => {
  const step = fc.record({
    site: fc.nat(7),
    host: fc.integer({ min: 1, max: 4 }),
    action: fc.constantFrom('announce as leecher', 'announce as seed', 'stop', 'wait'),
    waitMs: fc.nat(400),
  })
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 3, max: 8 }),
      fc.integer({ min: 0, max: 2_000 }),
      fc.nat(1_000_000),
      fc.array(step, { maxLength: 40 }),
      async (count, delayMsMax, seed, steps) => {
        const sites = new SimulatedSites({ sites: count, seed, cost: randomCosts(count, seed), delayMsMax })
        for (const { site, host, action, waitMs } of steps) {
          const index = site % count
          if (action === 'announce as leecher') void sites.announce(index, host, 1_000_000)
          else if (action === 'announce as seed') void sites.announce(index, host, 0)
          else if (action === 'stop') sites.stop(index, host)
          await sites.run(action === 'wait' ? waitMs : waitMs % 30)
        }
        await sites.run(20_000)

        const first = sites.view(0)
        for (let site = 1; site < count; site++) expect(sites.view(site)).toEqual(first)
        // No path of upstreams returns to its start.
        const upstreams = sites.upstreams()
        for (let start = 0; start < count; start++) {
          let at = upstreams[start]
          for (let steps = 0; at !== undefined && steps < count; steps++) {
            expect(at).not.toBe(start)
            at = upstreams[at]
          }
        }
      },
    ),
    { numRuns: 60 },
  )
}, 240_000)
