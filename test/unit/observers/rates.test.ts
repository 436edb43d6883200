import { describe, expect, it } from 'vitest'
import { SeededRandom } from '../../../src/core/random.ts'
import { backoffMs } from '../../../src/observers/backoff.ts'
import { sendsHave } from '../../../src/observers/client-kind.ts'
import { Progress } from '../../../src/observers/progress.ts'
import { TokenBucket } from '../../../src/observers/token-bucket.ts'

describe('a bucket', () => {
  it('holds its burst and refills at its rate', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 20, nowMs: 0 })
    expect(bucket.spend(20, 0)).toBe(true)
    expect(bucket.spend(1, 0)).toBe(false)
    expect(bucket.left(1_100)).toBeCloseTo(10)
    expect(bucket.left(60_000)).toBe(20)
  })

  it('pays back an expense that it did not contain', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 10, nowMs: 0 })
    expect(bucket.spend(30, 0)).toBe(false)
    expect(bucket.left(1_000)).toBeCloseTo(-10)
    expect(bucket.left(2_500)).toBeCloseTo(5)
  })
})

describe('the backoff', () => {
  it('doubles from five seconds to five minutes, less a jitter', () => {
    const random = new SeededRandom(1)
    for (const [failures, longestMs] of [
      [1, 5_000],
      [2, 10_000],
      [6, 160_000],
      [7, 300_000],
      [1_000, 300_000],
    ] as const) {
      const delayMs = backoffMs(failures, random)
      expect(delayMs).toBeLessThanOrEqual(longestMs)
      expect(delayMs).toBeGreaterThanOrEqual(longestMs * 0.8)
    }
  })
})

describe('the progress', () => {
  it('has no rate until a second has passed', () => {
    const progress = new Progress()
    progress.record(0, 0)
    progress.record(0.5, 500)
    expect(progress.rateAt(500)).toBe(0)
    expect(progress.rateAt(1_000)).toBeGreaterThan(0)
  })

  it('keeps the time of the last new piece', () => {
    const progress = new Progress()
    expect(progress.record(0.1, 0)).toBe(true)
    expect(progress.progressedMs).toBeUndefined()
    expect(progress.record(0.2, 1_000)).toBe(true)
    expect(progress.record(0.2, 9_000)).toBe(false)
    expect(progress.progressedMs).toBe(1_000)
    expect(progress.stallsAtMs()).toBe(13_000)
  })

  it('is not a negative rate when a client loses pieces', () => {
    const progress = new Progress()
    progress.record(0.5, 0)
    progress.record(0.1, 2_000)
    expect(progress.rateAt(2_000)).toBe(0)
    expect(progress.share).toBe(0.1)
  })
})

it('Transmission and rtorrent show new pieces on a new connection only', () => {
  const ids = ['-TR3000-', '-lt0D80-', '-LT2080-', 'A2-1-36-0-', '-qB4520-']
  expect(ids.map((id) => sendsHave(Buffer.from(id.padEnd(20, 'x'))))).toEqual([
    false,
    false,
    true,
    true,
    true,
  ])
})
