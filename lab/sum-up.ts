/**
 * Sums up several runs: one line for each scenario, tracker, client and shape, with its ratio to the first scenario and to
 * the other trackers. A ratio is the median over pairs of runs with the same seed, so that both had the same content and
 * the same draw. Pure.
 */
import { type ScenarioResult, isPassed, trackerLabel } from './result.ts'

export interface SumUpLine {
  readonly scenario: string
  readonly tracker: string
  readonly clients: string
  /** Sites × hosts and size. */
  readonly shape: string
  readonly runs: number
  readonly complete: number
  readonly copiesMax: number
  /** Of the last host; Infinity for a run that did not complete. */
  readonly medianSeconds: number
  readonly minSeconds: number
  readonly maxSeconds: number
  /** Last host ÷ bound, median. */
  readonly ratioToBound: number
  /** Hosts that were a minute late, over all runs. */
  readonly stragglers: number
  /** Compared with the first scenario of the command; undefined for itself. */
  readonly thanFirst: Comparison | undefined
  /** Compared with each other tracker in the same scenario, by its label. */
  readonly thanTrackers: ReadonlyMap<string, Comparison>
}

/** Medians over pairs of runs with the same seed. */
export interface Comparison {
  readonly ratio: number
  readonly secondsLater: number
  /** The largest difference of a pair. */
  readonly secondsLaterMax: number
}

export function sumUp(results: readonly ScenarioResult[]): SumUpLine[] {
  const first = results[0]?.options.scenario
  const groups = new Map<string, ScenarioResult[]>()
  for (const result of results) {
    const key = keyOf(result, result.options.scenario, trackerLabel(result.options))
    groups.set(key, [...(groups.get(key) ?? []), result])
  }
  const trackers = [...new Set(results.map(({ options }) => trackerLabel(options)))]
  return [...groups.values()].flatMap((runs) => {
    const [result] = runs
    if (result === undefined) return []
    const { scenario, client, settings } = result.options
    const tracker = trackerLabel(result.options)
    const reference = (name: string, label: string) => groups.get(keyOf(result, name, label)) ?? []
    const lasts = runs.map(lastSeconds).toSorted((left, right) => left - right)
    const others = trackers
      .filter((other) => other !== tracker)
      .map((other) => [other, compare(runs, reference(scenario, other))] as const)
    return {
      scenario,
      tracker,
      clients: `${client}/${settings}`,
      shape: shapeOf(result),
      runs: runs.length,
      complete: runs.filter(isPassed).length,
      copiesMax: Math.max(...runs.map(({ copiesInWorst }) => copiesInWorst)),
      medianSeconds: median(lasts),
      minSeconds: lasts[0] ?? Infinity,
      maxSeconds: lasts.at(-1) ?? Infinity,
      ratioToBound: median(runs.map((run) => lastSeconds(run) / run.boundSeconds)),
      stragglers: runs.reduce((sum, run) => sum + run.stragglers.length, 0),
      thanFirst:
        first === undefined || first === scenario ? undefined : compare(runs, reference(first, tracker)),
      thanTrackers: new Map(
        others.flatMap(([other, comparison]) => (comparison ? [[other, comparison]] : [])),
      ),
    }
  })
}

function compare(
  runs: readonly ScenarioResult[],
  references: readonly ScenarioResult[],
): Comparison | undefined {
  const pairs = runs.flatMap((run) => {
    const reference = references.find(({ options }) => options.seed === run.options.seed)
    return reference === undefined ? [] : [[lastSeconds(run), lastSeconds(reference)] as const]
  })
  if (pairs.length === 0) return undefined
  const differences = pairs.map(([seconds, reference]) => seconds - reference)
  return {
    ratio: median(pairs.map(([seconds, reference]) => seconds / reference)),
    secondsLater: median(differences),
    secondsLaterMax: Math.max(...differences),
  }
}

/** A run in which a host did not complete has no last host. */
const lastSeconds = (result: ScenarioResult) =>
  isPassed(result) ? (result.lastSeconds ?? Infinity) : Infinity

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? NaN
}

function shapeOf({ options }: ScenarioResult): string {
  return `${options.sites} × ${options.hosts}, ${Math.round(options.sizeBytes / 1024 ** 2)} MiB`
}

function keyOf(result: ScenarioResult, scenario: string, tracker: string): string {
  const { client, settings } = result.options
  return [scenario, tracker, client, settings, shapeOf(result)].join('\t')
}
