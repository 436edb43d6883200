/**
 * Time until content has crossed the links of a plan, at their rates and in their hours.
 *
 * A link passes content on as it arrives, so a link behind a faster one is limited by its own rate, and a link behind a
 * slower one by that one. The amounts grow linearly between two events: a link opens or closes, is finished, or has passed
 * on all that has arrived.
 */
import { formatHours, isOpenAt, type LinkHours, nextChange } from '../topology/link-hours.ts'

export interface TimedLink {
  readonly from: string
  readonly to: string
  /** Bytes per second; undefined: not limited, and the content crosses without delay. */
  readonly rate: number | undefined
  readonly hours: LinkHours | undefined
}

/** Links by events: 20 ms. Years for a few links, and a day for a thousand with different hours. */
const STEPS_MAX = 50_000
const EVENTS_MAX = 2_000
/** Later times have no date, and no hours: a terabyte at a bit per second. */
const DATE_MS_MAX = 8_640_000_000_000_000
/** Less than a block: an amount that is equal but for rounding. */
const TOLERANCE_BYTES = 1

interface Crossing {
  readonly link: TimedLink
  /** The link through which its content arrives; undefined at a site of the source. */
  readonly before: Crossing | undefined
  bytes: number
  /** Bytes per second until the next event. */
  rate: number
  finishedAtMs: number | undefined
}

/**
 * Times in the order of `links`, in which a link follows the one that leads to its begin. undefined for a link that content
 * never crosses, because it or one before it has the rate 0, for one that takes too long to compute, and for one that takes longer than there are
 * dates.
 */
export function crossingTimes(
  links: readonly TimedLink[],
  sizeBytes: number,
  startMs: number,
): (number | undefined)[] {
  const crossings: Crossing[] = []
  for (const link of links) {
    const before = crossings.find((each) => each.link.to === link.from)
    crossings.push({ link, before, bytes: 0, rate: 0, finishedAtMs: undefined })
  }
  let nowMs = startMs
  const clock = new HoursClock()
  const eventsMax = Math.min(EVENTS_MAX, STEPS_MAX / links.length)
  for (let events = 0; events < eventsMax; events++) {
    for (const each of crossings) setRate(each, sizeBytes, nowMs, clock)
    const nextMs = nextEvent(crossings, sizeBytes, nowMs, clock)
    if (nextMs === undefined || nextMs > DATE_MS_MAX) break
    for (const each of crossings)
      each.bytes = Math.min(sizeBytes, each.bytes + (each.rate * (nextMs - nowMs)) / 1000)
    nowMs = nextMs
  }
  return crossings.map(({ finishedAtMs }) => finishedAtMs)
}

function arrivedAt({ before }: Crossing, sizeBytes: number): number {
  return before === undefined ? sizeBytes : before.bytes
}

/** `before` has its rate already. */
function setRate(crossing: Crossing, sizeBytes: number, nowMs: number, clock: HoursClock): void {
  const { link, before } = crossing
  const isOpen = link.hours === undefined || clock.at(link.hours, nowMs).isOpen
  if (isOpen && link.rate === undefined) crossing.bytes = arrivedAt(crossing, sizeBytes)
  if (crossing.bytes >= sizeBytes - TOLERANCE_BYTES) crossing.finishedAtMs ??= nowMs
  const own = !isOpen || crossing.finishedAtMs !== undefined ? 0 : (link.rate ?? Infinity)
  const hasWaiting = arrivedAt(crossing, sizeBytes) - crossing.bytes > TOLERANCE_BYTES
  crossing.rate = hasWaiting ? own : Math.min(own, before?.rate ?? own)
}

/** undefined if nothing changes any more. */
function nextEvent(
  crossings: readonly Crossing[],
  sizeBytes: number,
  nowMs: number,
  clock: HoursClock,
): number | undefined {
  const times: number[] = []
  for (const crossing of crossings) {
    const { link, rate, before, bytes, finishedAtMs } = crossing
    if (finishedAtMs !== undefined) continue
    const changeMs = link.hours && clock.at(link.hours, nowMs).changeMs
    if (changeMs !== undefined && link.rate !== 0) times.push(changeMs)
    if (rate > 0) times.push(nowMs + ((sizeBytes - bytes) / rate) * 1000)
    const waiting = arrivedAt(crossing, sizeBytes) - bytes
    const closing = rate - (before?.rate ?? 0)
    if (waiting > TOLERANCE_BYTES && closing > 0) times.push(nowMs + (waiting / closing) * 1000)
  }
  // A whole millisecond further, so that each event is later than the one before.
  return times.length === 0 ? undefined : Math.max(nowMs + 1, Math.ceil(Math.min(...times)))
}

/** Hours at times that only increase: a look at the calendar takes 50 µs, and is needed once for each change. */
class HoursClock {
  readonly #states = new Map<string, { readonly isOpen: boolean; readonly changeMs: number | undefined }>()

  at(hours: LinkHours, nowMs: number): { readonly isOpen: boolean; readonly changeMs: number | undefined } {
    const key = formatHours(hours)
    const known = this.#states.get(key)
    if (known !== undefined && nowMs < (known.changeMs ?? Infinity)) return known
    const state = { isOpen: isOpenAt(hours, nowMs), changeMs: nextChange(hours, nowMs) }
    this.#states.set(key, state)
    return state
  }
}
