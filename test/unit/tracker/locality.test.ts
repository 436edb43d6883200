import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { Refusal } from '../../../src/core/errors.ts'
import { aTopology } from '../../a-topology.ts'
import { aTracker, TORRENT } from '../../a-tracker.ts'

const siteOf = (peer: string) => peer.split('.')[1]
function refusalOf(act: () => unknown): Refusal | undefined {
  try {
    act()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  return undefined
}

const remoteTo = (address: string, peers: readonly string[]) =>
  peers.filter((peer) => siteOf(peer) !== siteOf(address))

test('the first leecher of a site without a copy is handed the remote source, the others are not', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0, event: 'started' })
  expect(announce('127.2.1.1').peers).toEqual(['127.1.1.1:6881'])
  for (let host = 2; host <= 40; host++) {
    const { peers } = announce(`127.2.1.${host}`)
    expect(peers.length).toBeGreaterThan(0)
    expect(remoteTo('127.2.1.0', peers)).toEqual([])
  }
})

test('a leecher is handed peers of its own bubble first, then of another bubble of its site', () => {
  const { announce } = aTracker()
  announce('127.2.1.1')
  for (const host of ['127.2.1.2', '127.2.1.3', '127.2.2.2', '127.2.2.3', '127.2.1.4', '127.2.2.4'])
    announce(host)
  const bubbles = announce('127.2.1.5').peers.map((peer) => peer.split('.')[2])
  expect(bubbles).toContain('1')
  expect(bubbles).toContain('2')
  expect(bubbles).toEqual(bubbles.toSorted((a, b) => Number(a) - Number(b)))
})

test('the source is handed the gateway that fetches from it, and few peers of its own site', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1')
  for (let host = 2; host < 10; host++) announce(`127.1.1.${host}`)
  const { peers } = announce('127.1.1.1', { left: 0 })
  expect(remoteTo('127.1.1.1', peers)).toEqual(['127.2.1.1:6881'])
  expect(peers.length).toBe(2)
})

test('a second site fetches from the first one, whose link is free, not from the source', () => {
  const { announce } = aTracker({ topology: aTopology({ cost: () => 100 }) })
  announce('127.1.1.1', { left: 0 })
  expect(announce('127.2.1.1').peers).toEqual(['127.1.1.1:6881'])
  expect(announce('127.3.1.1').peers).toEqual(['127.2.1.1:6881'])
})

test('a site fetches over a cheap link that is in use rather than over an expensive one that is free', () => {
  const cost = (a: number, b: number) => (Math.min(a, b) === 0 ? 10 : 100)
  const { announce } = aTracker({ topology: aTopology({ cost }) })
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1')
  expect(announce('127.3.1.1').peers).toEqual(['127.1.1.1:6881'])
})

test('after the gateway stopped, the next requester becomes gateway', () => {
  const { announce, counted } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1')
  announce('127.2.1.2')
  announce('127.2.1.1', { event: 'stopped' })
  expect(remoteTo('127.2.1.3', announce('127.2.1.3').peers)).toEqual(['127.1.1.1:6881'])
  expect(counted.elections.map(({ cause }) => cause)).toEqual(['first', 'stopped'])
})

test('after the gateway expired, the next requester becomes gateway', () => {
  const { announce, counted, clock } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1')
  clock.advanceMs(100_000)
  expect(remoteTo('127.2.1.2', announce('127.2.1.2').peers)).toEqual([])
  clock.advanceMs(100_000)
  announce('127.1.1.1', { left: 0 })
  expect(remoteTo('127.2.1.2', announce('127.2.1.2').peers)).toEqual(['127.1.1.1:6881'])
  expect(counted.elections.at(-1)).toEqual({ site: 1, cause: 'expired' })
})

test('a warm site is handed no remote peer', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1', { left: 500 })
  announce('127.2.1.1', { left: 0, event: 'completed' })
  for (let host = 2; host < 30; host++)
    expect(remoteTo('127.2.0.0', announce(`127.2.${host % 3}.${host}`).peers)).toEqual([])
})

test('a client with an address of no site is refused, and the reason contains the address', () => {
  const { announce } = aTracker()
  expect(refusalOf(() => announce('203.0.113.7'))?.message).toContain('203.0.113.7')
})

