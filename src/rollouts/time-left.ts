/**
 * Time until the last host of a site is complete.
 *
 * Hosts of a site usually finish together, because each passes its pieces on: the mean rate of the site in the last third
 * of its time decides. A host that is persistently slower than the others, such as one with a slow link, finishes by
 * itself, later. Hosts that get nothing have no end, and are stragglers.
 */

export interface HostPace {
  readonly share: number
  /** undefined for a host that has just arrived. */
  readonly sharePerSecond: number | undefined
  /** Since the start of the host. */
  readonly meanSharePerSecond: number | undefined
  /** Makes no progress, or is gone. */
  readonly isStuck: boolean
}

/** Shorter windows measure the rhythm of bitfields and announces. */
export const WINDOW_MS_MIN = 10_000
/** Of the time since the start. A longer window contains the slow start, a shorter one its noise. */
const WINDOW_SHARE = 1 / 3
/**
 * A host this much below the median, in the last third of its time and in all of it, is slow for a reason of its own. A
 * host that waited for a moment is not.
 */
const SLOW_FACTOR = 0.6

export function windowMs(nowMs: number, startMs: number): number {
  return Math.max(WINDOW_MS_MIN, (nowMs - startMs) * WINDOW_SHARE)
}

/** undefined if no host makes progress. */
export function timeLeftSeconds(hosts: readonly HostPace[]): number | undefined {
  const paced = hosts.filter(
    (host): host is HostPace & { readonly sharePerSecond: number } =>
      !host.isStuck && host.sharePerSecond !== undefined && host.sharePerSecond > 0,
  )
  if (paced.length === 0) return undefined
  const typical = median(paced.map(({ sharePerSecond }) => sharePerSecond))
  let [remaining, rate, last] = [0, 0, 0]
  for (const { share, sharePerSecond, meanSharePerSecond = sharePerSecond } of paced) {
    if (Math.max(sharePerSecond, meanSharePerSecond) < SLOW_FACTOR * typical)
      last = Math.max(last, (1 - share) / sharePerSecond)
    else {
      remaining += 1 - share
      rate += sharePerSecond
    }
  }
  return Math.max(last, rate > 0 ? remaining / rate : 0)
}

/** 0 of an empty list. Of a long list, a sample. */
export function median(values: readonly number[]): number {
  const step = Math.max(1, Math.floor(values.length / SAMPLE_MAX))
  const sample = step === 1 ? [...values] : values.filter((_, index) => index % step === 0)
  const sorted = sample.sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

const SAMPLE_MAX = 2_000
