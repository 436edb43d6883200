/**
 * Nodes that share a log converge to the same table, with batches in any order and repeated: random days of
 * three nodes that each receive some of the announces and decide by themselves, and two nodes that join at the end.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ManualClock } from '../../src/core/clock.ts'
import { aSiteOfNodes, pictureOf } from '../a-site-of-nodes.ts'
import { aTopology } from '../a-topology.ts'
import { TORRENT } from '../a-tracker.ts'

const OTHER = Buffer.alloc(20, 'other')
const NODES = 3

interface Step {
  readonly node: number
  readonly torrent: Buffer
  readonly site: number
  readonly host: number
  readonly does: 'announce' | 'progress' | 'complete' | 'stop' | 'deliver'
  readonly afterMs: number
}

const step: fc.Arbitrary<Step> = fc.record({
  node: fc.nat(NODES - 1),
  torrent: fc.constantFrom(TORRENT, TORRENT, OTHER),
  site: fc.integer({ min: 1, max: 3 }),
  host: fc.integer({ min: 1, max: 5 }),
  does: fc.constantFrom(
    'announce',
    'announce',
    'announce',
    'progress',
    'complete',
    'stop',
    'deliver',
    'deliver',
  ),
  // Often the same millisecond: then the content decides. All of it within the shortest lifetime.
  afterMs: fc.constantFrom(0, 0, 1, 1_500),
})

test('all nodes converge to the same table, with batches in any order and repeated', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0 }),
      fc.constantFrom<'auto' | number>('auto', 2),
      fc.array(step, { minLength: 1, maxLength: 80 }),
      (seed, gateways, steps) => {
        const clock = new ManualClock()
        const site = aSiteOfNodes(NODES + 2, seed, { clock, topology: aTopology({ gateways }) })
        const left = new Map<string, number>()
        for (const { node, torrent, site: of, host, does, afterMs } of steps) {
          clock.advanceMs(afterMs)
          if (does === 'deliver') {
            site.deliverSome(node)
            continue
          }
          const from = `127.${of}.${host % 2}.${host}`
          const key = `${from} ${torrent.toString()}`
          const before = left.get(key) ?? (host === 5 ? 0 : 1_000_000)
          const after = does === 'complete' ? 0 : does === 'progress' ? Math.max(0, before - 300_000) : before
          // A peer that stops may start again from nothing; a peer that continues never has less than before.
          if (does === 'stop') left.delete(key)
          else left.set(key, after)
          const event = does === 'stop' ? 'stopped' : does === 'complete' ? 'completed' : 'none'
          // The fifth host of a site may be a magnet client.
          const client = host === 5 ? 'A2-1-36-0-' : '-XX0000-'
          const downloaded = does === 'progress' ? 300_000 : 0
          site.nodes[node]?.announce(from, { torrent, left: after, event, client, downloaded })
        }
        site.deliverAll()
        const [first, ...others] = site.nodes.map(({ table }) => pictureOf(table, clock))
        for (const other of others) expect(other).toEqual(first)
      },
    ),
    { numRuns: 300 },
  )
})
