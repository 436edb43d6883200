/** rtorrent: learns nothing from its own kind, and keeps it to itself that it is complete. */
import { expect, test } from 'vitest'
import { Refusal } from '../../../src/core/errors.ts'
import { aTracker } from '../../a-tracker.ts'

const rtorrent = { client: '-lt0D80-' }
const SOURCE = '127.1.1.1'

/** A site with a gateway; `isComplete` answers for whoever is asked. */
function aFillingSite(saying: { client: string } = rtorrent) {
  const complete = new Set<string>()
  const asked: string[] = []
  const site = aTracker({
    inquire: ({ address }) => {
      asked.push(address.toString())
      return Promise.resolve(complete.has(address.toString()))
    },
  })
  site.announce(SOURCE, { ...saying, left: 0 })
  site.announce('127.2.1.1', saying)
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      site.clock.advanceMs(500)
      site.tracker.tick()
      // What was asked is answered in the next turns.
      for (let turn = 0; turn < 5; turn++) await Promise.resolve()
    }
  }
  return { ...site, complete, asked, pass }
}

test('is kept waiting while its site has nobody complete, and answered when the gateway is found to be', async () => {
  const { announceLater, complete, pass } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent)
  await pass(20_000)
  complete.add('127.2.1.1')
  await pass(3_000)
  expect((await answer).peers).toEqual(['127.2.1.1:6881'])
})

test('two are served at a time, and those who are done serve the next', async () => {
  const { announceLater, complete, pass } = aFillingSite()
  const answered = new Map<string, readonly string[]>()
  for (const host of [2, 3, 4, 5])
    void announceLater(`127.2.1.${host}`, rtorrent).then(({ peers }) =>
      answered.set(`127.2.1.${host}`, peers),
    )
  complete.add('127.2.1.1')
  await pass(5_000)
  expect([...answered]).toEqual([
    ['127.2.1.2', ['127.2.1.1:6881']],
    ['127.2.1.3', ['127.2.1.1:6881']],
  ])
  complete.add('127.2.1.2')
  await pass(5_000)
  expect(answered.size).toBe(4)
  expect(answered.get('127.2.1.4')).toContain('127.2.1.2:6881')
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
  const { announce, announceLater, pass, complete } = aFillingSite()
  const answer = announceLater('127.1.1.2', rtorrent)
  await pass(10_000)
  announce('127.2.1.1', { ...rtorrent, left: 1000 })
  complete.add('127.2.1.1')
  await pass(3_000)
  expect((await answer).peers).toEqual([`${SOURCE}:6881`])
})

test('a gateway that is found to be complete counts as a seed, and one completed download', async () => {
  const { announce, pass, complete, counted } = aFillingSite()
  complete.add('127.2.1.1')
  await pass(2_000)
  expect(announce('127.3.1.1', { client: 'A2-1-36-' })).toMatchObject({ complete: 2, downloaded: 1 })
  announce('127.2.1.1', { ...rtorrent, left: 0, event: 'completed' })
  expect(counted.completions).toEqual([1])
})

test('whoever tells by itself that it is complete is not asked', async () => {
  const { announce, asked, pass } = aFillingSite()
  announce('127.2.1.1', { ...rtorrent, left: 0, event: 'completed' })
  await pass(5_000)
  expect(asked).toEqual([])
})

test('nobody waits for a node that goes away', async () => {
  const { announceLater, tracker } = aFillingSite()
  const answer = announceLater('127.2.1.2', rtorrent).catch((error: unknown) => error)
  tracker.close()
  expect(await answer).toMatchObject({ code: 'TRK_TOO_EARLY' })
})
