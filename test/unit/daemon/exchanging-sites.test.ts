/** Sites without a node of their own: whether their leechers exchange pieces, or gateways fetch. */
import { expect, test } from 'vitest'
import { ExchangingSites, leecherExchange } from '../../../src/daemon/carriage/exchanging-sites.ts'
import { aTracker, TORRENT } from '../../a-tracker.ts'

const rtorrent = { client: '-lt0D80-' }

/** Site 2 of a tracker. */
function aSite() {
  const world = aTracker()
  const moved: Buffer[] = []
  const sites = new ExchangingSites({
    nowMs: () => world.clock.nowMs(),
    leechersOf: (infoHash, name) =>
      leecherExchange(
        world.table,
        infoHash,
        world.topology.value.siteNamed(name)?.index ?? -1,
        world.clock.nowMs(),
      ),
    onMoved: (infoHash) => moved.push(infoHash),
  })
  const name = world.topology.value.sites[1]?.name ?? ''
  return { ...world, moved, sites, transport: () => sites.transportOf(TORRENT, name) }
}

test('a site with rtorrent alone is undecided for half a second, and fetches through a gateway from then on', () => {
  const { announce, announceLater, clock, transport } = aSite()
  announce('127.2.1.1', rtorrent)
  expect(transport()).toBe('undecided')
  clock.advanceMs(450)
  void announceLater('127.2.1.2', rtorrent)
  expect(transport()).toBe('undecided')
  clock.advanceMs(50)
  expect(transport()).toBe('direct')
})

test.each(['-LT2080-', 'A2-1-36-', '-TR3000-', '-XX0000-'])(
  'a site with rtorrent and %s within that time is carried',
  (client) => {
    const { announce, announceLater, clock, transport } = aSite()
    announce('127.2.1.1', rtorrent)
    expect(transport()).toBe('undecided')
    clock.advanceMs(400)
    void announceLater('127.2.1.2', { client })
    expect(transport()).toBeUndefined()
    clock.advanceMs(2_000)
    expect(transport()).toBeUndefined()
  },
)

test('a site that has a gateway keeps it when a client of another kind joins, until it has no leecher left', () => {
  const { announce, announceLater, clock, transport } = aSite()
  announce('127.2.1.1', rtorrent)
  transport()
  clock.advanceMs(1_000)
  expect(transport()).toBe('direct')
  void announceLater('127.2.1.2', { client: '-LT2080-' })
  expect(transport()).toBe('direct')
  announce('127.2.1.1', { ...rtorrent, left: 0 })
  announce('127.2.1.2', { client: '-LT2080-', left: 0 })
  expect(transport()).toBeUndefined()
  announce('127.2.1.3', { client: '-LT2080-' })
  expect(transport()).toBeUndefined()
})

test('leechers of other sites, and those that expired, do not count', () => {
  const { announce, clock, transport } = aSite()
  announce('127.1.1.1', rtorrent)
  expect(transport()).toBeUndefined()
  announce('127.2.1.1', { client: '-LT2080-' })
  clock.advanceMs(100_000_000)
  announce('127.2.1.2', rtorrent)
  expect(transport()).toBe('undecided')
})

test('the leechers move between observers and carriers once for each change', () => {
  const { announce, announceLater, clock, moved, sites, transport } = aSite()
  announce('127.2.1.1', rtorrent)
  transport()
  transport()
  sites.tick()
  expect(moved).toEqual([TORRENT])
  clock.advanceMs(300)
  sites.tick()
  expect(moved).toHaveLength(1)
  void announceLater('127.2.1.2', { client: '-LT2080-' })
  sites.tick()
  expect(moved).toHaveLength(2)
})
