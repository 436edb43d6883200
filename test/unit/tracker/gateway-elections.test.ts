/** What happens between a node's question whether a peer may become gateway and the answer. */
import { expect, test } from 'vitest'
import type { GatewayLeases, LeaseAnswer, LeaseRequest } from '../../../src/replication/site-store.ts'
import { aTracker, type Announcement, TORRENT } from '../../a-tracker.ts'

/** Leases of which each answer comes when the test gives it; and what was told of them. */
function aWaitingStore() {
  const waiting: ((answer: LeaseAnswer) => void)[] = []
  const failing: ((error: Error) => void)[] = []
  const told: string[] = []
  const tell = (what: string, { peer, site }: Pick<LeaseRequest, 'peer' | 'site'>) =>
    void told.push(`${what} ${peer.subarray(0, 4).join('.')} in ${site}`)
  const leases: GatewayLeases = {
    claim: (request) => {
      tell('claim', request)
      return new Promise((resolve, reject) => {
        waiting.push(resolve)
        failing.push(reject)
      })
    },
    renew: (request) => tell('renew', request),
    release: (request) => tell('release', request),
  }
  const answer = (given: LeaseAnswer) => waiting.shift()?.(given)
  const fail = (error: Error) => failing.shift()?.(error)
  return { leases, told, answer, fail }
}

/** A source in fra, and a leecher in ams that is about to become its site's gateway. */
function anElection(announcement: Announcement = {}) {
  const store = aWaitingStore()
  const tracker = aTracker({ leases: store.leases })
  tracker.announce('127.1.1.1', { left: 0 })
  const asked = tracker.announceLater('127.2.1.1', announcement)
  const site = () => {
    const found = tracker.table.swarm(TORRENT)?.site(1)
    return { gateways: found?.gateways.length, ever: found?.gatewayHostsEver }
  }
  return { ...store, ...tracker, asked, site }
}

test.each<LeaseAnswer>(['granted', 'undecided'])(
  'a peer is told of another site once the answer is %s, and counts as a gateway from then on',
  async (given) => {
    const { asked, answer, site, counted } = anElection()
    expect(site()).toEqual({ gateways: 1, ever: 0 })
    answer(given)
    expect((await asked).peers).toEqual(['127.1.1.1:6881'])
    expect(site()).toEqual({ gateways: 1, ever: 1 })
    expect(counted.elections).toEqual([{ site: 1, cause: 'first' }])
  },
)

test('a peer whose site has a gateway by another node is answered like any leecher', async () => {
  const { asked, answer, site, counted } = anElection()
  answer('denied')
  expect((await asked).peers).toEqual([])
  expect(site()).toEqual({ gateways: 0, ever: 0 })
  expect(counted.elections).toEqual([])
})

test('meanwhile nobody else of the site is elected or waits, and nobody elsewhere is told', async () => {
  const { asked, answer, announce, told } = anElection()
  expect(announce('127.2.1.2').peers).toEqual(['127.2.1.1:6881'])
  expect(announce('127.1.1.1', { left: 0 }).peers).toEqual([])
  expect(told.filter((line) => line.startsWith('claim'))).toHaveLength(1)
  answer('granted')
  expect((await asked).peers.toSorted()).toEqual(['127.1.1.1:6881', '127.2.1.2:6881'])
})

test('meanwhile the peer itself, asking again, is answered at once and told of nobody elsewhere', async () => {
  const { asked, answer, announce } = anElection()
  expect(announce('127.2.1.1').peers).toEqual([])
  answer('granted')
  expect((await asked).peers).toEqual(['127.1.1.1:6881'])
})

test('a peer that stops meanwhile hears of nobody, and gives back what was granted for it', async () => {
  const { asked, answer, announce, told, table, site } = anElection()
  announce('127.2.1.1', { event: 'stopped' })
  // Whoever has its row now has nothing to do with it.
  announce('127.3.1.7', { left: 0 })
  answer('granted')
  expect((await asked).peers).toEqual([])
  expect(told).toContain('release 127.2.1.1 in ams')
  expect(table.rows.live).toBe(2)
  expect(site().ever ?? 0).toBe(0)
})

test('a site that becomes complete meanwhile needs no gateway any more', async () => {
  const { asked, answer, announce, site, told } = anElection()
  announce('127.2.1.9', { left: 0 })
  announce('127.2.1.8')
  answer('granted')
  expect((await asked).peers).not.toContain('127.1.1.1:6881')
  expect(site()).toEqual({ gateways: 0, ever: 0 })
  expect(told).toContain('release 127.2.1.1 in ams')
})

test('a topology that changes meanwhile: the peer is answered by its place in the new one', async () => {
  const { asked, answer, topology } = anElection()
  topology.replace(topology.value)
  answer('granted')
  expect((await asked).peers).toEqual(['127.1.1.1:6881'])
})

test('a question that fails leaves no lease behind', async () => {
  const { asked, fail, site } = anElection()
  fail(new Error('a mistake of ours'))
  await expect(asked).rejects.toThrow('a mistake of ours')
  expect(site()).toEqual({ gateways: 0, ever: 0 })
})

test('a lease is prolonged with each announce of its gateway, and given back when it is complete', async () => {
  const { asked, answer, announce, told } = anElection()
  answer('granted')
  await asked
  told.length = 0
  announce('127.2.1.1')
  announce('127.2.1.2')
  announce('127.2.1.1', { left: 0, event: 'completed' })
  expect(told).toEqual(['renew 127.2.1.1 in ams', 'release 127.2.1.1 in ams'])
})

test('a gateway that stops gives its lease back before anybody asks for it', async () => {
  const { asked, answer, announce, announceLater, told } = anElection()
  announce('127.2.1.2')
  answer('granted')
  await asked
  told.length = 0
  announce('127.2.1.1', { event: 'stopped' })
  const next = announceLater('127.2.1.2')
  answer('granted')
  expect((await next).peers).toEqual(['127.1.1.1:6881'])
  expect(told.slice(0, 2)).toEqual(['release 127.2.1.1 in ams', 'claim 127.2.1.2 in ams'])
})

test('where the answer is known at once, nobody waits', () => {
  const { announce } = aTracker({
    leases: { claim: () => 'granted', renew: () => {}, release: () => {} },
  })
  announce('127.1.1.1', { left: 0 })
  expect(announce('127.2.1.1').peers).toEqual(['127.1.1.1:6881'])
})

const libtorrent = { client: '-LT2080-' }

test('a gateway that waited for its answer hears of those who came meanwhile', async () => {
  const { announce, asked, answer } = anElection(libtorrent)
  for (const host of [2, 3, 4, 5]) announce(`127.2.1.${host}`, libtorrent)
  answer('granted')
  const { peers } = await asked
  expect(peers.some((peer) => peer.startsWith('127.2.1.'))).toBe(true)
})

test('it does not hear of the one that a small site keeps in reserve', async () => {
  const { announce, asked, answer } = anElection(libtorrent)
  expect(announce('127.2.1.2', libtorrent).peers).toEqual([])
  answer('granted')
  expect((await asked).peers).toEqual(['127.1.1.1:6881'])
})

test('nor when a third one came, which is its neighbour', async () => {
  const { announce, asked, answer } = anElection(libtorrent)
  announce('127.2.1.2', libtorrent)
  announce('127.2.1.3', libtorrent)
  answer('granted')
  expect((await asked).peers).toEqual(['127.2.1.3:6881', '127.1.1.1:6881'])
})
