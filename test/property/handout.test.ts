/**
 * What must hold whatever the policy becomes, for any sequence of announces, stops and silences: random worlds of
 * three sites, driven by fast-check, which prints the seed of a failing one.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LINKS_MAX } from '../../src/swarm/introductions.ts'
import { flags } from '../../src/swarm/peer-rows.ts'
import type { SwarmTable } from '../../src/swarm/swarm-table.ts'
import { aTopology } from '../a-topology.ts'
import { aTracker, type TestTracker, TORRENT } from '../a-tracker.ts'

interface Step {
  readonly site: number
  readonly bubble: number
  readonly host: number
  readonly does: 'announce' | 'progress' | 'complete' | 'stop' | 'wait'
  readonly numwant: number
}

const step: fc.Arbitrary<Step> = fc.record({
  site: fc.integer({ min: 1, max: 3 }),
  bubble: fc.integer({ min: 0, max: 2 }),
  host: fc.integer({ min: 1, max: 12 }),
  does: fc.constantFrom('announce', 'announce', 'announce', 'progress', 'complete', 'stop', 'wait'),
  numwant: fc.constantFrom(0, 1, 3, 50, 200),
})

const world = fc.record({
  seed: fc.integer({ min: 0 }),
  gateways: fc.constantFrom<'auto' | number>('auto', 1, 2),
  steps: fc.array(step, { minLength: 1, maxLength: 150 }),
})

/** Runs the steps and hands every answer to `check`. */
function live(
  { seed, gateways, steps }: { seed: number; gateways: 'auto' | number; steps: readonly Step[] },
  check: (tracker: TestTracker, from: string, peers: readonly string[], step: Step) => void,
): TestTracker {
  const world = aTracker({ seed, topology: aTopology({ gateways }) })
  const left = new Map<string, number>()
  for (const step of steps) {
    const from = `127.${step.site}.${step.bubble}.${step.host}`
    const before = left.get(from) ?? 1_000_000
    const after =
      step.does === 'complete' ? 0 : step.does === 'progress' ? Math.max(0, before - 300_000) : before
    left.set(from, after)
    if (step.does === 'wait') world.clock.advanceMs(50_000)
    const event = step.does === 'stop' ? 'stopped' : step.does === 'complete' ? 'completed' : 'none'
    check(world, from, world.announce(from, { left: after, event, numwant: step.numwant }).peers, step)
  }
  return world
}

const siteOf = (peer: string) => Number(peer.split('.')[1]) - 1

function rowOf({ table }: TestTracker, peer: string): number {
  const [address, port] = peer.split(':') as [string, string]
  const swarm = table.swarm(TORRENT)
  const bits = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
  for (const row of liveRows(table))
    if (table.rows.address(row).word3 === bits && table.rows.port(row) === Number(port)) return row
  throw new Error(`${peer} is not in the table of ${swarm?.rows} rows`)
}

function* liveRows(table: SwarmTable): Generator<number> {
  for (let row = 0; row < table.rows.end; row++) if (table.rows.isLive(row)) yield row
}

test('only gateways, and whom they fetch from, are ever told of another site', () => {
  fc.assert(
    fc.property(world, (given) => {
      live(given, (world, from, peers) => {
        const remote = peers.filter((peer) => siteOf(peer) !== siteOf(from))
        if (remote.length === 0) return
        const row = rowOf(world, `${from}:6881`)
        const isGateway = world.table.rows.has(row, flags.gateway)
        const isSeed = world.table.rows.has(row, flags.seed)
        for (const peer of remote) {
          const other = world.table.siteOf(rowOf(world, peer)).gatewayOf(rowOf(world, peer))
          const upstream = other?.upstreamRow ?? -1
          // A finisher of the site that a gateway fetches from: complete, it takes nothing back.
          const isFirstFinisher =
            isSeed && upstream >= 0 && world.table.siteOf(upstream) === world.table.siteOf(row)
          expect(isGateway || upstream === row || isFirstFinisher, `${from} was told of ${peer}`).toBe(true)
        }
      })
    }),
    { numRuns: 300 },
  )
})

test('a site never has more gateways than the topology says, and none once it has a copy and is asked for it', () => {
  fc.assert(
    fc.property(world, (given) => {
      live(given, (world, from, _peers, step) => {
        const site = world.table.swarm(TORRENT)?.site(siteOf(from))
        if (site === undefined || step.does === 'stop') return
        expect(site.gateways.length).toBeLessThanOrEqual(given.gateways === 'auto' ? 1 : given.gateways)
        if (site.seeds > 0) expect(site.gateways).toEqual([])
      })
    }),
    { numRuns: 300 },
  )
})

