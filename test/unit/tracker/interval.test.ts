import { expect, test } from 'vitest'
import { SeededRandom } from '../../../src/core/random.ts'
import { lifetimeSeconds, LoadMeter, computeInterval } from '../../../src/tracker/interval.ts'
import { aTracker } from '../../a-tracker.ts'

const LIMITS = { secondsMin: 60, secondsMax: 1800 }
const aPeer = { isWaiting: true, swarmPeers: 10, nodePeers: 10 }

/** The shortest and the longest of many intervals. */
function range(limits: typeof LIMITS, peer: typeof aPeer, load = 0): [number, number] {
  const random = new SeededRandom(3)
  const seconds = Array.from(
    { length: 2_000 },
    () => computeInterval(limits, peer, load, random).intervalSeconds,
  )
  return [Math.min(...seconds), Math.max(...seconds)]
}

test('a waiting peer announces again soon, a peer that only serves announces rarely', () => {
  expect(range(LIMITS, aPeer)).toEqual([60, 66])
  expect(range(LIMITS, { ...aPeer, isWaiting: false })).toEqual([810, 990])
})

test('peers of a large swarm, of a full node and of a busy node announce less often', () => {
  expect(range(LIMITS, { ...aPeer, swarmPeers: 6_000 })).toEqual([540, 660])
  expect(range(LIMITS, { ...aPeer, nodePeers: 3_000_000 })).toEqual([540, 660])
  expect(range(LIMITS, aPeer, 10)).toEqual([540, 660])
})

test('every interval is within the limits of the operator', () => {
  expect(range(LIMITS, { ...aPeer, nodePeers: 9_000_000 })).toEqual([1620, 1800])
  expect(range({ secondsMin: 5, secondsMax: 5 }, aPeer)).toEqual([5, 5])
})

test('min interval is half the interval, and at least 300 s unless the maximum of the operator is shorter', () => {
  const minOf = (limits: typeof LIMITS, peer: typeof aPeer) =>
    computeInterval(limits, peer, 0, { below: () => 1 << 15 }).intervalSecondsMin
  expect(minOf(LIMITS, aPeer)).toBe(300)
  expect(minOf(LIMITS, { ...aPeer, isWaiting: false })).toBe(450)
  expect(minOf({ secondsMin: 5, secondsMax: 30 }, aPeer)).toBe(30)
})

test('a client that never announces before 300 s expires after more than twice that time', () => {
  expect(lifetimeSeconds(60, 300)).toBe(630)
  expect(lifetimeSeconds(60, 0)).toBe(150)
  expect(lifetimeSeconds(1800, 300)).toBe(3630)
})

test('a libtorrent gateway that announces at its own interval keeps its lease', () => {
  const { announce, clock } = aTracker()
  announce('127.1.1.1', { left: 0 })
  announce('127.2.1.1', { client: '-LT2080-' })
  clock.advanceMs(300_000)
  announce('127.1.1.1', { left: 0 })
  expect(announce('127.2.1.2').peers).toEqual(['127.2.1.1:6881'])
})

test('the load is that of the last seconds, and 0 after a pause without announces', () => {
  const meter = new LoadMeter()
  for (let announce = 0; announce < 50_000; announce++) meter.count(1_000_000)
  expect(meter.count(1_005_000)).toBe(2)
  expect(meter.count(1_100_000)).toBe(0)
})
