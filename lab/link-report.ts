/**
 * Rates on the link into a site in windows of ten seconds, between the moments at which the scenario sets another rate or
 * the link opens: from the interface of the uplink, and from the counter of the nodes. Pure.
 */
import { sumMetric } from './node-requests.ts'
import type { ScenarioResult } from './result.ts'
import type { Reading } from './watcher.ts'

/** Bytes since the start of the run. */
export type ByteSeries = readonly { readonly seconds: number; readonly bytes: number }[]

/** A period in which the rate of the link does not change. */
export interface LinkPeriod {
  readonly fromSeconds: number
  readonly untilSeconds: number
  readonly label: string
}

const WINDOW_SECONDS = 10
/** A new rate applies within a second, and the queue of the link holds what was sent before. */
const SETTLE_SECONDS = 1.5

export function reportLink(
  periods: readonly LinkPeriod[],
  series: ReadonlyMap<string, ByteSeries>,
): string[] {
  return periods.map(({ fromSeconds, untilSeconds, label }) => {
    const from = fromSeconds + SETTLE_SECONDS
    const figures = [...series].map(([name, readings]) => {
      const rates = windowRates(readings.filter(({ seconds }) => seconds >= from && seconds <= untilSeconds))
      if (rates.length === 0) return `${name}: shorter than a window`
      const [low, high] = [Math.min(...rates), Math.max(...rates)].map((rate) => (rate / 1e6).toFixed(2))
      return `${name}: ${low} to ${high} Mbit/s in ${rates.length} windows`
    })
    return `${label}, ${fromSeconds.toFixed(0)} to ${untilSeconds.toFixed(0)} s: ${figures.join('; ')}`
  })
}

/** Mean rate in bits per second of each window of ten seconds that begins at a reading. */
export function windowRates(readings: ByteSeries): number[] {
  const rates: number[] = []
  for (const first of readings) {
    const last = readings.find(({ seconds }) => seconds >= first.seconds + WINDOW_SECONDS)
    if (last === undefined) break
    rates.push(((last.bytes - first.bytes) * 8) / (last.seconds - first.seconds))
  }
  return rates
}

/** Content that the nodes of a site counted; the targets are the metrics of these nodes. */
export function relayedSeries(readings: readonly Reading[], site: string, startAt: number): ByteSeries {
  return readings.flatMap(({ at, name, value }) => {
    if (name !== `metrics ${site}`) return []
    const { status, text } = value as { status: number; text: string }
    if (status !== 200) return []
    return [{ seconds: at - startAt, bytes: sumMetric(text, 'siteswarm_relayed_bytes_total', { site }) }]
  })
}

export function interfaceSeries(samples: ScenarioResult['samples'], site: string): ByteSeries {
  return samples.map(({ seconds, bytesIn }) => ({ seconds, bytes: bytesIn[site] ?? 0 }))
}
