/** One subscriber of a site: nothing is written to a socket that accepts no data, and it is disconnected in the end. */
import { PassThrough } from 'node:stream'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { NO_REPORTS } from '../../../src/federation/site-reports.ts'
import { SubscriberStream } from '../../../src/federation/subscriber-stream.ts'

const SOON = { timeout: 60_000 }

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** A site with this number of torrents, each a batch of a hundred bytes, and a socket that buffers a kilobyte. */
function aSubscriber(torrents: number) {
  const clock = new ManualClock()
  const sent: string[] = []
  let stuck = 0
  const out = new PassThrough({ highWaterMark: 1_024 })
  const stream = new SubscriberStream({
    advertiser: {
      site: 'fra',
      topologyHash: '0123456789ab',
      nowMs: () => clock.nowMs(),
      torrents: () => Array.from({ length: torrents }, (_, index) => `torrent ${index}`),
      encodeUpdates: (pending) => {
        const next = pending.next()
        if (next.done === true) return undefined
        sent.push(next.value)
        return Buffer.alloc(100)
      },
    },
    subscriber: 'ams',
    out,
    nowMs: () => clock.nowMs(),
    onStuck: () => stuck++,
    reports: NO_REPORTS,
  })
  const seconds = (count: number) => {
    for (let second = 0; second < count; second++) {
      clock.advanceMs(1_000)
      vi.advanceTimersByTime(1_000)
    }
  }
  return { stream, out, sent, seconds, stuck: () => stuck }
}

test('a subscriber that accepts no data is sent no more of it, and is disconnected after half a minute', () => {
  const { stream, sent, seconds, stuck } = aSubscriber(100_000)
  const sentAtFirst = sent.length
  expect(sentAtFirst).toBeLessThan(30)

  seconds(29)
  expect([sent.length, stuck()]).toEqual([sentAtFirst, 0])
  seconds(1)
  expect(stuck()).toBe(1)
  stream.close()
})

test('changes in the meantime are a set of pending torrents, and are written once, before the rest of the state', async () => {
  const { stream, out, sent, seconds } = aSubscriber(100_000)
  const sentAtFirst = sent.length
  for (let change = 0; change < 1_000; change++) stream.changed(`changed ${change % 3}`, true)
  seconds(1)
  expect([sent.length, stream.pendingTorrents]).toEqual([sentAtFirst, 3])

  out.resume()
  vi.useRealTimers()
  await vi.waitUntil(() => stream.pendingTorrents === 0, SOON)
  out.pause()
  expect(sent.slice(sentAtFirst, sentAtFirst + 3)).toEqual(['changed 0', 'changed 1', 'changed 2'])
  stream.close()
})

test('a subscriber that reads receives everything, and is not disconnected', async () => {
  const { stream, out, sent, seconds, stuck } = aSubscriber(50)
  out.resume()
  vi.useRealTimers()
  await vi.waitUntil(() => sent.length === 50, SOON)
  vi.useFakeTimers()
  seconds(100)
  expect(stuck()).toBe(0)
  stream.close()
})
