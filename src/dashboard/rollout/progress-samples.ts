/** Samples of the progress of each site, with a bound. */
import type { RolloutDetail } from '../api/responses.ts'

export interface Sample {
  readonly atMs: number
  /** Percent, in the order of `sites`. */
  readonly percents: readonly (number | null)[]
}

export interface ProgressHistory {
  readonly sites: readonly string[]
  readonly samples: readonly Sample[]
}

/** Of one curve: more points than a screen has room for are not visible. */
const SAMPLES_MAX = 400
export const NO_HISTORY: ProgressHistory = { sites: [], samples: [] }

/** Sites that only have sources have no curve. Sites that appear later have no values before. When the list is full, every second sample is dropped. */
export function addSample(history: ProgressHistory, rollout: RolloutDetail, atMs: number): ProgressHistory {
  const moving = rollout.sites.filter(({ hosts }) => Math.max(hosts.seen, hosts.expected ?? 0) > 0)
  const sites = [...new Set([...history.sites, ...moving.map(({ site }) => site)])]
  const sample: Sample = {
    atMs,
    percents: sites.map((name) => rollout.sites.find(({ site }) => site === name)?.percent ?? null),
  }
  const [last, beforeLast] = [history.samples.at(-1), history.samples.at(-2)]
  const isFlat =
    last !== undefined && beforeLast !== undefined && isSame(last, sample) && isSame(beforeLast, sample)
  // The end of a flat piece moves, instead of a new point for each poll.
  const samples = [...(isFlat ? history.samples.slice(0, -1) : history.samples), sample]
  return {
    sites,
    samples: samples.length > SAMPLES_MAX ? samples.filter((_, index) => index % 2 === 0) : samples,
  }
}

function isSame(a: Sample, b: Sample): boolean {
  return (
    a.percents.length === b.percents.length &&
    a.percents.every((percent, index) => percent === b.percents[index])
  )
}
