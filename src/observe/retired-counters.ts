/**
 * What workers had counted that are gone. Without it the sum over the workers would fall when one dies, which
 * Prometheus takes for a restart of everything: it then counts what is left as if it had all just happened.
 */
import type { MetricReading } from './metrics.ts'

interface Family {
  readonly metric: MetricReading
  readonly sums: Map<string, Series>
}

type Series = MetricReading['values'][number]

export class RetiredCounters {
  readonly #families = new Map<string, Family>()

  /** Takes the last that is known of a worker. Gauges end with it. */
  retire(reading: readonly MetricReading[]): void {
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
   * As one more reading beside those of the living. Only the series that one of them has: the label of a site that
   * a reload removed must not live on.
   */
  beside(living: readonly (readonly MetricReading[])[]): readonly MetricReading[] {
    const alive = new Set(
      living.flatMap((reading) =>
        reading.flatMap(({ name, values }) => values.map((series) => `${name} ${seriesKey(series)}`)),
      ),
    )
    return [...this.#families].map(([name, { metric, sums }]) => ({
      ...metric,
      values: [...sums].filter(([key]) => alive.has(`${name} ${key}`)).map(([, series]) => series),
    }))
  }
}

/** Workers list labels in one order, since they run one program. */
const seriesKey = ({ metricName, labels }: Series) => JSON.stringify([metricName, labels])
