/** Sites with gateways to which a node relays a torrent: those that lost their gateway, or whose hosts lack last pieces. */
import { expect, test } from 'vitest'
import { RelayedSites } from '../../../src/daemon/carriage/relayed-sites.ts'
import { at, aTracker, TORRENT } from '../../a-tracker.ts'

const SOURCE = '127.1.1.1'
const [GATEWAY, SECOND] = ['127.2.1.1', '127.2.1.2'] as const

/** A source in fra, and two leechers in ams, of which the first is the gateway. */
function aSite(relayable = new Set([0, 1, 2]), remoteLeechers = new Map<number, number>()) {
  const world = aTracker()
  world.table.changedRows.follow()
  const relayed = new RelayedSites({
    ...world,
    relayable: () => relayable,
    remoteLeechers: (_infoHash, site) => remoteLeechers.get(site),
  })
  for (const host of [SOURCE, GATEWAY, SECOND])
    world.announce(host, { left: host === SOURCE ? 0 : 1_000_000 })
  const includes = (host: string) => {
    const row = world.table.find(world.table.swarm(TORRENT)!, at(host), 6881)
    return row >= 0 && relayed.includes(row)
  }
  /** The changed rows are read, and the torrent. */
  const read = () => {
    relayed.note(world.table.changedRows.drain())
    return relayed.update(TORRENT)
  }
  /** The same, and again after a second. */
  const update = () => {
    const isChanged = read()
    world.clock.advanceMs(1_000)
    return relayed.tick().some((infoHash) => relayed.update(infoHash)) || isChanged
  }
  return { ...world, relayed, read, update, includes }
}

test('a site that lost its gateway is relayed to, from the seeds of other sites', () => {
  const { update, includes, announce, observe } = aSite()
  announce('127.1.1.5')
  expect(update()).toBe(false)
  observe(GATEWAY, { isGone: true })
  expect(update()).toBe(true)
  expect([SECOND, SOURCE].map(includes)).toEqual([true, true])
  expect(includes('127.1.1.5')).toBe(false)
})

test('until one of its leechers announces and is the gateway', () => {
  const { update, includes, announce, observe } = aSite()
  observe(GATEWAY, { isGone: true })
  update()
  expect(announce(SECOND).peers).toContain(`${SOURCE}:6881`)
  expect(update()).toBe(true)
  expect([SECOND, SOURCE].map(includes)).toEqual([false, false])
})

test('a gateway that stopped, or that lost its upstream, is replaced in the same way', () => {
  const stopped = aSite()
  stopped.announce(GATEWAY, { event: 'stopped' })
  expect(stopped.update()).toBe(true)

  const cut = aSite()
  cut.announce('127.3.1.9', { left: 0 })
  cut.announce(SOURCE, { event: 'stopped' })
  expect(cut.update()).toBe(true)
})

test('a site is relayed to once it has been without a gateway for a second', () => {
  const { relayed, read, clock, observe, announce } = aSite()
  observe(GATEWAY, { isGone: true })
  expect(read()).toBe(false)
  clock.advanceMs(999)
  expect(relayed.tick()).toEqual([])
  clock.advanceMs(1)
  expect(relayed.tick()).toEqual([TORRENT])
  expect(read()).toBe(true)
  expect(relayed.tick()).toEqual([])

  const short = aSite()
  short.observe(GATEWAY, { isGone: true })
  short.read()
  short.announce(SECOND)
  expect(short.read()).toBe(false)
  short.clock.advanceMs(1_000)
  expect(short.relayed.tick()).toEqual([])
  expect(announce(SECOND).peers).toContain(`${SOURCE}:6881`)
})

test('a site whose gateway fetches from a lost one is relayed to as well', () => {
  const { update, includes, announce, observe } = aSite()
  const [far, other] = ['127.3.1.1', '127.3.1.2']
  expect(announce(far).peers).toContain(`${GATEWAY}:6881`)
  announce(other)
  update()
  observe(GATEWAY, { isGone: true })
  expect(update()).toBe(true)
  expect([far, other, SECOND, SOURCE].map(includes)).toEqual([true, true, true, true])
})

