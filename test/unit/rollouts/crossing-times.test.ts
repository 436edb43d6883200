/** Time until content has crossed the links of a plan: rates in a row, hours, links that never open. */
import { describe, expect, it } from 'vitest'
import { crossingTimes, type TimedLink } from '../../../src/rollouts/crossing-times.ts'

const START_MS = Date.UTC(2030, 0, 2, 12)
const HOUR_MS = 3_600_000
/** One hour at 1 MB/s. */
const SIZE_BYTES = 3_600_000_000

const link = (from: string, to: string, rate?: number, hours?: TimedLink['hours']): TimedLink => ({
  from,
  to,
  rate,
  hours,
})

/** 20:00-06:00 UTC. */
const NIGHT = { beginMinute: 1_200, endMinute: 360, zone: 'UTC' }

/** Hours from the start, to a minute. */
function hoursOf(...links: TimedLink[]): (number | undefined)[] {
  return crossingTimes(links, SIZE_BYTES, START_MS).map(
    (atMs) => atMs && Math.round(((atMs - START_MS) / HOUR_MS) * 60) / 60,
  )
}

describe('the time until content has crossed a link', () => {
  it('is its size by its rate', () => expect(hoursOf(link('fra', 'ams', 1e6))).toEqual([1]))

  it('is that of the slowest link on the way, because content is passed on as it arrives', () => {
    expect(hoursOf(link('fra', 'ams', 1e6), link('ams', 'nyc', 5e5), link('nyc', 'sfo', 4e6))).toEqual([
      1, 2, 2,
    ])
  })

  it('does not begin before the link opens, and pauses while it is closed', () => {
    expect(hoursOf(link('fra', 'ams', 1e6, NIGHT))).toEqual([9])
    // Ten hours of 0.05 MB/s, and ten more in the next night, of twenty.
    expect(hoursOf(link('fra', 'ams', 5e4, NIGHT))).toEqual([8 + 24 + 10])
  })

  it('counts what has waited at a closed link while the link before it was open', () => {
    expect(hoursOf(link('fra', 'ams', 1e6), link('ams', 'nyc', 2e6, NIGHT))).toEqual([1, 8.5])
    // From 20:00 on, the second link is faster than the first one and catches up: both finish after ten hours.
    expect(hoursOf(link('fra', 'ams', 1e5), link('ams', 'nyc', 1e6, NIGHT))).toEqual([10, 10])
  })

  it('of a link without a rate is that of the link before it', () => {
    expect(hoursOf(link('fra', 'ams', 1e6), link('ams', 'nyc'), link('fra', 'sfo'))).toEqual([1, 1, 0])
    expect(hoursOf(link('fra', 'ams', undefined, NIGHT))).toEqual([8])
  })

  it('is not known behind a link with the rate 0', () => {
    expect(hoursOf(link('fra', 'ams', 0), link('ams', 'nyc', 1e6))).toEqual([undefined, undefined])
  })

  it('is not known years ahead for a thousand sites whose links open at different hours', () => {
    const links = Array.from({ length: 1_000 }, (_, index) =>
      link(index === 0 ? 'fra' : `site-${index >> 1}`, `site-${index + 1}`, 1e3, {
        beginMinute: index,
        endMinute: index + 60,
        zone: 'UTC',
      }),
    )
    expect(new Set(crossingTimes(links, SIZE_BYTES, START_MS))).toEqual(new Set([undefined]))
  })
})
