/** rtorrent: learns nothing from its own kind, and keeps it to itself that it is complete. */
import { expect, test } from 'vitest'
import { Refusal } from '../../../src/core/errors.ts'
import { aTracker } from '../../a-tracker.ts'

const rtorrent = { client: '-lt0D80-' }
const SOURCE = '127.1.1.1'

/** A site with a gateway; `shares` answers for whoever is asked. */
function aFillingSite(announcement: { client: string } = rtorrent) {
  const shares = new Map<string, number>()
  const seen = new Map<string, number>()
  /** Clients without a response have no pieces. */
  const waits = new Set<string>()
  const site = aTracker()
  site.announce(SOURCE, { ...announcement, left: 0 })
  site.announce('127.2.1.1', announcement)
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      site.clock.advanceMs(500)
      for (const [ip, share] of shares)
        if (!waits.has(ip) && seen.get(ip) !== share) {
          site.observe(ip, { share })
          seen.set(ip, share)
        }
      site.tracker.tick()
      // Responses that were deferred arrive in the next turns.
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    }
  }
  return { ...site, shares, waits, pass }
}

test('is kept waiting while its site has nobody complete, and answered when the gateway is found to be', async () => {
  const { announceLater, shares, pass } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent)
  await pass(20_000)
  shares.set('127.2.1.1', 1)
  await pass(3_000)
  expect((await answer).peers).toEqual(['127.2.1.1:6881'])
})

/** What each of these hosts of site 2 is answered, in the order of the answers. */
function waiting({ announceLater, waits }: ReturnType<typeof aFillingSite>, hosts: readonly number[]) {
  const answers = new Map<string, readonly string[]>()
  for (const host of hosts) {
    const ip = `127.2.1.${host}`
    waits.add(ip)
    const answered = async () => {
      const { peers } = await announceLater(ip, rtorrent)
      waits.delete(ip)
      answers.set(ip, peers.toSorted())
    }
    void answered()
  }
  return answers
}

test('one after the other hears of whoever is complete, and of those before it that have begun', async () => {
  const site = aFillingSite()
  const answered = waiting(site, [2, 3, 4])
  site.shares.set('127.2.1.1', 1)
  await site.pass(4_000)
  expect([...answered]).toEqual([['127.2.1.2', ['127.2.1.1:6881']]])
  site.shares.set('127.2.1.2', 0.05)
  await site.pass(2_000)
  expect([...answered].slice(1)).toEqual([['127.2.1.3', ['127.2.1.1:6881', '127.2.1.2:6881']]])
  site.shares.set('127.2.1.3', 0.05)
  await site.pass(2_000)
  expect([...answered].slice(2)).toEqual([
    ['127.2.1.4', ['127.2.1.1:6881', '127.2.1.2:6881', '127.2.1.3:6881']],
  ])
})

test('a neighbour of which nothing is heard keeps the next one waiting for 5 s, and is not handed to it', async () => {
  const site = aFillingSite()
  const answered = waiting(site, [2, 3])
  site.shares.set('127.2.1.1', 1)
  await site.pass(8_000)
  expect([...answered]).toEqual([
    ['127.2.1.2', ['127.2.1.1:6881']],
    ['127.2.1.3', ['127.2.1.1:6881']],
  ])
})

test('one that is complete serves seven, and those who are done serve the next', async () => {
  const site = aFillingSite()
  const hosts = [2, 3, 4, 5, 6, 7, 8, 9, 10]
  const answered = waiting(site, hosts)
  site.shares.set('127.2.1.1', 1)
  for (const host of hosts) site.shares.set(`127.2.1.${host}`, 0.05)
  await site.pass(30_000)
  expect([...answered.keys()]).toEqual([2, 3, 4, 5, 6, 7, 8].map((host) => `127.2.1.${host}`))
  site.shares.set('127.2.1.2', 1)
  await site.pass(5_000)
  expect(answered.get('127.2.1.9')).toContain('127.2.1.2:6881')
})