test('introductions are symmetric, within one site, bounded, and never between two complete peers', () => {
  fc.assert(
    fc.property(world, (given) => {
      const { table } = live(given, () => {})
      for (const row of liveRows(table)) {
        const count = table.introductions.count(row)
        expect(count).toBeLessThanOrEqual(LINKS_MAX)
        for (let index = 0; index < count; index++) {
          const other = table.introductions.at(row, index)
          expect(table.rows.isLive(other)).toBe(true)
          expect(table.introductions.has(other, row)).toBe(true)
          expect(table.siteOf(other)).toBe(table.siteOf(row))
          expect(table.rows.has(row, flags.seed) && table.rows.has(other, flags.seed)).toBe(false)
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('the distribution tree over the sites has no loops, and nobody fetches from his own site', () => {
  fc.assert(
    fc.property(world, (given) => {
      live(given, (world) => {
        const swarm = world.table.swarm(TORRENT)
        for (const site of swarm?.sites ?? []) {
          const path = [site]
          for (let at = site; ;) {
            const upstream = at.gateways.find((gateway) => gateway.upstreamRow >= 0)?.upstreamRow
            if (upstream === undefined || at.seeds > 0) break
            at = world.table.siteOf(upstream)
            expect(path).not.toContain(at)
            path.push(at)
          }
        }
      })
    }),
    { numRuns: 300 },
  )
})

test('nobody is told of himself, of a peer twice, of more than he wants, or of a peer that has gone', () => {
  fc.assert(
    fc.property(world, (given) => {
      live(given, (world, from, peers, step) => {
        expect(peers).not.toContain(`${from}:6881`)
        expect(new Set(peers).size).toBe(peers.length)
        expect(peers.length).toBeLessThanOrEqual(step.numwant)
        for (const peer of peers) {
          const row = rowOf(world, peer)
          expect(world.table.rows.isExpired(row, world.clock.nowMs())).toBe(false)
        }
      })
    }),
    { numRuns: 300 },
  )
})

test('the same seed and the same announces give the same answers', () => {
  fc.assert(
    fc.property(world, (given) => {
      const heard = [0, 1].map(() => {
        const answers: (readonly string[])[] = []
        live(given, (_world, _from, peers) => answers.push(peers))
        return answers
      })
      expect(heard[0]).toEqual(heard[1])
    }),
    { numRuns: 100 },
  )
})

test('whoever joins a site is connected with its gateway through peers that know each other, in any order', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0 }),
      fc.array(fc.integer({ min: 0, max: 2 }), { minLength: 2, maxLength: 80 }),
      (seed, bubbles) => {
        const { announce, table } = aTracker({ seed })
        announce('127.1.1.1', { left: 0 })
        bubbles.forEach((bubble, host) => announce(`127.2.${bubble}.${host + 1}`))
        const gateway = table.swarm(TORRENT)?.site(1)?.gateways[0]?.row ?? -1
        const reached = new Set([gateway])
        for (const row of reached)
          for (let index = 0; index < table.introductions.count(row); index++)
            reached.add(table.introductions.at(row, index))
        expect(reached.size).toBe(bubbles.length)
      },
    ),
    { numRuns: 200 },
  )
})

test('explain says what the next announce then hears', () => {
  fc.assert(
    fc.property(world, (given) => {
      // Nobody waits: an announce after a while without progress is one of a peer that needs rescue.
      const world = live({ ...given, steps: given.steps.filter((step) => step.does !== 'wait') }, () => {})
      for (const site of [1, 2, 3]) {
        const from = `127.${site}.1.1`
        const row = [...liveRows(world.table)].find(
          (row) => world.table.rows.address(row).toString() === from,
        )
        if (row === undefined || world.table.rows.has(row, flags.seed)) continue
        const said = world
          .explain(from, 6881)
          ?.decision.choices.map((choice) => world.table.rows.address(choice.row).toString())
        const left = world.table.rows.leftKib(row) * 1024
        expect(world.announce(from, { left }).peers.map((peer) => peer.split(':')[0])).toEqual(said)
      }
    }),
    { numRuns: 100 },
  )
})
