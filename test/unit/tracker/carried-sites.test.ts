/** Handouts in sites whose content comes through a node of the site. */
import { expect, test } from 'vitest'
import { Refusal } from '../../../src/core/errors.ts'
import type { CarriedSites, TransportNow } from '../../../src/tracker/ports.ts'
import { at, aTracker, TORRENT } from '../../a-tracker.ts'

const SOURCE = '127.1.1.1'
const CARRIER = { address: at('127.0.0.9'), port: 6968 }

/** The first two sites are carried as `state` tells; clients can connect to the carrier where it is dialable. */
function aCarriedSite({ isDialable = true, isForAllSites = false } = {}) {
  const state: { transport: TransportNow } = { transport: 'carried' }
  const carriedSites: CarriedSites = {
    transportOf: (_infoHash, siteIndex) => (siteIndex < 2 ? state.transport : 'direct'),
    isForAllSites,
    describe: () => undefined,
    endpointFor: () => (isDialable ? CARRIER : undefined),
  }
  const site = aTracker({ carriedSites })
  site.announce(SOURCE, { left: 0 })
  site.observe(SOURCE, { share: 1 })
  return { ...site, state }
}

const gatewaysIn = ({ table }: Pick<ReturnType<typeof aTracker>, 'table'>, siteIndex: number) =>
  table.swarm(TORRENT)?.site(siteIndex)?.gateways.length ?? 0

test('no leecher of a carried site becomes gateway, and none is handed a peer of another site', () => {
  const site = aCarriedSite()
  for (const host of [1, 2, 3, 4, 5]) {
    const { peers } = site.announce(`127.2.1.${host}`)
    expect(peers.filter((peer) => peer.startsWith('127.1.'))).toEqual([])
  }
  expect(gatewaysIn(site, 1)).toBe(0)
})

test('a leecher is handed three neighbours of its site', () => {
  const { announce } = aCarriedSite()
  const handedOut = [1, 2, 3, 4, 5, 6].map((host) => announce(`127.2.1.${host}`).peers)
  expect(handedOut[1]).toEqual(['127.0.0.9:6968', '127.2.1.1:6881'])
  expect(handedOut[5]?.filter((peer) => peer.startsWith('127.2.')).length).toBeGreaterThanOrEqual(2)
})

test('the source of the site is known to its carrier alone, which links it', () => {
  const { announce } = aCarriedSite()
  expect(announce('127.1.1.2').peers).toEqual(['127.0.0.9:6968'])
  expect(announce('127.1.1.3').peers).not.toContain(`${SOURCE}:6881`)
  expect(announce(SOURCE, { left: 0 }).peers).toEqual([])
})

test('a seed that the carrier has not linked is handed out', () => {
  const { announce } = aCarriedSite()
  announce('127.2.1.9', { left: 0 })
  expect(announce('127.2.1.1').peers).toContain('127.2.1.9:6881')
})

test('a client that the carrier reached is not handed the address of the carrier', () => {
  const { announce, observe } = aCarriedSite()
  announce('127.2.1.1')
  announce('127.2.1.2')
  observe('127.2.1.2')
  expect(announce('127.2.1.2').peers).toEqual(['127.2.1.1:6881'])
})

test('a client that does not accept connections is handed the address of the carrier and more neighbours', () => {
  const { announce, observe } = aCarriedSite()
  for (const host of [1, 2, 3, 4, 5, 6, 7]) announce(`127.2.1.${host}`)
  announce('127.2.1.8', { numwant: 0 })
  observe('127.2.1.8', { reachability: 'unreachable' })
  const { peers } = announce('127.2.1.8')
  expect(peers[0]).toBe('127.0.0.9:6968')
  expect(peers.length).toBe(7)
})

test('where one node carries for all sites, such a client waits for neighbours: without them it would get everything over the link', async () => {
  const site = aCarriedSite({ isForAllSites: true })
  site.announce('127.2.1.8', { numwant: 0 })
  site.observe('127.2.1.8', { reachability: 'unreachable' })
  const waiting = site.announceLater('127.2.1.8')
  site.clock.advanceMs(1_000)
  site.tracker.tick()
  for (const host of [1, 2, 3, 4]) site.announce(`127.2.1.${host}`)
  site.clock.advanceMs(500)
  site.tracker.tick()
  const { peers } = await waiting
  expect(peers).toEqual(expect.arrayContaining(['127.0.0.9:6968', '127.2.1.1:6881', '127.2.1.4:6881']))
})

test('without a listener of the carrier, a leecher without neighbours is handed the only source', () => {
  const { announce } = aCarriedSite({ isDialable: false })
  expect(announce('127.1.1.2').peers).toEqual([`${SOURCE}:6881`])
})

