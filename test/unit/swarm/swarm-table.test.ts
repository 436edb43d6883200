import { expect, test } from 'vitest'
import { SeededRandom } from '../../../src/core/random.ts'
import { flags } from '../../../src/swarm/peer-rows.ts'
import type { PeerState, Role } from '../../../src/swarm/peer-state.ts'
import { SwarmTable } from '../../../src/swarm/swarm-table.ts'
import { aTracker, at, TORRENT } from '../../a-tracker.ts'

const OTHER = Buffer.alloc(20, 'other')

const aState = (over: Partial<PeerState> = {}): PeerState => ({
  infoHash: TORRENT,
  address: at('127.1.1.1'),
  port: 6881,
  identity: 1,
  role: 'leecher',
  leftKib: 100,
  downloadedKib: 0,
  lastSeenMs: 1_000_000,
  lifetimeSeconds: 100,
  stalls: 0,
  isUnverifiedSeed: false,
  isVerifiedSeed: false,
  isUnreachable: false,
  isSlowToForward: false,
  clientCode: undefined,
  ...over,
})

test('a dual-stack client counts once, and is handed out with both addresses', () => {
  const { announce } = aTracker()
  const dualStack = { peerId: '-XX0000-abcdefghijkl', key: 'k' }
  announce('127.1.1.1', dualStack)
  const { complete, incomplete } = announce('127.1.1.2', dualStack)
  expect({ complete, incomplete }).toEqual({ complete: 0, incomplete: 1 })
})

test('peers that share a peer id but send no key are two peers', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { peerId: '-XX0000-abcdefghijkl' })
  expect(announce('127.1.1.2', { peerId: '-XX0000-abcdefghijkl' }).incomplete).toBe(2)
})

test('stopped removes only the address it came from', () => {
  const { announce, table } = aTracker()
  const client = { peerId: '-XX0000-abcdefghijkl', key: 'k' }
  announce('127.1.1.1', client)
  announce('127.1.1.2', client)
  announce('127.1.1.1', { ...client, event: 'stopped' })
  expect(table.rows.live).toBe(1)
})

test('a client is still counted when one of its two addresses stops', () => {
  const { announce, tracker } = aTracker()
  const client = { peerId: '-XX0000-abcdefghijkl', key: 'k', left: 0 }
  announce('127.1.1.1', client)
  announce('127.1.1.2', client)
  announce('127.1.1.1', { ...client, event: 'stopped' })
  expect(tracker.scrape([TORRENT], at('127.1.1.3'))[0]?.complete).toBe(1)
  announce('127.1.1.2', { ...client, event: 'stopped' })
  expect(tracker.scrape([TORRENT], at('127.1.1.3'))[0]?.complete).toBe(0)
})

test('a client that moved to another address is counted, and so is its download', () => {
  // As after a new DHCP lease. The new address was the second one, and stayed uncounted after the first had expired.
  const { announce, clock, table } = aTracker()
  const client = { peerId: '-XX0000-abcdefghijkl', key: 'k' }
  announce('127.1.1.1', client)
  for (let minutes = 0; minutes < 10; minutes++) {
    clock.advanceMs(60_000)
    announce('127.1.1.2', client)
    table.sweep(clock.nowMs(), 10)
  }
  const { incomplete } = announce('127.1.1.2', client)
  const { complete, downloaded } = announce('127.1.1.2', { ...client, left: 0, event: 'completed' })
  expect({ incomplete, complete, downloaded }).toEqual({ incomplete: 1, complete: 1, downloaded: 1 })
})

test('a swarm that finds the table full leaves nothing behind', () => {
  const { announce, table } = aTracker({ limits: { peersMax: 0, swarmsMax: 10 } })
  expect(() => announce('127.1.1.1')).toThrow('node is full')
  expect(table.swarmCount).toBe(0)
})

test('a download counts once, even if completed is announced repeatedly', () => {
  const { announce, table } = aTracker()
  announce('127.1.1.1', { left: 5 })
  for (let again = 0; again < 3; again++) announce('127.1.1.1', { left: 0, event: 'completed' })
  expect(table.swarm(TORRENT)?.downloaded).toBe(1)
})

test('a peer that starts complete is not counted as a download', () => {
  const { announce } = aTracker()
  expect(announce('127.1.1.1', { left: 0, event: 'completed' }).downloaded).toBe(0)
})

test('the number of downloads outlives the last peer', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 5 })
  announce('127.1.1.1', { left: 0, event: 'completed' })
  announce('127.1.1.1', { left: 0, event: 'stopped' })
  expect(announce('127.1.1.2').downloaded).toBe(1)
})

test('a partial seed is incomplete, but no downloader', () => {
  const { announce, tracker } = aTracker()
  announce('127.1.1.1', { left: 5, event: 'paused' })
  announce('127.1.1.2', { left: 5 })
  expect(tracker.scrape([TORRENT], at('127.1.1.1'))).toEqual([
    { complete: 0, downloaded: 0, downloaders: 1, incomplete: 2 },
  ])
})

test('a peer that accepts no connections is counted and never handed out', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { port: 1, protocol: 'udp' })
  const { incomplete, peers } = announce('127.1.1.2')
  expect(incomplete).toBe(2)
  expect(peers).toEqual([])
})