test.each([
  { leechers: 5, isRelayed: true },
  { leechers: 0, isRelayed: false },
])(
  'a site with a node of its own, which reports $leechers leechers and no gateway, is relayed to: $isRelayed',
  ({ leechers, isRelayed }) => {
    const { update, includes, announce } = aSite(undefined, new Map([[1, leechers]]))
    announce(SECOND, { event: 'stopped' })
    announce(GATEWAY, { event: 'stopped' })
    expect(update()).toBe(isRelayed)
    expect(includes(SOURCE)).toBe(isRelayed)
  },
)

test.each([
  ['before it had a gateway', (site: ReturnType<typeof aSite>) => site.announce('127.3.1.1')],
  [
    'that is complete',
    (site: ReturnType<typeof aSite>) => site.announce(GATEWAY, { left: 0, event: 'completed' }),
  ],
  [
    'whose gateway announced its completion before that was observed',
    (site: ReturnType<typeof aSite>) => {
      site.observe(SOURCE, { share: 1 })
      site.observe(GATEWAY, { share: 0.98 })
      site.clock.advanceMs(500)
      site.announce(GATEWAY, { left: 0, event: 'completed' })
    },
  ],
  [
    'while no other site has the content',
    (site: ReturnType<typeof aSite>) => {
      site.announce(SOURCE, { event: 'stopped' })
      site.announce(GATEWAY, { event: 'stopped' })
    },
  ],
])('a site is not relayed to: %s', (_case, happens) => {
  const site = aSite()
  happens(site)
  expect(site.update()).toBe(false)
})

test('a site that the node cannot relay to is not', () => {
  const { update, observe } = aSite(new Set([0, 2]))
  observe(GATEWAY, { isGone: true })
  expect(update()).toBe(false)
})

/** The gateway is complete, and the other host has this share. */
function aCompleteSite(share: number) {
  const site = aSite()
  site.announce(GATEWAY, { left: 0, event: 'completed' })
  site.observe(SECOND, { share })
  site.read()
  return site
}

test('a host that gets no last piece for three seconds is relayed to from a seed of its site, until it is complete', () => {
  const { clock, relayed, read, includes, observe } = aCompleteSite(0.98)
  clock.advanceMs(2_999)
  expect(relayed.tick()).toEqual([])
  clock.advanceMs(1)
  expect(relayed.tick()).toEqual([TORRENT])
  expect(read()).toBe(true)
  expect([SECOND, GATEWAY, SOURCE].map(includes)).toEqual([true, true, false])
  observe(SECOND, { share: 0.99 })
  expect(read()).toBe(false)
  observe(SECOND, { share: 1 })
  expect(read()).toBe(true)
  expect(includes(GATEWAY)).toBe(false)
})

test.each([
  ['that got a piece since', (site: ReturnType<typeof aSite>) => site.observe(SECOND, { share: 0.985 })],
  ['that left', (site: ReturnType<typeof aSite>) => site.observe(SECOND, { isGone: true })],
])('a host is not relayed to: one %s', (_case, happens) => {
  const site = aCompleteSite(0.98)
  site.clock.advanceMs(2_000)
  happens(site)
  site.read()
  site.clock.advanceMs(2_000)
  expect(site.relayed.tick()).toEqual([])
  expect(site.read()).toBe(false)
})

test('a host that lacks more than its last pieces is not relayed to', () => {
  const { clock, relayed } = aCompleteSite(0.9)
  clock.advanceMs(60_000)
  expect(relayed.tick()).toEqual([])
})

test('without a seed of its site, a host waits for the gateway', () => {
  const site = aSite()
  site.observe(SECOND, { share: 0.98 })
  site.read()
  site.clock.advanceMs(3_000)
  site.relayed.tick()
  expect(site.read()).toBe(false)
})