test('a finisher is handed strangers, and another seed nothing', () => {
  const { announce } = aCarriedSite()
  for (const host of [1, 2, 3, 4, 5, 6, 7, 8, 9]) announce(`127.2.1.${host}`)
  const before = announce('127.2.1.1').peers
  const after = announce('127.2.1.1', { left: 0, event: 'completed' }).peers
  expect(after.length).toBeGreaterThan(before.length)
  expect(announce('127.2.2.1', { left: 0 }).peers).toEqual([])
})

test('once seeds outnumber the leechers, a late joiner is handed a seed', () => {
  const { announce, observe } = aCarriedSite()
  for (const host of [1, 2, 3]) {
    announce(`127.2.1.${host}`)
    announce(`127.2.1.${host}`, { left: 0, event: 'completed' })
    observe(`127.2.1.${host}`, { share: 1 })
  }
  expect(announce('127.2.1.4').peers.some((peer) => /^127\.2\.1\.[123]:/.test(peer))).toBe(true)
})

test('a magnet client without a neighbour is answered as without a carrier: it needs the metadata of a real peer', () => {
  const { announce } = aCarriedSite()
  expect(announce('127.2.1.1', { left: undefined }).peers).toEqual([`${SOURCE}:6881`])
})

test('a client without progress whose pieces the carrier never saw is answered as without a carrier', () => {
  const { announce, clock } = aCarriedSite()
  announce('127.2.1.1')
  clock.advanceMs(400_000)
  announce(SOURCE, { left: 0 })
  expect(announce('127.2.1.1').peers).toContain(`${SOURCE}:6881`)
})

test('a site that stops being carried elects a gateway, whose lease ends when a node carries again', () => {
  const site = aCarriedSite()
  site.announce('127.2.1.1')
  site.announce('127.2.1.2')
  site.state.transport = 'direct'
  expect(site.announce('127.2.1.1').peers).toContain(`${SOURCE}:6881`)
  expect(gatewaysIn(site, 1)).toBe(1)
  site.state.transport = 'carried'
  site.announce('127.2.1.2')
  expect(gatewaysIn(site, 1)).toBe(0)
})

test('a site without a carrier fetches from a carried one through its gateway', () => {
  const { announce } = aCarriedSite()
  expect(announce('127.3.1.1').peers).toEqual([`${SOURCE}:6881`])
  expect(announce(SOURCE, { left: 0 }).peers).toEqual(['127.3.1.1:6881'])
})

test('while the carrier looks for a source, the response waits, and the client becomes gateway where there is none', async () => {
  const site = aCarriedSite()
  site.state.transport = 'settling'
  const waiting = site.announceLater('127.2.1.1')
  site.clock.advanceMs(500)
  site.tracker.tick()
  site.state.transport = 'direct'
  site.clock.advanceMs(500)
  site.tracker.tick()
  expect((await waiting).peers).toEqual([`${SOURCE}:6881`])
  expect(gatewaysIn(site, 1)).toBe(1)
})

test('a datagram is answered at once also while the carrier looks for a source', () => {
  const site = aCarriedSite()
  site.state.transport = 'settling'
  expect(site.announce('127.2.1.1', { protocol: 'udp' }).peers).toEqual(['127.0.0.9:6968'])
})

test('no peer is handed out where none is wanted', () => {
  const { announce } = aCarriedSite()
  expect(announce('127.2.1.1', { numwant: 0 }).peers).toEqual([])
})

const rtorrent = { client: '-lt0D80-' }

/** Leechers that wait for the carrier to find a source, and were reached meanwhile. Returns the peers of each. */
async function answeredAtOnce(hosts: number, { isDialable = true } = {}) {
  const site = aCarriedSite({ isDialable })
  site.state.transport = 'settling'
  const addresses = Array.from({ length: hosts }, (_, host) => `127.2.1.${host + 1}`)
  const waiting = addresses.map((address) => site.announceLater(address))
  for (const address of addresses) site.observe(address)
  site.state.transport = 'carried'
  site.clock.advanceMs(500)
  site.tracker.tick()
  const answers = await Promise.all(waiting)
  return { ...site, answers: answers.map(({ peers }) => peers.filter((peer) => peer.startsWith('127.2.'))) }
}

test.each([2, 3, 4, 8])(
  'of each two of %i leechers that are answered at the same moment, one is handed the other: two that dial each other may lose both connections',
  async (hosts) => {
    const { answers } = await answeredAtOnce(hosts)
    const pairs = answers.flatMap((peers, host) =>
      peers.map((peer) => [`127.2.1.${host + 1}:6881`, peer].toSorted().join(' ')),
    )
    expect(pairs.length).toBeGreaterThanOrEqual(hosts - 1)
    expect(new Set(pairs).size).toBe(pairs.length)
  },
)

