import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { SiteClock } from '../../../src/replication/redis/site-clock.ts'

/** A machine whose own time is 1,000,000 ms when its monotonic time is 500 ms. */
function aMachine() {
  const wall = new ManualClock(1_000_000)
  let monotonicMs = 500
  const clock = new SiteClock(wall, () => monotonicMs)
  return {
    wall,
    clock,
    passMs: (byMs: number) => {
      monotonicMs += byMs
      wall.advanceMs(byMs)
    },
    /** Redis is asked, and answers after a round trip, halfway through which its time was read. */
    read: (redisMs: number, roundTripMs = 2) => {
      const askedMs = monotonicMs
      monotonicMs += roundTripMs
      return clock.read({ redisMs, askedMs, answeredMs: monotonicMs })
    },
  }
}

describe('the time of a site', () => {
  it('is the machine’s own until Redis was asked', () => {
    const { clock, passMs } = aMachine()
    passMs(250)
    expect(clock.nowMs()).toBe(1_000_250)
  })

  it('does not move when somebody sets the machine’s clock', () => {
    const { clock, wall, passMs } = aMachine()
    wall.advanceMs(3_600_000)
    passMs(10)
    expect(clock.nowMs()).toBe(1_000_010)
  })

  it('becomes Redis’s, and says by how much what was noted has to move', () => {
    const { clock, read } = aMachine()
    expect(read(5_000_001)).toBe(4_000_000)
    expect(clock.nowMs()).toBe(5_000_002)
  })

  it('goes back with Redis’s clock', () => {
    const { clock, read } = aMachine()
    clock.nowMs()
    expect(read(400_001)).toBe(-600_000)
    expect(clock.nowMs()).toBe(400_002)
  })

  it('takes small differences for what the network does', () => {
    const { clock, read } = aMachine()
    expect(read(1_000_001 + 5)).toBe(0)
    expect(clock.nowMs()).toBe(1_000_002)
  })

  it('takes a large difference for nothing where the answer was as late', () => {
    const { read } = aMachine()
    expect(read(1_000_400, 1_000)).toBe(0)
  })

  it('takes drift without moving what was noted, and never steps back for it', () => {
    const { clock, read, passMs } = aMachine()
    expect(read(1_000_001 + 50)).toBe(0)
    expect(clock.nowMs()).toBe(1_000_052)
    expect(read(1_000_053 - 50)).toBe(0)
    expect(clock.nowMs()).toBe(1_000_052)
    passMs(60)
    expect(clock.nowMs()).toBe(1_000_064)
  })
})
