/** What the nodes of one site tell each other, and what they make of it. */
import { SiteAuthority } from '../../../src/topology/site-authority.ts'
import { describe, expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { SeededRandom } from '../../../src/core/random.ts'
import { flags } from '../../../src/swarm/peer-rows.ts'
import type { SwarmTable } from '../../../src/swarm/swarm-table.ts'
import { SwarmReplica } from '../../../src/replication/swarm-replica.ts'
import { aSiteOfNodes, pictureOf } from '../../a-site-of-nodes.ts'
import { aTopology } from '../../a-topology.ts'
import { aTracker, at, type TestTracker, TORRENT } from '../../a-tracker.ts'

/** Two nodes, and what happens to the batches of the first one is the test's to say. */
function aPair(clock = new ManualClock()) {
  const batches: Buffer[] = []
  const teller = aTracker({ clock, log: { isShared: true, append: (batch) => void batches.push(batch) } })
  const listener = aTracker({ clock, seed: 2, log: { isShared: true, append: () => {} } })
  const hear = () => {
    teller.replica.flush()
    for (const batch of batches.splice(0)) listener.replica.apply(batch)
  }
  return { teller, listener, batches, hear, clock }
}

function rowOf(table: SwarmTable, address: string): number {
  const swarm = table.swarm(TORRENT)
  return swarm === undefined ? -1 : table.find(swarm, at(address), 6881)
}

const gatewaysOf = ({ table }: TestTracker, site: number) =>
  table
    .swarm(TORRENT)
    ?.site(site)
    ?.gateways.map(({ row }) => table.rows.address(row).toString()) ?? []

describe('a peer told to one node', () => {
  test('is handed out by the other', () => {
    const { teller, listener, hear } = aPair()
    teller.announce('127.1.1.1', { left: 0 })
    hear()
    expect(listener.announce('127.1.1.2').peers).toEqual(['127.1.1.1:6881'])
  })

  test('hears from the other node of the same peers', () => {
    const { teller, listener, hear } = aPair()
    for (let host = 1; host <= 8; host++) teller.announce(`127.1.1.${host}`)
    const told = teller.announce('127.1.1.5').peers
    hear()
    expect([...listener.announce('127.1.1.5').peers].sort()).toEqual([...told].sort())
  })

  test('is known as a gateway to the other, which elects no second one', () => {
    const { teller, listener, hear } = aPair()
    teller.announce('127.1.1.1', { left: 0 })
    teller.announce('127.2.1.1')
    hear()
    expect(listener.announce('127.2.1.1').peers).toEqual(['127.1.1.1:6881'])
    expect(listener.announce('127.2.1.2').peers).toEqual(['127.2.1.1:6881'])
    expect(listener.counted.elections).toEqual([])
  })

  test('that it finished is counted once by both, and believed of those who said so before', () => {
    const { teller, listener, hear } = aPair()
    teller.announce('127.1.1.9', { left: 0, client: 'A2-1-36-0-' })
    teller.announce('127.1.1.1')
    teller.announce('127.1.1.1', { left: 0, event: 'completed' })
    hear()
    expect(listener.table.swarm(TORRENT)?.downloaded).toBe(1)
    expect(listener.table.swarm(TORRENT)?.site(0)?.unverifiedSeeds).toBe(0)
  })
})

describe('a peer that stops', () => {
  test('is not brought back by a record from before that comes late', () => {
    const { teller, listener, batches, clock } = aPair()
    teller.announce('127.1.1.1')
    teller.replica.flush()
    const [announced] = batches.splice(0)
    clock.advanceMs(1_000)
    teller.announce('127.1.1.1', { event: 'stopped' })
    teller.replica.flush()
    const [stopped] = batches
    listener.replica.apply(stopped as Buffer)
    listener.replica.apply(announced as Buffer)
    expect(listener.table.rows.live).toBe(0)
  })

  test('is gone everywhere, whichever node it told', () => {
    const { teller, listener, hear } = aPair()
    listener.announce('127.1.1.1')
    teller.announce('127.1.1.1', { event: 'stopped' })
    hear()
    expect(listener.table.rows.live).toBe(0)
  })

  test('and comes back in the same millisecond is there', () => {
    const { teller, listener, hear } = aPair()
    teller.announce('127.1.1.1')
    teller.announce('127.1.1.1', { event: 'stopped' })
    teller.announce('127.1.1.1')
    hear()
    expect(listener.table.rows.live).toBe(1)
  })
})

describe('two states of a peer from the same millisecond', () => {
  test('the one that has more of the torrent stays, on both nodes', () => {
    const clock = new ManualClock()
    const site = aSiteOfNodes(2, 1, { clock })
    site.nodes[0]?.announce('127.1.1.1', { left: 2_048 })
    site.nodes[1]?.announce('127.1.1.1', { left: 0 })
    site.nodes[0]?.announce('127.1.1.2', { left: 1_024 })
    site.nodes[1]?.announce('127.1.1.2', { left: 4_096 })
    site.deliverAll()
    for (const { table } of site.nodes) {
      expect(table.rows.has(rowOf(table, '127.1.1.1'), flags.seed)).toBe(true)
      expect(table.rows.leftKib(rowOf(table, '127.1.1.2'))).toBe(1)
    }
  })
})

describe('two nodes that could not ask each other', () => {
  test('made two gateways, and both keep the one that was first', () => {
    const clock = new ManualClock()
    const site = aSiteOfNodes(2, 1, { clock })
    for (const node of site.nodes) node.announce('127.1.1.1', { left: 0 })
    site.nodes[1]?.announce('127.2.1.2')
    clock.advanceMs(5)
    site.nodes[0]?.announce('127.2.1.1')
    site.deliverAll()
    expect(site.nodes.map((node) => gatewaysOf(node, 1))).toEqual([['127.2.1.2'], ['127.2.1.2']])
    for (const { table } of site.nodes) expect(table.swarm(TORRENT)?.site(1)?.gatewayHostsEver).toBe(2)
  })

  test('at the same moment: both keep the one with the lower address', () => {
    const clock = new ManualClock()
    const site = aSiteOfNodes(2, 1, { clock })
    for (const node of site.nodes) node.announce('127.1.1.1', { left: 0 })
    site.nodes[0]?.announce('127.2.1.2')
    site.nodes[1]?.announce('127.2.1.1')
    site.deliverAll()
    expect(site.nodes.map((node) => gatewaysOf(node, 1))).toEqual([['127.2.1.1'], ['127.2.1.1']])
  })

  test('as many as the topology allows: both keep both', () => {
    const clock = new ManualClock()
    const site = aSiteOfNodes(2, 1, { clock, topology: aTopology({ gateways: 2 }) })
    for (const node of site.nodes) node.announce('127.1.1.1', { left: 0 })
    site.nodes[0]?.announce('127.2.1.2')
    site.nodes[1]?.announce('127.2.1.1')
    site.deliverAll()
    for (const node of site.nodes) expect(gatewaysOf(node, 1).toSorted()).toEqual(['127.2.1.1', '127.2.1.2'])
  })
})

describe('what is recorded', () => {
  test('goes out as one batch for all announces of a turn, and nothing goes out where nothing happened', () => {
    const { teller, batches } = aPair()
    for (let host = 1; host <= 5; host++) teller.announce(`127.1.1.${host}`)
    expect(batches).toEqual([])
    teller.replica.flush()
    expect(batches).toHaveLength(1)
    teller.replica.flush()
    expect(batches).toHaveLength(1)
  })

  test('is asked to be sent once a turn', () => {
    const asked: (() => void)[] = []
    const batches: Buffer[] = []
    const { table, clock, topology } = aTracker()
    const replica = new SwarmReplica({
      table,
      log: { isShared: true, append: (batch) => void batches.push(batch) },
      completions: { add: () => {} },
      clock,
      random: new SeededRandom(1),
      topology,
      authority: new SiteAuthority(),
      afterTurn: (flush) => void asked.push(flush),
    })
    replica.recordRemoval({ infoHash: TORRENT, address: at('127.1.1.1'), port: 1, atMs: 1 })
    replica.recordRemoval({ infoHash: TORRENT, address: at('127.1.1.2'), port: 1, atMs: 1 })
    expect([asked.length, batches.length]).toEqual([1, 0])
    asked[0]?.()
    replica.recordRemoval({ infoHash: TORRENT, address: at('127.1.1.3'), port: 1, atMs: 1 })
    expect([asked.length, batches.length]).toEqual([2, 1])
  })

  test('is nothing where nobody shares the log', () => {
    const batches: Buffer[] = []
    const alone = aTracker({ log: { isShared: false, append: (batch) => void batches.push(batch) } })
    alone.announce('127.1.1.1')
    alone.replica.flush()
    expect(batches).toEqual([])
  })
})

describe('a dump', () => {
  test('makes of an empty table the same one', () => {
    const { teller, listener, clock } = aPair()
    for (let site = 1; site <= 3; site++)
      for (let host = 1; host < 9; host++)
        teller.announce(`127.${site}.${host % 3}.${host}`, { left: site === 1 ? 0 : 1_000_000 })
    teller.announce('127.2.1.1', { left: 0, event: 'completed' })
    teller.announce('127.2.1.4', { event: 'stopped' })
    for (const batch of teller.replica.dump('all')) listener.replica.apply(batch)
    expect(pictureOf(listener.table, clock)).toEqual(pictureOf(teller.table, clock))
  })

  test('leaves out what the log is known to have, until the log was emptied', () => {
    const { teller, batches } = aPair()
    const peersIn = (dump: Iterable<Buffer>) => {
      const other = aTracker({ clock: teller.clock })
      for (const batch of dump) other.replica.apply(batch)
      return other.table.rows.live
    }
    teller.announce('127.1.1.1')
    teller.announce('127.1.1.2')
    teller.replica.flush()
    expect(peersIn(teller.replica.dump('all'))).toBe(2)
    for (const batch of batches) teller.replica.apply(batch)
    teller.announce('127.1.1.2')
    expect(peersIn(teller.replica.dump('all'))).toBe(1)
    teller.replica.forgetLogged()
    expect(peersIn(teller.replica.dump('all'))).toBe(2)
  })

  test('since a moment has what this node itself heard since then', () => {
    const { teller, listener, hear, clock } = aPair()
    teller.announce('127.1.1.1')
    hear()
    listener.announce('127.1.1.2')
    clock.advanceMs(1_000)
    listener.announce('127.1.1.3')
    const other = aTracker({ clock })
    for (const batch of listener.replica.dump({ sinceMs: clock.nowMs() })) other.replica.apply(batch)
    expect(
      [...Array(other.table.rows.live).keys()].map((row) => other.table.rows.address(row).toString()),
    ).toEqual(['127.1.1.3'])
  })
})

test('a batch of another version is counted, and changes nothing', () => {
  const { teller, listener, batches } = aPair()
  teller.announce('127.1.1.1')
  teller.replica.flush()
  const [batch] = batches as [Buffer]
  batch[0] = 2
  listener.replica.apply(batch)
  expect([listener.replica.refusedBatches, listener.table.rows.live]).toEqual([1, 0])
})

test('what was noted moves along with the time of the site', () => {
  const { teller, listener, hear, clock } = aPair()
  teller.announce('127.1.1.1', { left: 0 })
  teller.announce('127.2.1.1')
  hear()
  teller.replica.shiftTime(3_600_000)
  listener.replica.shiftTime(3_600_000)
  clock.advanceMs(3_600_000)
  teller.table.sweep(clock.nowMs(), 100)
  expect(teller.table.rows.live).toBe(2)
  teller.announce('127.2.1.1')
  hear()
  expect(pictureOf(listener.table, clock)).toEqual(pictureOf(teller.table, clock))
})