test('nobody is handed to it that is only on the way, while its site has nobody complete', async () => {
  const site = aFillingSite()
  const answered = waiting(site, [2])
  site.shares.set('127.2.1.1', 0.9)
  await site.pass(30_000)
  expect(answered.size).toBe(0)
})

test('the gateway of a second site waits until that of the first has a tenth, and hears of it too', async () => {
  const { announceLater, shares, pass } = aFillingSite()
  const answer = announceLater('127.3.1.1', rtorrent)
  let peers: readonly string[] | undefined
  void answer.then((reply) => (peers = reply.peers))
  shares.set('127.2.1.1', 0.05)
  await pass(20_000)
  expect(peers).toBeUndefined()
  shares.set('127.2.1.1', 0.11)
  await pass(2_000)
  expect(peers?.toSorted()).toEqual([`${SOURCE}:6881`, '127.2.1.1:6881'])
})

test('the gateway of a second site goes on alone where nothing is heard of the first', async () => {
  const { announceLater, pass } = aFillingSite()
  const answer = announceLater('127.3.1.1', rtorrent)
  await pass(5_000)
  expect((await answer).peers).toEqual([`${SOURCE}:6881`])
})

test('is told to come back after 45 s without anybody', async () => {
  const { announceLater, pass } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent).catch((error: unknown) => error)
  await pass(45_000)
  expect(await answer).toMatchObject({ code: 'TRK_TOO_EARLY' })
})

test('is told at once over UDP, where waiting would be taken for loss', () => {
  const { announce } = aFillingSite()
  let refusal: unknown
  try {
    announce('127.2.1.2', { ...rtorrent, protocol: 'udp' })
  } catch (error) {
    refusal = error
  }
  expect(refusal).toBeInstanceOf(Refusal)
  expect(refusal).toMatchObject({ code: 'TRK_TOO_EARLY' })
})

test('becomes gateway itself when the one that was is gone', async () => {
  const { announce, announceLater, pass } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent)
  await pass(5_000)
  announce('127.2.1.1', { ...rtorrent, event: 'stopped' })
  await pass(500)
  expect((await answer).peers).toEqual([`${SOURCE}:6881`])
})

test('is answered with nobody where it stops while it waits', async () => {
  const { announce, announceLater, pass } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent)
  announce('127.2.1.2', { ...rtorrent, event: 'stopped' })
  await pass(500)
  expect((await answer).peers).toEqual([])
})

test('does not wait where clients of another kind tell it what they get', () => {
  const { announce } = aFillingSite({ client: 'A2-1-36-' })
  expect(announce('127.2.1.2', rtorrent).peers).toEqual(['127.2.1.1:6881'])
})

test('the sources of its site serve the gateways of other sites first', async () => {
  const { announce, announceLater, pass, shares } = aFillingSite()
  const answer = announceLater('127.1.1.2', rtorrent)
  await pass(10_000)
  announce('127.2.1.1', { ...rtorrent, left: 1000 })
  shares.set('127.2.1.1', 1)
  await pass(3_000)
  expect((await answer).peers).toEqual([`${SOURCE}:6881`])
})

test('a gateway that is found to be complete counts as a seed, and one completed download', async () => {
  const { announce, pass, shares, counted } = aFillingSite()
  shares.set('127.2.1.1', 1)
  await pass(2_000)
  expect(announce('127.3.1.1', { client: 'A2-1-36-' })).toMatchObject({ complete: 2, downloaded: 1 })
  announce('127.2.1.1', { ...rtorrent, left: 0, event: 'completed' })
  expect(counted.completions).toEqual([1])
})

test('nobody waits for a node that goes away', async () => {
  const { announceLater, tracker } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent).catch((error: unknown) => error)
  tracker.close()
  expect(await answer).toMatchObject({ code: 'TRK_TOO_EARLY' })
})