test('a gateway that announces again is handed the same upstream and the same local peers', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.1.1.2', { left: 0 })
  announce('127.2.1.1')
  for (let host = 2; host < 9; host++) announce(`127.2.1.${host}`)
  const first = announce('127.2.1.1').peers
  for (let round = 0; round < 5; round++) expect(announce('127.2.1.1').peers).toEqual(first)
})

test('a leecher that announces again is handed all of its former peers', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0 })
  const handedOut = new Map<string, readonly string[]>()
  for (let host = 1; host < 30; host++) handedOut.set(`127.2.1.${host}`, announce(`127.2.1.${host}`).peers)
  for (const [host, before] of handedOut)
    expect(announce(host).peers).toEqual(expect.arrayContaining([...before]))
})

test('a finisher is introduced to local leechers that it never met', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0 })
  for (let host = 1; host <= 16; host++) announce(`127.2.1.${host}`)
  const met = new Set(announce('127.2.1.5').peers)
  const strangers = announce('127.2.1.5', { left: 0, event: 'completed' }).peers.filter(
    (peer) => !met.has(peer),
  )
  expect(strangers.length).toBe(6)
  expect(remoteTo('127.2.1.5', strangers)).toEqual([])
})

test.each([
  ['two of libtorrent, which disconnects finishers', '-LT2080-', 2],
  ['one of aria2, which requests the same last pieces from all of them', 'A2-1-36-0-', 1],
])('of the first finishers, %s are handed the gateway of a site that fetches', (_, client, finishers) => {
  const { announce, announceLater } = aTracker()
  announce('127.1.1.1', { client, left: 0 })
  announce('127.2.1.1', { client })
  for (const host of [2, 3, 4]) void announceLater(`127.1.1.${host}`, { client })
  const haveGateway = [2, 3, 4].map((host) =>
    announce(`127.1.1.${host}`, { client, left: 0, event: 'completed' }).peers.includes('127.2.1.1:6881'),
  )
  expect(haveGateway).toEqual([2, 3, 4].map((_host, index) => index < finishers))
})

test('a seed that was a leecher before is handed no seeds', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.1.1.2', { left: 5 })
  announce('127.1.1.2', { left: 0, event: 'completed' })
  expect(announce('127.1.1.2', { left: 0 }).peers).toEqual([])
})

test('an aria2 magnet, which announces left=0 before it has anything, is handed a seed, even a remote one', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0 })
  const magnet = { left: 0, event: 'started', client: 'A2-1-36-0-' } as const
  expect(announce('127.2.1.1', magnet).peers).toEqual(['127.1.1.1:6881'])
})

test('magnet clients that announce left=0 do not make their site warm', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0 })
  for (const host of ['127.2.1.1', '127.2.1.2'])
    announce(host, { left: 0, event: 'started', client: 'A2-1-36-0-' })
  expect(remoteTo('127.2.1.3', announce('127.2.1.3').peers)).toEqual(['127.1.1.1:6881'])
})

test('a source that comes last is handed the gateways that wait for one', () => {
  const { announce } = aTracker()
  announce('127.2.1.1')
  announce('127.3.1.1')
  const { peers } = announce('127.1.1.1', { left: 0 })
  expect([...peers].sort()).toEqual(['127.2.1.1:6881', '127.3.1.1:6881'])
})

test('a gateway without progress gets another upstream, and after that its lease goes to another peer', () => {
  const { announce, clock, counted } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.1.1.2', { left: 0 })
  const [first] = announce('127.2.1.1').peers
  announce('127.2.1.2')
  const later = () => {
    clock.advanceMs(60_000)
    for (const seed of ['127.1.1.1', '127.1.1.2']) announce(seed, { left: 0 })
    announce('127.2.1.2')
    return remoteTo('127.2.1.1', announce('127.2.1.1').peers)
  }
  expect(later()).toEqual([first === '127.1.1.1:6881' ? '127.1.1.2:6881' : '127.1.1.1:6881'])
  expect(counted.rescues).toContain(1)
  later()
  expect(later()).toEqual([])
  expect(remoteTo('127.2.1.2', announce('127.2.1.2').peers).length).toBe(1)
  expect(counted.elections.at(-1)).toEqual({ site: 1, cause: 'stalled' })
})

