import { describe, expect, it } from 'vitest'
import {
  formatHours,
  isHoursProblem,
  isOpenAt,
  type LinkHours,
  nextChange,
  readHours,
} from '../../../src/topology/link-hours.ts'

function hours(text: string): LinkHours {
  const read = readHours(text)
  if (isHoursProblem(read)) throw new Error(read.what)
  return read
}

const at = (text: string) => Date.parse(text)
const isOpen = (text: string, time: string) => isOpenAt(hours(text), at(time))
const changeOf = (text: string, time: string) => {
  const change = nextChange(hours(text), at(time))
  return change === undefined ? undefined : new Date(change).toISOString()
}

describe('the hours of a link', () => {
  it('include their begin and exclude their end', () => {
    const open = ['08:59:59', '09:00:00', '16:59:59', '17:00:00'].map((time) =>
      isOpen('09:00-17:00 UTC', `2026-03-02T${time}Z`),
    )
    expect(open).toEqual([false, true, true, false])
  })

  it('continue past midnight where the end is earlier than the begin', () => {
    const open = ['19:59', '20:00', '23:59', '00:00', '05:59', '06:00', '12:00'].map((time) =>
      isOpen('20:00-06:00 UTC', `2026-03-02T${time}:00Z`),
    )
    expect(open).toEqual([false, true, true, true, true, false, false])
  })

  it('end at midnight where they are written with 24:00 or 00:00', () => {
    for (const text of ['20:00-24:00 UTC', '20:00-00:00 UTC'])
      expect([isOpen(text, '2026-03-02T23:59:00Z'), isOpen(text, '2026-03-03T00:00:00Z')]).toEqual([
        true,
        false,
      ])
  })

  it('are in the local time of their zone, with daylight saving time', () => {
    // Berlin is one hour ahead of UTC in January, two in July.
    expect(isOpen('20:00-06:00 Europe/Berlin', '2026-01-10T19:00:00Z')).toBe(true)
    expect(isOpen('20:00-06:00 Europe/Berlin', '2026-01-10T18:59:00Z')).toBe(false)
    expect(isOpen('20:00-06:00 Europe/Berlin', '2026-07-10T18:00:00Z')).toBe(true)
    expect(isOpen('20:00-06:00 Europe/Berlin', '2026-07-10T17:59:00Z')).toBe(false)
    // Kolkata is 5 hours and 30 minutes ahead.
    expect(isOpen('00:00-01:00 Asia/Kolkata', '2026-01-10T18:30:00Z')).toBe(true)
  })

  it('report the next change, to the minute', () => {
    expect(changeOf('20:00-06:00 UTC', '2026-03-02T12:00:30Z')).toBe('2026-03-02T20:00:00.000Z')
    expect(changeOf('20:00-06:00 UTC', '2026-03-02T20:00:00Z')).toBe('2026-03-03T06:00:00.000Z')
    expect(changeOf('20:00-24:00 UTC', '2026-03-02T20:00:00Z')).toBe('2026-03-03T00:00:00.000Z')
    expect(changeOf('00:00-01:00 Asia/Kolkata', '2026-01-10T18:29:59Z')).toBe('2026-01-10T18:30:00.000Z')
  })

  // In Berlin the clock jumps from 02:00 to 03:00 on 29 March 2026, and from 03:00 back to 02:00 on 25 October.
  it('last an hour less in the night in which the clock is put forward, and an hour more when it is put back', () => {
    expect(changeOf('20:00-06:00 Europe/Berlin', '2026-03-28T19:00:00Z')).toBe('2026-03-29T04:00:00.000Z')
    expect(changeOf('20:00-06:00 Europe/Berlin', '2026-10-24T18:00:00Z')).toBe('2026-10-25T05:00:00.000Z')
  })

  it('begin at the clock change where it skips their begin', () => {
    expect(changeOf('02:30-05:00 Europe/Berlin', '2026-03-28T23:30:00Z')).toBe('2026-03-29T01:00:00.000Z')
  })

  it('begin twice where the clock change repeats their begin', () => {
    expect(changeOf('02:30-05:00 Europe/Berlin', '2026-10-24T23:30:00Z')).toBe('2026-10-25T00:30:00.000Z')
    expect(changeOf('02:30-05:00 Europe/Berlin', '2026-10-25T00:30:00Z')).toBe('2026-10-25T01:00:00.000Z')
    expect(changeOf('02:30-05:00 Europe/Berlin', '2026-10-25T01:00:00Z')).toBe('2026-10-25T01:30:00.000Z')
  })

  it('are written as they are read', () => {
    expect(formatHours(hours('20:00-06:00 Europe/Berlin'))).toBe('20:00-06:00 Europe/Berlin')
    expect(formatHours(hours(' 8:05 – 00:00  UTC '))).toBe('08:05-24:00 UTC')
  })

  it.each([
    ['20:00-06:00', 'the time zone is missing'],
    ['20:00-06:00 Berlin', 'unknown time zone "Berlin"'],
    ['20:00-20:00 UTC', 'the hours begin and end at the same time'],
    ['00:00-24:00 UTC', 'the hours begin and end at the same time'],
    ['20:00-25:00 UTC', 'expected hours and a time zone such as "20:00-06:00 UTC"'],
    ['24:00-06:00 UTC', 'expected hours and a time zone such as "20:00-06:00 UTC"'],
    ['8pm-6am UTC', 'expected hours and a time zone such as "20:00-06:00 UTC"'],
  ])('reject %j', (text, what) => {
    const read = readHours(text)
    expect(isHoursProblem(read) ? read.what : read).toBe(what)
  })
})
