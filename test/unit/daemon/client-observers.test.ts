/** Clients of a node between its observers and its carriers: the first announce of a leecher. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SeededRandom } from '../../../src/core/random.ts'
import { type ClientCarriers, ClientObservers } from '../../../src/daemon/client-observers.ts'
import { at, aTracker, TORRENT } from '../../a-tracker.ts'

const LEECHER = { infoHash: TORRENT, address: at('127.1.1.5'), port: 6881 }

/** A node whose carriers link all clients, or those of `carrierOf`. */
function aCarryingNode({ carrierOf = () => 'here' }: Partial<Pick<ClientCarriers, 'carrierOf'>> = {}) {
  const world = aTracker()
  const linked: string[] = []
  const clients = new ClientObservers({
    connections: 10,
    site: undefined,
    table: world.table,
    topology: world.topology,
    replica: world.replica,
    clock: world.clock,
    random: new SeededRandom(1),
    tracker: () => world.tracker,
    pieces: () => undefined,
    carriers: {
      carrierOf,
      relayable: new Set(),
      relayOf: () => undefined,
      update: (_site, { address }) => linked.push(address.toString()),
      remove: () => undefined,
    },
  })
  return { ...world, clients, linked }
}

describe('the first announce of a leecher of a carried torrent', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('is answered with the outcome of the dial, without another wait', async () => {
    const { announce, observe, clients, linked } = aCarryingNode()
    announce('127.1.1.5')
    const check = clients.check(LEECHER)
    expect(linked).toEqual(['127.1.1.5'])
    observe('127.1.1.5', { reachability: 'unreachable' })
    await check
    expect(vi.getTimerCount()).toBe(0)
  })

  it('waits while the outcome is unknown, for 250 ms', async () => {
    const { announce, observe, clients } = aCarryingNode()
    announce('127.1.1.5')
    let isAnswered = false
    const check = clients.check(LEECHER).then(() => (isAnswered = true))
    observe('127.1.1.5', { reachability: 'unknown' })
    await vi.advanceTimersByTimeAsync(249)
    expect(isAnswered).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    await check
  })

  it('does not wait for a client that leaves meanwhile', async () => {
    const { announce, clients } = aCarryingNode()
    announce('127.1.1.5')
    const check = clients.check(LEECHER)
    announce('127.1.1.5', { event: 'stopped' })
    await check
    expect(vi.getTimerCount()).toBe(0)
  })
})

it('counts the clients that its carriers reach, and those that they do not', () => {
  const { announce, observe, clients } = aCarryingNode()
  for (const [host, reachability] of (
    ['reachable', 'unreachable', 'unreachable', 'unknown'] as const
  ).entries()) {
    const from = `127.1.1.${host + 1}`
    announce(from)
    void clients.check({ ...LEECHER, address: at(from) })
    observe(from, { reachability })
  }
  expect(clients.census()).toEqual({ clients: 4, carried: 4, reachable: 1, unreachable: 2 })
})

it('observes a leecher that the carriers do not link, and passes the source of its site on to them', () => {
  const { announce, clients, linked } = aCarryingNode({
    carrierOf: (_torrent, _site, isLeecher) => (isLeecher ? undefined : 'here'),
  })
  announce('127.1.1.5')
  void clients.check(LEECHER)
  announce('127.1.1.6', { left: 0 })
  void clients.check({ ...LEECHER, address: at('127.1.1.6') })
  expect(linked).toEqual(['127.1.1.6'])
  expect(clients.observers.clients).toBe(1)
})