test('a leecher without progress is handed a local source that it had not met', () => {
  const { announce, clock, counted } = aTracker()
  announce('127.1.1.1', { left: 0 })
  for (let host = 1; host <= 10; host++) announce(`127.2.1.${host}`)
  expect(announce('127.2.1.9').peers).not.toContain('127.2.1.1:6881')
  for (let left = 900_000; left > 700_000; left -= 100_000) {
    clock.advanceMs(60_000)
    announce('127.2.1.1', { left })
    announce('127.2.1.9')
  }
  expect(announce('127.2.1.9').peers).toContain('127.2.1.1:6881')
  expect(counted.rescues).toEqual([1])
})

// The time of the last stall was unset then, and a stall counted or not by the low 32 bits of the clock.
test('a magnet client that announces left=0 and then what it lacks has not stalled', () => {
  const clock = new ManualClock(Date.UTC(2026, 0, 1))
  const { announce, table } = aTracker({ clock })
  announce('127.2.1.1', { left: 0, client: 'A2-' })
  clock.advanceMs(60_000)
  announce('127.2.1.1', { left: 1_000_000, client: 'A2-' })
  expect(table.rows.stalls(0)).toBe(0)
})

test('each host that was ever gateway is counted once', () => {
  const { announce, table } = aTracker()
  announce('127.1.1.1', { left: 0 })
  for (const host of ['127.2.1.1', '127.2.1.2', '127.2.1.1']) {
    announce(host)
    announce(host, { event: 'stopped' })
  }
  announce('127.2.1.3')
  expect(table.swarm(TORRENT)?.site(1)?.gatewayHostsEver).toBe(3)
})

test('a site with two gateways has two, and each is handed the other', () => {
  const { announce } = aTracker({ topology: aTopology({ gateways: 2 }) })
  announce('127.1.1.1', { left: 0 })
  announce('127.1.1.2', { left: 0 })
  announce('127.2.1.1')
  const second = announce('127.2.1.2').peers
  expect(second).toContain('127.2.1.1:6881')
  expect(remoteTo('127.2.1.2', second).length).toBe(1)
  expect(remoteTo('127.2.1.3', announce('127.2.1.3').peers)).toEqual([])
})

test('numwant is a maximum, and the gateway keeps its upstream within it', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1')
  for (let host = 2; host < 9; host++) announce(`127.2.1.${host}`)
  expect(announce('127.2.1.1', { numwant: 1 }).peers).toEqual(['127.1.1.1:6881'])
  expect(announce('127.2.1.5', { numwant: 2 }).peers.length).toBe(2)
  expect(announce('127.2.1.5', { numwant: 0 }).peers).toEqual([])
})

test('after a reload a peer has its place in the new topology, and the gateway stays gateway', () => {
  const { announce, topology } = aTracker({ topology: aTopology({ siteNames: ['fra', 'ams'] }) })
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1')
  announce('127.2.1.2')
  topology.replace(aTopology({ siteNames: ['fra', 'ams', 'nyc'] }))
  expect(remoteTo('127.2.1.1', announce('127.2.1.1').peers)).toEqual(['127.1.1.1:6881'])
  expect(remoteTo('127.2.1.3', announce('127.2.1.3').peers)).toEqual([])
  expect(announce('127.3.1.1').peers.length).toBe(1)
  topology.replace(aTopology({ siteNames: ['fra'] }))
  expect(announce('127.1.1.1', { left: 0 })).toMatchObject({ complete: 1, incomplete: 0 })
})

test('a gateway that died silently is replaced by the first leecher without progress', () => {
  const { announce, announceLater, clock, counted } = aTracker()
  const libtorrent = { client: '-LT2080-' }
  announce('127.1.1.1', { ...libtorrent, left: 0 })
  announce('127.2.1.1', libtorrent)
  void announceLater('127.2.1.2', libtorrent)
  clock.advanceMs(300_000)
  expect(remoteTo('127.2.1.2', announce('127.2.1.2', libtorrent).peers)).toEqual(['127.1.1.1:6881'])
  expect(counted.elections.at(-1)).toEqual({ site: 1, cause: 'stalled' })
})

