/** Sites so small that every peer would be connected to every other: libtorrent then waits a minute for one piece. */
import { expect, test } from 'vitest'
import { aTracker } from '../../a-tracker.ts'

const libtorrent = { client: '-LT2080-' }
const SOURCE = '127.1.1.1'

function aSiteOf(leechers: number, announcement = {}) {
  const { announce, clock } = aTracker()
  announce(SOURCE, { ...libtorrent, left: 0 })
  const handedOut = []
  for (let host = 1; host <= leechers; host++)
    handedOut.push(announce(`127.2.1.${host}`, { ...libtorrent, ...announcement }).peers)
  return { announce, clock, handedOut }
}

test('the second leecher of a site is handed no peer until the first is complete, which has not met it then', () => {
  const { announce, handedOut } = aSiteOf(2)
  expect(handedOut).toEqual([[`${SOURCE}:6881`], []])
  expect(announce('127.2.1.1', { ...libtorrent, left: 0, event: 'completed' }).peers).toEqual([
    '127.2.1.2:6881',
  ])
})

test('a gateway that announces again, as clients with two trackers do at once, is not handed it either', () => {
  const { announce } = aSiteOf(2)
  expect(announce('127.2.1.1', libtorrent).peers).toEqual([`${SOURCE}:6881`])
})

test('of three leechers the third is handed the gateway alone, so that neither meets the second', () => {
  const { announce, handedOut } = aSiteOf(3)
  expect(handedOut[2]).toEqual(['127.2.1.1:6881'])
  announce('127.2.1.1', { ...libtorrent, left: 0, event: 'completed' })
  expect(announce('127.2.1.2', { ...libtorrent, left: 0, event: 'completed' }).peers).toContain(
    '127.2.1.3:6881',
  )
})

test('the fourth leecher joins the second and the third', () => {
  const { handedOut } = aSiteOf(4)
  expect(handedOut[3]?.toSorted()).toEqual(['127.2.1.2:6881', '127.2.1.3:6881'])
})

test('a leecher that announces again without any peer is no longer kept in reserve', () => {
  const { announce, clock } = aSiteOf(2)
  clock.advanceMs(200_000)
  announce(SOURCE, { ...libtorrent, left: 0 })
  expect(announce('127.2.1.2', libtorrent).peers).toEqual(['127.2.1.1:6881'])
})

test('the second leecher beside a seed of its own site is not kept in reserve', () => {
  const { announce } = aTracker()
  announce('127.2.1.1', { ...libtorrent, left: 0 })
  announce('127.2.1.2', { ...libtorrent, left: 0 })
  const seeds = ['127.2.1.1:6881', '127.2.1.2:6881']
  for (const host of [3, 4, 5]) {
    const { peers } = announce(`127.2.1.${host}`, libtorrent)
    expect(peers.filter((peer) => seeds.includes(peer)).length).toBeGreaterThan(0)
  }
})

test('the only source of a rollout is reserved for the other sites', () => {
  const { announce } = aTracker()
  announce(SOURCE, { ...libtorrent, left: 0 })
  expect(announce('127.1.1.2', libtorrent).peers).toEqual([`${SOURCE}:6881`])
  expect(announce('127.1.1.3', libtorrent).peers).toEqual([])
})

test('no leecher is kept in reserve for a file that takes longer than the minute that it would save', () => {
  const { handedOut } = aSiteOf(2, { left: 513 * 2 ** 20 })
  expect(handedOut[1]).toEqual(['127.2.1.1:6881'])
})

test('a leecher without left is not kept in reserve', () => {
  const { handedOut } = aSiteOf(2, { left: undefined })
  expect(handedOut[1]).toEqual(['127.2.1.1:6881'])
})

test('a client that does not disconnect finishers is not kept in reserve', () => {
  const { handedOut } = aSiteOf(2, { client: 'A2-1-36-' })
  expect(handedOut[1]).toEqual(['127.2.1.1:6881'])
})
