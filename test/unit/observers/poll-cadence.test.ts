import { describe, expect, it } from 'vitest'
import { pollIntervalMs } from '../../../src/observers/poll-cadence.ts'

const reconnected = { sendsHave: false, isComplete: false, ageMs: 0, share: 0 }
const other = { ...reconnected, sendsHave: true }

describe('a client that shows its completion in no other way is polled', () => {
  it('after a second at first, and then when it is older by a thirtieth', () => {
    expect(pollIntervalMs(reconnected)).toBe(1_000)
    expect(pollIntervalMs({ ...reconnected, ageMs: 300_000 })).toBe(10_000)
    expect(pollIntervalMs({ ...reconnected, ageMs: 300_000, share: 0.5 })).toBe(10_000)
  })

  it('after half of the time that it still needs, near the end', () => {
    // 99 % took 99 s: the rest needs a second.
    expect(pollIntervalMs({ ...reconnected, ageMs: 99_000, share: 0.99 })).toBeCloseTo(500)
    expect(pollIntervalMs({ ...reconnected, ageMs: 95_000, share: 0.95 })).toBeCloseTo(2_500)
    expect(pollIntervalMs({ ...reconnected, ageMs: 9_990, share: 0.999 })).toBe(500)
  })
})

describe('any other client is polled', () => {
  it('every five seconds at first, and at least once a minute', () => {
    expect(pollIntervalMs(other)).toBe(5_000)
    expect(pollIntervalMs({ ...other, ageMs: 9_990, share: 0.999 })).toBe(5_000)
    expect(pollIntervalMs({ ...other, ageMs: 86_400_000, share: 0.1 })).toBe(60_000)
  })

  it('every five minutes once it is complete', () => {
    expect(pollIntervalMs({ ...other, isComplete: true, share: 1 })).toBe(300_000)
    expect(pollIntervalMs({ ...reconnected, isComplete: true, share: 1 })).toBe(300_000)
  })
})
