/**
 * Invariant: a leecher is never answered with an empty list of peers while its site has a peer that it can use. Random
 * sites of libtorrent and other clients, over HTTP and UDP, whose hosts come, progress, complete, close their ports and
 * vanish. A response may be deferred; what counts is the table at the moment of the response.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Refusal } from '../../src/core/errors.ts'
import { flags } from '../../src/swarm/peer-rows.ts'
import { aTopology } from '../a-topology.ts'
import { at, aTracker, type TestTracker, TORRENT } from '../a-tracker.ts'

const SIZE_BYTES = 50_000_000
const DEFERRED_SECONDS_MAX = 50

const step = fc.record({
  site: fc.integer({ min: 1, max: 3 }),
  bubble: fc.integer({ min: 1, max: 2 }),
  host: fc.integer({ min: 1, max: 4 }),
  client: fc.constantFrom('-LT2080-', '-LT2080-', '-qB4500-', 'A2-1-36-', '-TR3000-'),
  protocol: fc.constantFrom<'http' | 'udp'>('http', 'http', 'udp'),
  does: fc.constantFrom(
    'announce',
    'announce',
    'announce',
    'progress',
    'complete',
    'stop',
    'close',
    'vanish',
  ),
  numwant: fc.constantFrom(1, 50),
  /** Half seconds that pass afterwards. */
  ticks: fc.constantFrom(0, 0, 0, 1, 10, 60, 300),
})

const world = fc.record({
  seed: fc.integer({ min: 0 }),
  gateways: fc.constantFrom<'auto' | number>('auto', 2),
  hasSource: fc.boolean(),
  steps: fc.array(step, { minLength: 1, maxLength: 40 }),
})

/** Peers of the site that the host could connect to, apart from itself. */
function usableFor({ table, clock }: TestTracker, from: string): string[] {
  const { rows } = table
  const swarm = table.swarm(TORRENT)
  const own = swarm === undefined ? -1 : table.find(swarm, at(from), 6881)
  const usable: string[] = []
  for (let row = 0; row < rows.end; row++) {
    if (own < 0 || row === own || !rows.isLive(row) || table.siteOf(row) !== table.siteOf(own)) continue
    const isUsable = !rows.isExpired(row, clock.nowMs()) && !rows.has(row, flags.unreachable)
    if (isUsable) usable.push(rows.address(row).toString())
  }
  return usable
}

test('a leecher is never answered with an empty list while its site has a peer that it can use', async () => {
  await fc.assert(
    fc.asyncProperty(world, async ({ seed, gateways, hasSource, steps }) => {
      const site = aTracker({ seed, topology: aTopology({ gateways }) })
      const left = new Map<string, number>()
      const pass = async (ticks: number) => {
        for (let tick = 0; tick < ticks; tick++) {
          site.clock.advanceMs(500)
          site.tracker.tick()
          for (let turn = 0; turn < 8; turn++) await Promise.resolve()
        }
      }
      let answered = 0
      const announces = new Set<Promise<void>>()
      const announce = (from: string, announcement: Parameters<TestTracker['announce']>[1]) => {
        const responded = async () => {
          const given = { left: left.get(from) ?? SIZE_BYTES, ...announcement }
          // A datagram that came too early has no response with peers.
          const { peers } = await site.announceLater(from, given).catch((error: unknown) => {
            expect(error).toBeInstanceOf(Refusal)
            return { peers: undefined }
          })
          if (peers === undefined) return
          answered++
          const isLeecher = (left.get(from) ?? SIZE_BYTES) > 0 && announcement?.event !== 'stopped'
          if (isLeecher && peers.length === 0) expect(usableFor(site, from)).toEqual([])
        }
        announces.add(responded())
      }
      if (hasSource) announce('127.1.0.9', { left: 0 })
      left.set('127.1.0.9', 0)
      for (const { does, ticks, ...each } of steps) {
        const from = `127.${each.site}.${each.bubble}.${each.host}`
        if (does === 'close') site.observe(from, { reachability: 'unreachable' })
        else if (does === 'vanish') site.observe(from, { isGone: true })
        else {
          const before = left.get(from) ?? SIZE_BYTES
          left.set(from, does === 'complete' ? 0 : does === 'progress' ? Math.ceil(before / 2) : before)
          const event = does === 'stop' ? 'stopped' : does === 'complete' ? 'completed' : 'none'
          announce(from, { client: each.client, protocol: each.protocol, numwant: each.numwant, event })
          for (let turn = 0; turn < 8; turn++) await Promise.resolve()
        }
        await pass(ticks)
      }
      await pass(2 * DEFERRED_SECONDS_MAX)
      await Promise.all(announces)
      expect(answered).toBeGreaterThanOrEqual(hasSource ? 1 : 0)
    }),
    { numRuns: 150 },
  )
})
