/** One reader of what a site says: nothing is written to a socket that takes nothing, and not for ever. */
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { SubscriberStream } from '../../../src/federation/subscriber-stream.ts'

const SOON = { timeout: 20_000 }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A site with these torrents, each a batch of a hundred bytes; and a socket that holds a kilobyte. */
function aReader(torrents: number) {
  const clock = new ManualClock()
  const told: string[] = []
  let stuck = 0
  const out = new PassThrough({ highWaterMark: 1_024 })
  const stream = new SubscriberStream({
    advertiser: {
      site: 'fra',
      nowMs: () => clock.nowMs(),
      torrents: () => Array.from({ length: torrents }, (_, index) => `torrent ${index}`),
      encodeUpdates: (due) => {
        const next = due.next()
        if (next.done === true) return undefined
        told.push(next.value)
        return Buffer.alloc(100)
      },
    },
    subscriber: 'ams',
    out,
    nowMs: () => clock.nowMs(),
    onStuck: () => stuck++,
  })
  const seconds = (count: number) => {
    for (let second = 0; second < count; second++) {
      clock.advanceMs(1_000)
      vi.advanceTimersByTime(1_000)
    }
  }
  return { stream, out, told, seconds, stuck: () => stuck }
}

test('a reader that takes nothing is told nothing more, and sent away after half a minute', () => {
  const { stream, told, seconds, stuck } = aReader(100_000)
  const toldAtFirst = told.length
  expect(toldAtFirst).toBeLessThan(30)

  seconds(29)
  expect([told.length, stuck()]).toEqual([toldAtFirst, 0])
  seconds(1)
  expect(stuck()).toBe(1)
  stream.close()
})

test('what changes meanwhile waits as a set of torrents, and goes out once, first of all', async () => {
  const { stream, out, told, seconds } = aReader(100_000)
  const toldAtFirst = told.length
  for (let change = 0; change < 1_000; change++) stream.changed(`changed ${change % 3}`, true)
  seconds(1)
  expect([told.length, stream.dueTorrents]).toEqual([toldAtFirst, 3])

  out.resume()
  vi.useRealTimers()
  await vi.waitUntil(() => stream.dueTorrents === 0, SOON)
  out.pause()
  expect(told.slice(toldAtFirst, toldAtFirst + 3)).toEqual(['changed 0', 'changed 1', 'changed 2'])
  stream.close()
})

test('a reader that reads hears all, and is never sent away', async () => {
  const { stream, out, told, seconds, stuck } = aReader(50)
  out.resume()
  vi.useRealTimers()
  await vi.waitUntil(() => told.length === 50, SOON)
  vi.useFakeTimers()
  seconds(100)
  expect(stuck()).toBe(0)
  stream.close()
})