test('a leecher that was handed to others is handed them with its next announce', async () => {
  const { answers, announce } = await answeredAtOnce(2)
  expect(answers.toSorted((a, b) => b.length - a.length)).toEqual([[expect.any(String)], []])
  expect(announce('127.2.1.1').peers).toContain('127.2.1.2:6881')
  expect(announce('127.2.1.2').peers).toContain('127.2.1.1:6881')
})

test('a leecher that was handed to others is handed them where it would get no peer otherwise', async () => {
  const { answers } = await answeredAtOnce(2, { isDialable: false })
  expect(answers).toEqual([['127.2.1.2:6881'], ['127.2.1.1:6881']])
})

test('a leecher that does not accept connections is handed its neighbours, which cannot dial it', async () => {
  const site = aCarriedSite()
  site.state.transport = 'settling'
  const waiting = ['127.2.1.1', '127.2.1.2'].map((address) => site.announceLater(address))
  site.observe('127.2.1.1')
  site.state.transport = 'carried'
  site.clock.advanceMs(500)
  site.tracker.tick()
  const [, unknown] = await Promise.all(waiting)
  expect(unknown?.peers).toContain('127.2.1.1:6881')
})

test('a bitfield-only leecher waits until it is known whether its site exchanges pieces, and becomes gateway where not', async () => {
  const site = aCarriedSite()
  site.state.transport = 'undecided'
  const waiting = site.announceLater('127.2.1.1', rtorrent)
  site.clock.advanceMs(1_000)
  site.tracker.tick()
  site.state.transport = 'direct'
  site.clock.advanceMs(500)
  site.tracker.tick()
  expect((await waiting).peers).toEqual([`${SOURCE}:6881`])
  expect(gatewaysIn(site, 1)).toBe(1)
})

test('a datagram of a bitfield-only leecher is refused meanwhile: it would meet others that are empty', () => {
  const site = aCarriedSite()
  site.announce('127.2.1.1', { ...rtorrent, numwant: 0 })
  site.state.transport = 'undecided'
  expect(() => site.announce('127.2.1.2', { ...rtorrent, protocol: 'udp' })).toThrow(Refusal)
})

/** Libtorrent clients that require encryption. */
const refusing = { refusesNode: true }

test('a leecher that refuses the node is handed the peers that were handed it, because they dial it without encryption', async () => {
  const site = aCarriedSite()
  site.state.transport = 'settling'
  const waiting = ['127.2.1.1', '127.2.1.2'].map((address) => site.announceLater(address))
  site.observe('127.2.1.1')
  site.observe('127.2.1.2', refusing)
  site.state.transport = 'carried'
  site.clock.advanceMs(500)
  site.tracker.tick()
  const [, encrypted] = await Promise.all(waiting)
  expect(encrypted?.peers).toEqual(['127.2.1.1:6881'])
})

test('a leecher that refuses the node waits for one that the carrier serves', async () => {
  const site = aCarriedSite()
  const waiting = site.announceLater('127.2.1.1')
  site.announce('127.2.1.3', { numwant: 0 })
  for (const host of [1, 3]) site.observe(`127.2.1.${host}`, refusing)
  const again = site.announceLater('127.2.1.1')
  site.clock.advanceMs(20_000)
  site.tracker.tick()
  site.announce('127.2.1.2', { numwant: 0 })
  site.observe('127.2.1.2')
  site.clock.advanceMs(500)
  site.tracker.tick()
  expect((await waiting).peers).toEqual(['127.0.0.9:6968'])
  expect((await again).peers).toContain('127.2.1.2:6881')
})

test('a leecher that refuses the node and remains alone becomes gateway before its client gives the announce up', async () => {
  const site = aCarriedSite()
  site.announce('127.2.1.1')
  site.observe('127.2.1.1', refusing)
  const waiting = site.announceLater('127.2.1.1')
  site.clock.advanceMs(23_500)
  site.tracker.tick()
  expect(gatewaysIn(site, 1)).toBe(0)
  site.clock.advanceMs(500)
  site.tracker.tick()
  expect((await waiting).peers).toContain(`${SOURCE}:6881`)
  expect(gatewaysIn(site, 1)).toBe(1)
})

test('a datagram of such a leecher is refused, so that its client asks again within seconds', () => {
  const site = aCarriedSite()
  site.announce('127.2.1.1', { numwant: 0 })
  site.observe('127.2.1.1', refusing)
  expect(() => site.announce('127.2.1.1', { protocol: 'udp' })).toThrow(Refusal)
})

test('of many leechers that refuse the node, each is handed one that does not', () => {
  const site = aCarriedSite()
  const hosts = Array.from({ length: 12 }, (_, host) => `127.2.${1 + (host % 2)}.${host + 1}`)
  for (const host of hosts) {
    site.announce(host, { numwant: 0 })
    site.observe(host, host === '127.2.2.8' ? {} : refusing)
  }
  for (const host of hosts.filter((each) => each !== '127.2.2.8'))
    expect(site.announce(host).peers).toContain('127.2.2.8:6881')
})
