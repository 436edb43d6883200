/** The limit of a link between two sites at one time, from its rate and its hours. */
import { isOpenAt, nextChange } from './link-hours.ts'
import type { SiteLink } from './topology.ts'

export interface LinkLimit {
  readonly isOpen: boolean
  /** When it opens or closes; undefined for a link without hours. */
  readonly nextChangeMs: number | undefined
  /** Bytes per second in each direction while it is open; undefined: not limited. */
  readonly bytesPerSecond: number | undefined
}

/** `overridden`: a rate that replaces the one of the topology. */
export function linkLimit(
  { rate, hours }: SiteLink,
  overridden: number | undefined,
  nowMs: number,
): LinkLimit {
  return {
    isOpen: hours === undefined || isOpenAt(hours, nowMs),
    nextChangeMs: hours && nextChange(hours, nowMs),
    bytesPerSecond: overridden ?? rate,
  }
}

/** Bytes per second now, 0 while the link is closed; undefined: not limited. */
export function currentRate(
  { rate, hours }: SiteLink,
  overridden: number | undefined,
  nowMs: number,
): number | undefined {
  return hours !== undefined && !isOpenAt(hours, nowMs) ? 0 : (overridden ?? rate)
}
