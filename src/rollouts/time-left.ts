/**
 * Time until the last host of a site is complete.
 *
 * Hosts of a site usually finish together, because each passes its pieces on: their mean rate in the last third of the time
 * decides, measured from step to step. A host that is persistently slower than the others, such as one with a slow link,
 * finishes by itself, later. Hosts that get nothing have no end, and are stragglers.
 */
import type { Pace, ProgressTrace } from './progress-trace.ts'

export interface HostPace {
  /** undefined for a host without progress yet. */
  readonly pace: Pace | undefined
  /** Makes no progress, or is gone. */
  readonly isStuck: boolean
}

/** Shorter windows measure the rhythm of bitfields and announces. */
export const WINDOW_MS_MIN = 10_000
/** For the time left: a longer window contains the slow start of a rollout of twenty seconds. */
const PACE_MS_MIN = 4_000
/** A node sees the progress of a client that it polls in steps. */
const PACE_STEPS_MIN = 2
/** A host that has made fewer steps may be slow, or may just have begun. */
const SLOW_STEPS_MIN = 4
/** Of the time since the start. A longer window contains the slow start, a shorter one its noise. */
const WINDOW_SHARE = 1 / 3
/**
 * A host this much below the median, in the last third of its time and since its first step, is slow for a reason of its own. A
 * host that waited for a moment is not.
 */
const SLOW_FACTOR = 0.6

export function windowMs(nowMs: number, startMs: number): number {
  return Math.max(WINDOW_MS_MIN, (nowMs - startMs) * WINDOW_SHARE)
}

export function paceOf(trace: ProgressTrace, nowMs: number): Pace | undefined {
  const startMs = trace.startMs ?? nowMs
  return trace.pace(nowMs, Math.max(PACE_MS_MIN, (nowMs - startMs) * WINDOW_SHARE), PACE_STEPS_MIN)
}

/** undefined if no host makes progress. */
export function timeLeftSeconds(hosts: readonly HostPace[]): number | undefined {
  const paced = hosts.filter(
    (host): host is HostPace & { readonly pace: Pace } => !host.isStuck && host.pace !== undefined,
  )
  if (paced.length === 0) return undefined
  const typical = median(paced.map(({ pace }) => pace.perSecond))
  let [remaining, rate, last] = [0, 0, 0]
  for (const { pace } of paced) {
    const left = Math.max(0, 1 - pace.value)
    const isSlow = Math.max(pace.perSecond, pace.meanPerSecond) < SLOW_FACTOR * typical
    if (isSlow && pace.steps >= SLOW_STEPS_MIN) last = Math.max(last, left / pace.perSecond)
    else {
      remaining += left
      rate += pace.perSecond
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
