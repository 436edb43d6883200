/**
 * Hours of a link: the part of each day in which content crosses it, such as `20:00-06:00 UTC`.
 *
 * Hours are in the local time of a zone of the IANA database, through `Intl`, so they move with daylight saving time. The
 * begin is included, the end is not. Where a clock change skips a boundary, it takes effect at the change; where the
 * change repeats an hour, a boundary in that hour takes effect twice.
 */

export interface LinkHours {
  /** Minutes since midnight in the zone, 0 … 1,439. */
  readonly beginMinute: number
  /** 1 … 1,440. Below `beginMinute`: the hours continue past midnight. */
  readonly endMinute: number
  /** Name in the IANA database, such as `Europe/Berlin`. */
  readonly zone: string
}

export interface HoursProblem {
  readonly what: string
  readonly hint: string
}

const HOURS = /^(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})(?:\s+(\S+))?$/
const DAY_MINUTES = 1_440
const MINUTE_MS = 60_000
const EXPECTED = 'expected hours and a time zone such as "20:00-06:00 UTC"'

export function readHours(text: string): LinkHours | HoursProblem {
  const match = HOURS.exec(text.trim())
  if (match === null)
    return {
      what: EXPECTED,
      hint: 'write begin and end as HH:MM, and a time zone such as UTC or Europe/Berlin',
    }
  const [, beginHour = '', beginMinutes = '', endHour = '', endMinutes = '', zone] = match
  const beginMinute = minuteOf(beginHour, beginMinutes)
  const endMinute = minuteOf(endHour, endMinutes)
  if (beginMinute === undefined || endMinute === undefined || beginMinute === DAY_MINUTES)
    return { what: EXPECTED, hint: 'a day has the times 00:00 to 23:59; 24:00 is an end only' }
  if (zone === undefined)
    return {
      what: 'the time zone is missing',
      hint: `write "${text.trim()} UTC", or a zone such as Europe/Berlin`,
    }
  if (beginMinute === endMinute % DAY_MINUTES)
    return {
      what: 'the hours begin and end at the same time',
      hint: 'leave hours out for a link that is always open; carry: direct turns carriers off',
    }
  if (!isZone(zone))
    return {
      what: `unknown time zone "${zone}"`,
      hint: 'use a name of the IANA database, such as UTC or Europe/Berlin',
    }
  return { beginMinute, endMinute: endMinute === 0 ? DAY_MINUTES : endMinute, zone }
}

export function isHoursProblem(read: LinkHours | HoursProblem): read is HoursProblem {
  return 'what' in read
}

/** `20:00-06:00 UTC`. */
export function formatHours({ beginMinute, endMinute, zone }: LinkHours): string {
  return `${formatMinute(beginMinute)}-${formatMinute(endMinute)} ${zone}`
}

/** Whether content may cross the link at this time. */
export function isOpenAt(hours: LinkHours, nowMs: number): boolean {
  return isWithin(hours, localMinute(hours.zone, nowMs))
}

/** The next time at which `isOpenAt` changes, a whole minute; undefined if it does not change within two days. */
export function nextChange(hours: LinkHours, nowMs: number): number | undefined {
  const { beginMinute, endMinute, zone } = hours
  const isOpen = isOpenAt(hours, nowMs)
  const boundary = isOpen ? endMinute : beginMinute
  const firstMs = Math.floor(nowMs / MINUTE_MS) * MINUTE_MS
  for (let atMs = firstMs; atMs < firstMs + 2 * DAY_MINUTES * MINUTE_MS;) {
    const ahead = (boundary - localMinute(zone, atMs) + DAY_MINUTES) % DAY_MINUTES || DAY_MINUTES
    const step = Math.min(ahead, 60)
    const endMs = atMs + step * MINUTE_MS
    if (offsetMinutes(zone, atMs) === offsetMinutes(zone, endMs)) {
      if (step === ahead) return endMs
    } else
      // A clock change: minute by minute, because it may cross the boundary in either direction.
      for (let minuteMs = atMs + MINUTE_MS; minuteMs <= endMs; minuteMs += MINUTE_MS)
        if (isOpenAt(hours, minuteMs) !== isOpen) return minuteMs
    atMs = endMs
  }
  return undefined
}

function isWithin({ beginMinute, endMinute }: LinkHours, minute: number): boolean {
  return beginMinute < endMinute
    ? minute >= beginMinute && minute < endMinute
    : minute >= beginMinute || minute < endMinute
}

/** Difference between local time and UTC, modulo a day. */
function offsetMinutes(zone: string, atMs: number): number {
  const utcMinute = Math.floor(atMs / MINUTE_MS) % DAY_MINUTES
  return (localMinute(zone, atMs) - utcMinute + DAY_MINUTES) % DAY_MINUTES
}

/** Creating a format takes a millisecond, using it some microseconds. */
const formats = new Map<string, Intl.DateTimeFormat>()

/** Minutes since midnight in the zone. */
function localMinute(zone: string, atMs: number): number {
  let format = formats.get(zone)
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-GB', {
      timeZone: zone,
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
    })
    formats.set(zone, format)
  }
  const [hour = '', minute = ''] = format.format(atMs).split(':')
  return Number(hour) * 60 + Number(minute)
}

function isZone(zone: string): boolean {
  try {
    localMinute(zone, 0)
    return true
  } catch {
    return false
  }
}

function minuteOf(hour: string, minute: string): number | undefined {
  const minutes = Number(hour) * 60 + Number(minute)
  return Number(minute) < 60 && minutes <= DAY_MINUTES ? minutes : undefined
}

function formatMinute(minute: number): string {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`
}
