import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { SiteClock } from '../../../src/core/site-clock.ts'

/** A machine with a wall clock of 1,000,000 ms at a monotonic time of 500 ms. */
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
    /** Reads the time of Redis, which is taken in the middle of the round trip. */
    read: (referenceMs: number, roundTripMs = 2) => {
      const requestedMs = monotonicMs
      monotonicMs += roundTripMs
      return clock.read({ referenceMs, requestedMs, respondedMs: monotonicMs })
    },
  }
}

describe('the time of a site', () => {
  it('is the machine’s own before the first reading of Redis', () => {
    const { clock, passMs } = aMachine()
    passMs(250)
    expect(clock.nowMs()).toBe(1_000_250)
  })

  it('does not move when the machine’s clock is set', () => {
    const { clock, wall, passMs } = aMachine()
    wall.advanceMs(3_600_000)
    passMs(10)
    expect(clock.nowMs()).toBe(1_000_010)
  })

  it('becomes that of Redis, and returns by how much stored timestamps must be shifted', () => {
    const { clock, read } = aMachine()
    expect(read(5_000_001)).toBe(4_000_000)
    expect(clock.nowMs()).toBe(5_000_002)
  })

  it('moves back with Redis’s clock', () => {
    const { clock, read } = aMachine()
    clock.nowMs()
    expect(read(400_001)).toBe(-600_000)
    expect(clock.nowMs()).toBe(400_002)
  })

  it('ignores small differences, which the network causes', () => {
    const { clock, read } = aMachine()
    expect(read(1_000_001 + 5)).toBe(0)
    expect(clock.nowMs()).toBe(1_000_002)
  })

  it('ignores a large difference where the response was as late', () => {
    const { read } = aMachine()
    expect(read(1_000_400, 1_000)).toBe(0)
  })

  it('follows drift without shifting stored timestamps, and never steps back for it', () => {
    const { clock, read, passMs } = aMachine()
    expect(read(1_000_001 + 50)).toBe(0)
    expect(clock.nowMs()).toBe(1_000_052)
    expect(read(1_000_053 - 50)).toBe(0)
    expect(clock.nowMs()).toBe(1_000_052)
    passMs(60)
    expect(clock.nowMs()).toBe(1_000_064)
  })
})
