/**
 * Counter totals of exited workers. Without them the sum over the workers would fall when one exits. Prometheus treats
 * a falling counter as a restart and counts the remaining sum as new events.
 */
import type { MetricReading } from './metrics.ts'

interface Family {
  readonly metric: MetricReading
  readonly sums: Map<string, Series>
}

type Series = MetricReading['values'][number]

export class ExitedWorkerCounters {
  readonly #families = new Map<string, Family>()

  /** Adds the last reading of a worker. Its gauges are discarded. */
  absorb(reading: readonly MetricReading[]): void {
    for (const metric of reading) {
      if (metric.type !== 'counter' && metric.type !== 'histogram') continue
      const family = this.#families.get(metric.name) ?? { metric, sums: new Map<string, Series>() }
      this.#families.set(metric.name, family)
      for (const series of metric.values) {
        const key = seriesKey(series)
        const before = family.sums.get(key)?.value ?? 0
        family.sums.set(key, { ...series, value: before + series.value })
      }
    }
  }

  /**
   * The totals as one more reading beside those of the running workers. Contains only series that a running worker
   * has, because the label of a site that a reload removed must disappear.
   */
  toReading(running: readonly (readonly MetricReading[])[]): readonly MetricReading[] {
    const current = new Set(
      running.flatMap((reading) =>
        reading.flatMap(({ name, values }) => values.map((series) => `${name} ${seriesKey(series)}`)),
      ),
    )
    return [...this.#families].map(([name, { metric, sums }]) => ({
      ...metric,
      values: [...sums].filter(([key]) => current.has(`${name} ${key}`)).map(([, series]) => series),
    }))
  }
}

/** All workers list labels in the same order, since they run the same program. */
const seriesKey = ({ metricName, labels }: Series) => JSON.stringify([metricName, labels])
