/** rtorrent: a bitfield-only client, which does not process HAVE messages and does not announce that it is complete. */
import { expect, test } from 'vitest'
import { Refusal } from '../../../src/core/errors.ts'
import { aTracker } from '../../a-tracker.ts'

const rtorrent = { client: '-lt0D80-' }
const SOURCE = '127.1.1.1'

/** A site with a gateway. `shares` has the completion that a probe of each address returns. */
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

test('is deferred while its site has no complete peer, and answered when the gateway is observed to be complete', async () => {
  const { announceLater, shares, pass } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent)
  await pass(20_000)
  shares.set('127.2.1.1', 1)
  await pass(3_000)
  expect((await answer).peers).toEqual(['127.2.1.1:6881'])
})

/** The peers in the response for each of these hosts of site 2, in the order of the responses. */
function deferred({ announceLater, waits }: ReturnType<typeof aFillingSite>, hosts: readonly number[]) {
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

test('one after the other is handed the complete peer, and the earlier ones that have begun', async () => {
  const site = aFillingSite()
  const answered = deferred(site, [2, 3, 4])
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

test('a neighbour without progress delays the next one by 5 s, and is not handed to it', async () => {
  const site = aFillingSite()
  const answered = deferred(site, [2, 3])
  site.shares.set('127.2.1.1', 1)
  await site.pass(8_000)
  expect([...answered]).toEqual([
    ['127.2.1.2', ['127.2.1.1:6881']],
    ['127.2.1.3', ['127.2.1.1:6881']],
  ])
})

test('a complete peer serves seven, and those that complete serve the next ones', async () => {
  const site = aFillingSite()
  const hosts = [2, 3, 4, 5, 6, 7, 8, 9, 10]
  const answered = deferred(site, hosts)
  site.shares.set('127.2.1.1', 1)
  for (const host of hosts) site.shares.set(`127.2.1.${host}`, 0.05)
  await site.pass(30_000)
  expect([...answered.keys()]).toEqual([2, 3, 4, 5, 6, 7, 8].map((host) => `127.2.1.${host}`))
  site.shares.set('127.2.1.2', 1)
  await site.pass(5_000)
  expect(answered.get('127.2.1.9')).toContain('127.2.1.2:6881')
})

test('is not handed an incomplete peer while its site has no complete one', async () => {
  const site = aFillingSite()
  const answered = deferred(site, [2])
  site.shares.set('127.2.1.1', 0.9)
  await site.pass(30_000)
  expect(answered.size).toBe(0)
})

test('the gateway of a second site is deferred until that of the first has a tenth, and is handed it too', async () => {
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

test('the gateway of a second site continues alone if the first has no progress', async () => {
  const { announceLater, pass } = aFillingSite()
  const answer = announceLater('127.3.1.1', rtorrent)
  await pass(5_000)
  expect((await answer).peers).toEqual([`${SOURCE}:6881`])
})

test('is asked to retry after 45 s without a peer', async () => {
  const { announceLater, pass } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent).catch((error: unknown) => error)
  await pass(45_000)
  expect(await answer).toMatchObject({ code: 'TRK_TOO_EARLY' })
})

test('is asked to retry at once over UDP, where a delay would look like packet loss', () => {
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

test('becomes gateway itself after the former one stopped', async () => {
  const { announce, announceLater, pass } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent)
  await pass(5_000)
  announce('127.2.1.1', { ...rtorrent, event: 'stopped' })
  await pass(500)
  expect((await answer).peers).toEqual([`${SOURCE}:6881`])
})

test('is answered without peers if it stops while it is deferred', async () => {
  const { announce, announceLater, pass } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent)
  announce('127.2.1.2', { ...rtorrent, event: 'stopped' })
  await pass(500)
  expect((await answer).peers).toEqual([])
})

test('is not deferred beside clients that send it new bitfields', () => {
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

test('a deferred announce is refused when the node stops', async () => {
  const { announceLater, tracker } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent).catch((error: unknown) => error)
  tracker.close()
  expect(await answer).toMatchObject({ code: 'TRK_TOO_EARLY' })
})