test('a gateway whose announce is overdue is replaced, although another peer has progress meanwhile', () => {
  const { announce, announceLater, clock, counted } = aTracker()
  announce('127.1.1.1', { client: '-LT2080-', left: 0 })
  for (const host of [1, 2, 3, 4]) void announceLater(`127.2.1.${host}`, { client: '-LT2080-' })
  clock.advanceMs(300_000)
  const { peers } = announce('127.2.1.3', { client: '-LT2080-', left: 500 })
  expect(remoteTo('127.2.1.3', peers)).toEqual(['127.1.1.1:6881'])
  expect(counted.elections.at(-1)).toEqual({ site: 1, cause: 'stalled' })
})

test('a gateway whose announce is late keeps its lease when a new peer announces', () => {
  const { announce, announceLater, clock } = aTracker()
  announce('127.1.1.1', { client: '-LT2080-', left: 0 })
  for (const host of [1, 2, 3]) void announceLater(`127.2.1.${host}`, { client: '-LT2080-' })
  clock.advanceMs(300_000)
  expect(remoteTo('127.2.1.4', announce('127.2.1.4', { client: '-LT2080-' }).peers)).toEqual([])
})

test('a site does not use an upstream that uploads nothing before it is complete', () => {
  const { announce } = aTracker({ topology: aTopology({ cost: () => 100 }) })
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1', { client: '-TR3000-' })
  expect(announce('127.3.1.1').peers).toEqual(['127.1.1.1:6881'])
  announce('127.2.1.1', { client: '-TR3000-', left: 0, event: 'completed' })
  announce('127.3.1.1', { event: 'stopped' })
  expect(announce('127.3.1.2').peers).toHaveLength(1)
})

test('a Transmission source is handed to four local peers, another one to one', () => {
  for (const [client, peers] of [
    ['-TR3000-', 4],
    ['-LT2080-', 1],
  ] as const) {
    const { announce } = aTracker()
    announce('127.1.1.1', { left: 0, client })
    for (let host = 2; host < 12; host++) announce(`127.1.1.${host}`)
    expect(announce('127.1.1.1', { left: 0, client }).peers).toHaveLength(peers)
  }
})

test('a leecher that uploads very little is handed six others from the start, another one two or three', () => {
  for (const [client, fewest, most] of [
    ['-TR3000-', 6, 6],
    ['-LT2080-', 2, 3],
  ] as const) {
    const { announce, announceLater } = aTracker()
    announce('127.1.1.1', { left: 0 })
    for (let host = 1; host <= 12; host++) void announceLater(`127.2.1.${host}`, { client: '-LT2080-' })
    const { peers } = announce('127.2.1.99', { client })
    expect(peers.length).toBeGreaterThanOrEqual(fewest)
    expect(peers.length).toBeLessThanOrEqual(most)
  }
})

test('a finisher is introduced to leechers although they have many neighbours, of which none may be complete', () => {
  const { announce } = aTracker()
  announce('127.1.1.1', { left: 0 })
  const transmission = { client: '-TR3000-' }
  for (let host = 1; host <= 16; host++) announce(`127.2.1.${host}`, transmission)
  const handedOut = [1, 2, 3, 4].map(
    (host) => announce(`127.2.1.${host}`, { ...transmission, left: 0, event: 'completed' }).peers.length,
  )
  // Its former peers, and six others.
  expect(Math.min(...handedOut)).toBeGreaterThanOrEqual(10)
})

test('bytes of a former gateway count as those of a gateway, because they may still be remote', () => {
  const { announce, clock, counted } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1')
  announce('127.2.1.2')
  clock.advanceMs(149_000)
  announce('127.2.1.2')
  expect(counted.elections.length).toBe(2)
  announce('127.2.1.1', { downloaded: 4096, left: 900_000 })
  announce('127.2.2.3', { downloaded: 0 })
  announce('127.2.2.3', { downloaded: 2048, left: 900_000 })
  expect(counted.downloadedBytes.map(({ bytes, isGateway }) => [bytes, isGateway])).toEqual([
    [4096, true],
    [2048, false],
  ])
})
