/** Announces while the claim of a gateway lease is pending. */
import { expect, test } from 'vitest'
import type { GatewayLeases, LeaseAnswer, LeaseRequest } from '../../../src/replication/site-store.ts'
import { aTracker, type Announcement, TORRENT } from '../../a-tracker.ts'

/** Leases whose answers the test gives, and the calls in their order. */
function aPendingStore() {
  const pending: ((answer: LeaseAnswer) => void)[] = []
  const failing: ((error: Error) => void)[] = []
  const calls: string[] = []
  const record = (call: string, { peer, site }: Pick<LeaseRequest, 'peer' | 'site'>) =>
    void calls.push(`${call} ${peer.subarray(0, 4).join('.')} in ${site}`)
  const leases: GatewayLeases = {
    claim: (request) => {
      record('claim', request)
      return new Promise((resolve, reject) => {
        pending.push(resolve)
        failing.push(reject)
      })
    },
    renew: (request) => record('renew', request),
    release: (request) => record('release', request),
  }
  const answer = (given: LeaseAnswer) => pending.shift()?.(given)
  const fail = (error: Error) => failing.shift()?.(error)
  return { leases, calls, answer, fail }
}

/** A source in fra, and a leecher in ams whose lease as the gateway of its site is pending. */
function anElection(announcement: Announcement = {}) {
  const store = aPendingStore()
  const tracker = aTracker({ leases: store.leases })
  tracker.announce('127.1.1.1', { left: 0 })
  const response = tracker.announceLater('127.2.1.1', announcement)
  const site = () => {
    const found = tracker.table.swarm(TORRENT)?.site(1)
    return { gateways: found?.gateways.length, ever: found?.gatewayHostsEver }
  }
  return { ...store, ...tracker, response, site }
}

test.each<LeaseAnswer>(['granted', 'undecided'])(
  'a peer is handed a remote peer once the answer is %s, and counts as a gateway from then on',
  async (given) => {
    const { response, answer, site, counted } = anElection()
    expect(site()).toEqual({ gateways: 1, ever: 0 })
    answer(given)
    expect((await response).peers).toEqual(['127.1.1.1:6881'])
    expect(site()).toEqual({ gateways: 1, ever: 1 })
    expect(counted.elections).toEqual([{ site: 1, cause: 'first' }])
  },
)

test('a peer whose site has a gateway through another node is answered like any leecher', async () => {
  const { response, answer, site, counted } = anElection()
  answer('denied')
  expect((await response).peers).toEqual([])
  expect(site()).toEqual({ gateways: 0, ever: 0 })
  expect(counted.elections).toEqual([])
})

test('meanwhile no other peer of the site is elected or deferred, and no remote peer is handed this one', async () => {
  const { response, answer, announce, calls } = anElection()
  expect(announce('127.2.1.2').peers).toEqual(['127.2.1.1:6881'])
  expect(announce('127.1.1.1', { left: 0 }).peers).toEqual([])
  expect(calls.filter((line) => line.startsWith('claim'))).toHaveLength(1)
  answer('granted')
  expect((await response).peers.toSorted()).toEqual(['127.1.1.1:6881', '127.2.1.2:6881'])
})

test('meanwhile another announce of the peer is answered at once, without a remote peer', async () => {
  const { response, answer, announce } = anElection()
  expect(announce('127.2.1.1').peers).toEqual([])
  answer('granted')
  expect((await response).peers).toEqual(['127.1.1.1:6881'])
})

test('a peer that stops meanwhile is handed no peer, and its lease is released', async () => {
  const { response, answer, announce, calls, table, site } = anElection()
  announce('127.2.1.1', { event: 'stopped' })
  // Another peer has its row now.
  announce('127.3.1.7', { left: 0 })
  answer('granted')
  expect((await response).peers).toEqual([])
  expect(calls).toContain('release 127.2.1.1 in ams')
  expect(table.rows.live).toBe(2)
  expect(site().ever ?? 0).toBe(0)
})

test('a site that becomes warm meanwhile needs no gateway', async () => {
  const { response, answer, announce, site, calls } = anElection()
  announce('127.2.1.9', { left: 0 })
  announce('127.2.1.8')
  answer('granted')
  expect((await response).peers).not.toContain('127.1.1.1:6881')
  expect(site()).toEqual({ gateways: 0, ever: 0 })
  expect(calls).toContain('release 127.2.1.1 in ams')
})

test('after a change of the topology meanwhile, the peer is answered by its place in the new one', async () => {
  const { response, answer, topology } = anElection()
  topology.replace(topology.value)
  answer('granted')
  expect((await response).peers).toEqual(['127.1.1.1:6881'])
})

test('a claim that fails leaves no lease behind', async () => {
  const { response, fail, site } = anElection()
  fail(new Error('a bug'))
  await expect(response).rejects.toThrow('a bug')
  expect(site()).toEqual({ gateways: 0, ever: 0 })
})

test('a lease is renewed with each announce of its gateway, and released when the gateway is complete', async () => {
  const { response, answer, announce, calls } = anElection()
  answer('granted')
  await response
  calls.length = 0
  announce('127.2.1.1')
  announce('127.2.1.2')
  announce('127.2.1.1', { left: 0, event: 'completed' })
  expect(calls).toEqual(['renew 127.2.1.1 in ams', 'release 127.2.1.1 in ams'])
})

test('a gateway that stops releases its lease before the next claim', async () => {
  const { response, answer, announce, announceLater, calls } = anElection()
  announce('127.2.1.2')
  answer('granted')
  await response
  calls.length = 0
  announce('127.2.1.1', { event: 'stopped' })
  const next = announceLater('127.2.1.2')
  answer('granted')
  expect((await next).peers).toEqual(['127.1.1.1:6881'])
  expect(calls.slice(0, 2)).toEqual(['release 127.2.1.1 in ams', 'claim 127.2.1.2 in ams'])
})

test('a claim that is answered at once defers no announce', () => {
  const { announce } = aTracker({
    leases: { claim: () => 'granted', renew: () => {}, release: () => {} },
  })
  announce('127.1.1.1', { left: 0 })
  expect(announce('127.2.1.1').peers).toEqual(['127.1.1.1:6881'])
})

const libtorrent = { client: '-LT2080-' }

test('a gateway whose claim was pending is handed the peers that came meanwhile', async () => {
  const { announceLater, response, answer } = anElection(libtorrent)
  for (const host of [2, 3, 4, 5]) void announceLater(`127.2.1.${host}`, libtorrent)
  answer('granted')
  const { peers } = await response
  expect(peers.some((peer) => peer.startsWith('127.2.1.'))).toBe(true)
})

test('it is not handed the leecher that a small site keeps in reserve', async () => {
  const { announceLater, response, answer } = anElection(libtorrent)
  void announceLater('127.2.1.2', libtorrent)
  answer('granted')
  expect((await response).peers).toEqual(['127.1.1.1:6881'])
})

test('nor after a third one came, which is its neighbour', async () => {
  const { announce, announceLater, response, answer } = anElection(libtorrent)
  void announceLater('127.2.1.2', libtorrent)
  announce('127.2.1.3', libtorrent)
  answer('granted')
  expect((await response).peers).toEqual(['127.2.1.3:6881', '127.1.1.1:6881'])
})
