/** Torrents among the carrying nodes of a site, with the leases of a store that several nodes share. */
import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { CarriageLeases } from '../../../src/daemon/carriage/carriage-leases.ts'
import { MemoryLeases } from '../../../src/replication/memory/memory-leases.ts'
import { SiteCarriers } from '../../../src/replication/site-carriers.ts'
import type { GatewayLeases, LeaseAnswer, LeaseRequest } from '../../../src/replication/site-store.ts'

const TORRENT = Buffer.alloc(20, 3)

/** A store that answers later, or not at all. */
function aStore(clock: ManualClock) {
  const memory = new MemoryLeases(clock)
  const store = { isUp: true }
  const leases: GatewayLeases = {
    claim: async (request: LeaseRequest): Promise<LeaseAnswer> =>
      store.isUp ? memory.claim(request) : 'undecided',
    renew: (request) => memory.renew(request),
    release: (request) => memory.release(request),
  }
  return { store, leases }
}

function aNode(number: number, leases: GatewayLeases) {
  const nodeId = Buffer.alloc(8, number)
  const carriers = new SiteCarriers(nodeId)
  carriers.isCarrying = true
  const changes: boolean[] = []
  const held = new CarriageLeases({
    carriers,
    leases,
    nodeId,
    onChange: (_infoHash, isHeld) => void changes.push(isHeld),
  })
  return { held, changes, carriers }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await Promise.resolve()
}

test('of two nodes that do not know each other, one carries the torrent', async () => {
  const { leases } = aStore(new ManualClock())
  const [one, two] = [aNode(1, leases), aNode(2, leases)]
  expect([one.held.take(TORRENT), two.held.take(TORRENT)]).toEqual(['elsewhere', 'elsewhere'])
  await turns()
  expect([one.held.take(TORRENT), two.held.take(TORRENT)]).toEqual(['here', 'elsewhere'])
  expect([one.changes, two.changes]).toEqual([[true], []])
})

test('another node takes the torrent over once the lease of a node that is gone has expired', async () => {
  const clock = new ManualClock()
  const { leases } = aStore(clock)
  const [one, two] = [aNode(1, leases), aNode(2, leases)]
  one.held.take(TORRENT)
  await turns()
  two.held.take(TORRENT)
  await turns()
  clock.advanceMs(3_000)
  two.held.renew()
  two.held.take(TORRENT)
  await turns()
  expect(two.held.take(TORRENT)).toBe('here')
})

test('a node that was suspended gives its torrent up where another one has taken it over', async () => {
  const clock = new ManualClock()
  const { leases } = aStore(clock)
  const [one, two] = [aNode(1, leases), aNode(2, leases)]
  one.held.take(TORRENT)
  await turns()
  clock.advanceMs(10_000)
  two.held.take(TORRENT)
  await turns()
  one.held.renew()
  await turns()
  expect(one.held.isHeld(TORRENT)).toBe(false)
  expect(one.changes).toEqual([true, false])
  expect(one.held.take(TORRENT)).toBe('elsewhere')
})

test('while the store is down, a node keeps its torrents and takes no others', async () => {
  const clock = new ManualClock()
  const { leases, store } = aStore(clock)
  const one = aNode(1, leases)
  one.held.take(TORRENT)
  await turns()
  store.isUp = false
  clock.advanceMs(60_000)
  one.held.renew()
  const other = Buffer.alloc(20, 4)
  one.held.take(other)
  await turns()
  expect(one.held.take(TORRENT)).toBe('here')
  expect(one.held.take(other)).toBeUndefined()
  store.isUp = true
  one.held.renew()
  one.held.take(other)
  await turns()
  expect(one.held.take(other)).toBe('here')
})

test('a released torrent is free for the other nodes at once', async () => {
  const { leases } = aStore(new ManualClock())
  const [one, two] = [aNode(1, leases), aNode(2, leases)]
  one.held.take(TORRENT)
  await turns()
  one.held.releaseAll()
  two.held.take(TORRENT)
  await turns()
  expect(two.held.take(TORRENT)).toBe('here')
})
