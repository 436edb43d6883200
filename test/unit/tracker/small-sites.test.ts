/** Sites so small that everybody would know everybody: libtorrent then waits a minute for one piece. */
import { expect, test } from 'vitest'
import { aTracker } from '../../a-tracker.ts'

const libtorrent = { client: '-LT2080-' }
const SOURCE = '127.1.1.1'

function aSiteOf(leechers: number, announcement = {}) {
  const { announce, clock } = aTracker()
  announce(SOURCE, { ...libtorrent, left: 0 })
  const heard = []
  for (let host = 1; host <= leechers; host++)
    heard.push(announce(`127.2.1.${host}`, { ...libtorrent, ...announcement }).peers)
  return { announce, clock, heard }
}

test('the second leecher of a site meets nobody until the first is complete, and is its stranger then', () => {
  const { announce, heard } = aSiteOf(2)
  expect(heard).toEqual([[`${SOURCE}:6881`], []])
  expect(announce('127.2.1.1', { ...libtorrent, left: 0, event: 'completed' }).peers).toEqual([
    '127.2.1.2:6881',
  ])
})

test('a gateway that asks again, as clients with two trackers do at once, does not hear of it either', () => {
  const { announce } = aSiteOf(2)
  expect(announce('127.2.1.1', libtorrent).peers).toEqual([`${SOURCE}:6881`])
})

test('of three leechers the third meets the gateway alone, so that the second stays a stranger to both', () => {
  const { announce, heard } = aSiteOf(3)
  expect(heard[2]).toEqual(['127.2.1.1:6881'])
  announce('127.2.1.1', { ...libtorrent, left: 0, event: 'completed' })
  expect(announce('127.2.1.2', { ...libtorrent, left: 0, event: 'completed' }).peers).toContain(
    '127.2.1.3:6881',
  )
})

test('the fourth leecher joins the second and the third', () => {
  const { heard } = aSiteOf(4)
  expect(heard[3]?.toSorted()).toEqual(['127.2.1.2:6881', '127.2.1.3:6881'])
})

test('whoever comes back without having met anybody is kept in reserve no longer', () => {
  const { announce, clock } = aSiteOf(2)
  clock.advanceMs(200_000)
  announce(SOURCE, { ...libtorrent, left: 0 })
  expect(announce('127.2.1.2', libtorrent).peers).toEqual(['127.2.1.1:6881'])
})

test('the second leecher beside a seed of its own site is not kept waiting', () => {
  const { announce } = aTracker()
  announce('127.2.1.1', { ...libtorrent, left: 0 })
  announce('127.2.1.2', { ...libtorrent, left: 0 })
  const seeds = ['127.2.1.1:6881', '127.2.1.2:6881']
  for (const host of [3, 4, 5]) {
    const { peers } = announce(`127.2.1.${host}`, libtorrent)
    expect(peers.filter((peer) => seeds.includes(peer)).length).toBeGreaterThan(0)
  }
})

test('the only source of a rollout is left to the other sites', () => {
  const { announce } = aTracker()
  announce(SOURCE, { ...libtorrent, left: 0 })
  expect(announce('127.1.1.2', libtorrent).peers).toEqual([`${SOURCE}:6881`])
  expect(announce('127.1.1.3', libtorrent).peers).toEqual([])
})

test('nobody is kept in reserve for a file that takes longer than the minute that it would save', () => {
  const { heard } = aSiteOf(2, { left: 513 * 2 ** 20 })
  expect(heard[1]).toEqual(['127.2.1.1:6881'])
})

test('nobody is kept in reserve who does not say how much is missing', () => {
  const { heard } = aSiteOf(2, { left: undefined })
  expect(heard[1]).toEqual(['127.2.1.1:6881'])
})

test('a client that does not hang up on finishers is not kept in reserve', () => {
  const { heard } = aSiteOf(2, { client: 'A2-1-36-' })
  expect(heard[1]).toEqual(['127.2.1.1:6881'])
})