test('a peer stays until the end of its lifetime, and is removed one millisecond later', () => {
  const table = new SwarmTable([0])
  table.put(aState(), 0)
  expect(table.sweep(1_100_000, 1000)).toBe(0)
  expect(table.sweep(1_100_001, 1000)).toBe(1)
  expect(table.swarmCount).toBe(0)
})

test('one sweep scans at most the given number of rows, and the next ones the rest', () => {
  const table = new SwarmTable([0])
  for (let host = 0; host < 100; host++) table.put(aState({ port: 1000 + host, identity: host }), 0)
  expect([table.sweep(2_000_000, 60), table.sweep(2_000_000, 60)]).toEqual([60, 40])
})

test('a full table drops the emptiest swarms, not the growing one', () => {
  const table = new SwarmTable([0], { peersMax: 20, swarmsMax: 100 })
  for (let host = 0; host < 10; host++) table.put(aState({ port: 1000 + host, identity: host }), 0)
  for (let torrent = 0; torrent < 30; torrent++)
    table.put(aState({ infoHash: Buffer.alloc(20, torrent), identity: 1 }), 0)
  expect(table.rows.live).toBe(20)
  expect(table.swarm(TORRENT)?.rows).toBe(10)
})

test('a table with the maximal number of swarms replaces an old one by a new one', () => {
  const table = new SwarmTable([0], { peersMax: 1000, swarmsMax: 3 })
  for (let torrent = 0; torrent < 5; torrent++)
    table.put(aState({ infoHash: Buffer.alloc(20, torrent), identity: 1 }), 0)
  expect(table.swarmCount).toBe(3)
  expect(table.swarm(Buffer.alloc(20, 4))?.rows).toBe(1)
})

test('a download is counted from the last announce, and from zero after a restart of the client', () => {
  const { announce, counted } = aTracker()
  announce('127.1.1.9', { left: 0 })
  announce('127.2.1.1', { event: 'started' })
  announce('127.2.1.1', { downloaded: 10 * 1024 })
  announce('127.2.1.1', { downloaded: 4 * 1024 })
  expect(counted.downloadedBytes).toEqual([
    { site: 1, bytes: 10_240, isGateway: true },
    { site: 1, bytes: 4_096, isGateway: true },
  ])
})

/** The table against a plain Map, over random additions and removals: same peers, same counts, nothing left over. */
test('ten thousand random additions and removals leave the content of a plain map', () => {
  const random = new SeededRandom(7)
  const table = new SwarmTable([0, 0, 1])
  const model = new Map<string, { role: Role; place: number }>()
  for (let turn = 0; turn < 10_000; turn++) {
    const infoHash = random.below(3) === 0 ? OTHER : TORRENT
    const host = random.below(300)
    const address = host % 2 === 0 ? at(`10.0.0.${host >> 1}`) : at(`fd00::${(host >> 1).toString(16)}`)
    const key = `${infoHash.toString()} ${address.toString()}`
    const swarm = table.swarm(infoHash)
    const row = swarm === undefined ? -1 : table.find(swarm, address, 6881)
    expect(row >= 0).toBe(model.has(key))
    if (random.below(3) === 0) {
      if (row >= 0) table.remove(row, 'stopped')
      model.delete(key)
    } else {
      const role = (['leecher', 'seed', 'partial'] as const)[random.below(3)] as Role
      const place = random.below(3)
      table.put(aState({ infoHash, address, role, identity: host, lastSeenMs: 1_000_000 + turn }), place)
      model.set(key, { role, place })
    }
  }
  expect(table.rows.live).toBe(model.size)
  for (const infoHash of [TORRENT, OTHER])
    for (const site of [0, 1]) {
      const of = [...model].filter(
        ([key, { place }]) => key.startsWith(infoHash.toString()) && (place === 2) === (site === 1),
      )
      const found = table.swarm(infoHash)?.site(site)
      expect([found?.leechers, found?.seeds, found?.partial]).toEqual(
        ['leecher', 'seed', 'partial'].map((role) => of.filter(([, peer]) => peer.role === role).length),
      )
    }
  for (let row = 0; row < table.rows.end; row++) if (table.rows.isLive(row)) table.remove(row, 'stopped')
  expect([table.rows.live, table.swarmCount, table.introductions.blocksInUse]).toEqual([0, 0, 0])
})

test('an address in its IPv4-mapped form is the same peer', () => {
  const { announce } = aTracker()
  announce('127.1.1.1')
  expect(announce('::ffff:127.1.1.1').incomplete).toBe(1)
})

test('a seed that becomes incomplete is a leecher again', () => {
  const { announce, table } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.1.1.1', { left: 500 })
  expect(table.swarm(TORRENT)?.site(0)).toMatchObject({ seeds: 0, leechers: 1 })
  expect(table.rows.has(0, flags.seed)).toBe(false)
})

test('a clock that is set back by a day does not keep a peer that left for a day', () => {
  const { announce, clock, table } = aTracker()
  announce('127.1.1.1')
  clock.advanceMs(-86_400_000)
  table.sweep(clock.nowMs(), 10)
  clock.advanceMs(600_000)
  table.sweep(clock.nowMs(), 10)
  expect(table.rows.live).toBe(0)
})
