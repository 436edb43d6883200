/** Replication between the nodes of one site: the records that a node writes, and their effect on another one. */
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

/** Two nodes; the test delivers the batches of the first one. */
function aPair(clock = new ManualClock()) {
  const batches: Buffer[] = []
  const sender = aTracker({ clock, log: { isShared: true, append: (batch) => void batches.push(batch) } })
  const receiver = aTracker({ clock, seed: 2, log: { isShared: true, append: () => {} } })
  const deliver = () => {
    sender.replica.flush()
    for (const batch of batches.splice(0)) receiver.replica.apply(batch)
  }
  return { sender, receiver, batches, deliver, clock }
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

describe('a peer that announces to one node', () => {
  test('is handed out by the other', () => {
    const { sender, receiver, deliver } = aPair()
    sender.announce('127.1.1.1', { left: 0 })
    deliver()
    expect(receiver.announce('127.1.1.2').peers).toEqual(['127.1.1.1:6881'])
  })

  test('is handed out the same peers by the other', () => {
    const { sender, receiver, deliver } = aPair()
    for (let host = 1; host <= 8; host++) sender.announce(`127.1.1.${host}`)
    const before = sender.announce('127.1.1.5').peers
    deliver()
    expect([...receiver.announce('127.1.1.5').peers].sort()).toEqual([...before].sort())
  })

  test('has the same client software on both, also after another client took its address and port', () => {
    const { sender, receiver, deliver, clock } = aPair()
    const codes = () =>
      [sender, receiver].map(({ table }) => table.clientCodes.get(rowOf(table, '127.1.1.1')))
    sender.announce('127.1.1.1', { client: '-LT2080-' })
    deliver()
    expect(codes()).toEqual(['-LT2080-', '-LT2080-'])
    // Half a lifetime of silence.
    clock.advanceMs(3_600_000)
    sender.announce('127.1.1.1', { client: '-TR3000-' })
    deliver()
    expect(codes()).toEqual(['-TR3000-', '-TR3000-'])
  })

  test('is a gateway on the other, which elects no second one', () => {
    const { sender, receiver, deliver } = aPair()
    sender.announce('127.1.1.1', { left: 0 })
    sender.announce('127.2.1.1')
    deliver()
    expect(receiver.announce('127.2.1.1').peers).toEqual(['127.1.1.1:6881'])
    expect(receiver.announce('127.2.1.2').peers).toEqual(['127.2.1.1:6881'])
    expect(receiver.counted.elections).toEqual([])
  })

  test('has its completion counted once by both, and earlier claims of seeds are verified by it', () => {
    const { sender, receiver, deliver } = aPair()
    sender.announce('127.1.1.9', { left: 0, client: 'A2-1-36-0-' })
    sender.announce('127.1.1.1')
    sender.announce('127.1.1.1', { left: 0, event: 'completed' })
    deliver()
    expect(receiver.table.swarm(TORRENT)?.downloaded).toBe(1)
    expect(receiver.table.swarm(TORRENT)?.site(0)?.unverifiedSeeds).toBe(0)
  })
})

describe('a peer that stops', () => {
  test('is not restored by an older record that arrives late', () => {
    const { sender, receiver, batches, clock } = aPair()
    sender.announce('127.1.1.1')
    sender.replica.flush()
    const [announced] = batches.splice(0)
    clock.advanceMs(1_000)
    sender.announce('127.1.1.1', { event: 'stopped' })
    sender.replica.flush()
    const [stopped] = batches
    receiver.replica.apply(stopped as Buffer)
    receiver.replica.apply(announced as Buffer)
    expect(receiver.table.rows.live).toBe(0)
  })

  test('is removed on all nodes, whichever node it announced to', () => {
    const { sender, receiver, deliver } = aPair()
    receiver.announce('127.1.1.1')
    sender.announce('127.1.1.1', { event: 'stopped' })
    deliver()
    expect(receiver.table.rows.live).toBe(0)
  })

  test('and starts again in the same millisecond is present', () => {
    const { sender, receiver, deliver } = aPair()
    sender.announce('127.1.1.1')
    sender.announce('127.1.1.1', { event: 'stopped' })
    sender.announce('127.1.1.1')
    deliver()
    expect(receiver.table.rows.live).toBe(1)
  })
})

describe('two states of a peer from the same millisecond', () => {
  test('the one with more of the torrent wins, on both nodes', () => {
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

describe('two nodes without a connection', () => {
  test('elect two gateways, and both keep the first one', () => {
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

  test('elect two gateways at the same moment, and both keep the one with the lower address', () => {
    const clock = new ManualClock()
    const site = aSiteOfNodes(2, 1, { clock })
    for (const node of site.nodes) node.announce('127.1.1.1', { left: 0 })
    site.nodes[0]?.announce('127.2.1.2')
    site.nodes[1]?.announce('127.2.1.1')
    site.deliverAll()
    expect(site.nodes.map((node) => gatewaysOf(node, 1))).toEqual([['127.2.1.1'], ['127.2.1.1']])
  })

  test('elect as many gateways as the topology allows, and both keep them', () => {
    const clock = new ManualClock()
    const site = aSiteOfNodes(2, 1, { clock, topology: aTopology({ gateways: 2 }) })
    for (const node of site.nodes) node.announce('127.1.1.1', { left: 0 })
    site.nodes[0]?.announce('127.2.1.2')
    site.nodes[1]?.announce('127.2.1.1')
    site.deliverAll()
    for (const node of site.nodes) expect(gatewaysOf(node, 1).toSorted()).toEqual(['127.2.1.1', '127.2.1.2'])
  })
})

describe('records', () => {
  test('of all announces of a turn are one batch, and a turn without records has none', () => {
    const { sender, batches } = aPair()
    for (let host = 1; host <= 5; host++) sender.announce(`127.1.1.${host}`)
    expect(batches).toEqual([])
    sender.replica.flush()
    expect(batches).toHaveLength(1)
    sender.replica.flush()
    expect(batches).toHaveLength(1)
  })

  test('schedule one flush a turn', () => {
    const scheduled: (() => void)[] = []
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
      afterTurn: (flush) => void scheduled.push(flush),
    })
    replica.recordRemoval({ infoHash: TORRENT, address: at('127.1.1.1'), port: 1, atMs: 1 })
    replica.recordRemoval({ infoHash: TORRENT, address: at('127.1.1.2'), port: 1, atMs: 1 })
    expect([scheduled.length, batches.length]).toEqual([1, 0])
    scheduled[0]?.()
    replica.recordRemoval({ infoHash: TORRENT, address: at('127.1.1.3'), port: 1, atMs: 1 })
    expect([scheduled.length, batches.length]).toEqual([2, 1])
  })

  test('are not written where the log is not shared', () => {
    const batches: Buffer[] = []
    const alone = aTracker({ log: { isShared: false, append: (batch) => void batches.push(batch) } })
    alone.announce('127.1.1.1')
    alone.replica.flush()
    expect(batches).toEqual([])
  })
})

describe('the snapshot of a table', () => {
  test('makes an empty table equal to it', () => {
    const { sender, receiver, clock } = aPair()
    for (let site = 1; site <= 3; site++)
      for (let host = 1; host < 9; host++)
        sender.announce(`127.${site}.${host % 3}.${host}`, { left: site === 1 ? 0 : 1_000_000 })
    sender.announce('127.2.1.1', { left: 0, event: 'completed' })
    sender.announce('127.2.1.4', { event: 'stopped' })
    for (const batch of sender.replica.snapshotRecords('all')) receiver.replica.apply(batch)
    expect(pictureOf(receiver.table, clock)).toEqual(pictureOf(sender.table, clock))
  })

  test('omits records that the log is known to have, until the log is emptied', () => {
    const { sender, batches } = aPair()
    const peersIn = (snapshot: Iterable<Buffer>) => {
      const other = aTracker({ clock: sender.clock })
      for (const batch of snapshot) other.replica.apply(batch)
      return other.table.rows.live
    }
    sender.announce('127.1.1.1')
    sender.announce('127.1.1.2')
    sender.replica.flush()
    expect(peersIn(sender.replica.snapshotRecords('all'))).toBe(2)
    for (const batch of batches) sender.replica.apply(batch)
    sender.announce('127.1.1.2')
    expect(peersIn(sender.replica.snapshotRecords('all'))).toBe(1)
    sender.replica.forgetLogged()
    expect(peersIn(sender.replica.snapshotRecords('all'))).toBe(2)
  })

  test('since a moment has the announces that this node itself received since then', () => {
    const { sender, receiver, deliver, clock } = aPair()
    sender.announce('127.1.1.1')
    deliver()
    receiver.announce('127.1.1.2')
    clock.advanceMs(1_000)
    receiver.announce('127.1.1.3')
    const other = aTracker({ clock })
    for (const batch of receiver.replica.snapshotRecords({ sinceMs: clock.nowMs() }))
      other.replica.apply(batch)
    expect(
      [...Array(other.table.rows.live).keys()].map((row) => other.table.rows.address(row).toString()),
    ).toEqual(['127.1.1.3'])
  })
})

test('a batch of another version is counted, and changes nothing', () => {
  const { sender, receiver, batches } = aPair()
  sender.announce('127.1.1.1')
  sender.replica.flush()
  const [batch] = batches as [Buffer]
  batch[0] = 2
  receiver.replica.apply(batch)
  expect([receiver.replica.refusedBatches, receiver.table.rows.live]).toEqual([1, 0])
})

test('stored timestamps move with the time of the site', () => {
  const { sender, receiver, deliver, clock } = aPair()
  sender.announce('127.1.1.1', { left: 0 })
  sender.announce('127.2.1.1')
  deliver()
  sender.replica.shiftTime(3_600_000)
  receiver.replica.shiftTime(3_600_000)
  clock.advanceMs(3_600_000)
  sender.table.sweep(clock.nowMs(), 100)
  expect(sender.table.rows.live).toBe(2)
  sender.announce('127.2.1.1')
  deliver()
  expect(pictureOf(receiver.table, clock)).toEqual(pictureOf(sender.table, clock))
})
