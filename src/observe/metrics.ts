/**
 * `/metrics`: the table of metrics-table.ts, read when somebody scrapes and rendered by prom-client.
 *
 * The metrics of the process itself keep the names that every dashboard for Node expects (`process_…`,
 * `nodejs_…`), without our prefix.
 */
import { collectDefaultMetrics, type Metric, Registry } from 'prom-client'
import type { Counters } from './counters.ts'
import { type Gauges, METRIC_PREFIX, metricsTable, type Sample } from './metrics-table.ts'

/** Gauges whose names end in `_total`: `promtool check metrics` rejects a page that has one. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

export interface MetricsSources {
  readonly version: string
  readonly counters: Counters
  /** Called once for each scrape. */
  readGauges(): Gauges
}

export class Metrics {
  readonly #registry = new Registry()
  readonly #sources: MetricsSources
  #gauges: Gauges

  constructor(sources: MetricsSources) {
    this.#sources = sources
    this.#gauges = sources.readGauges()
    for (const { name, type, help, read } of metricsTable) {
      const { version, counters } = sources
      this.#register(METRIC_PREFIX + name, type, help, () =>
        read({ version, counters, gauges: this.#gauges }),
      )
    }
  }

  /** Adds memory, CPU time, garbage collection and event-loop lag. Once in a process: it starts observers. */
  watchProcess(): void {
    collectDefaultMetrics({ register: this.#registry })
    for (const name of MISNAMED) this.#registry.removeSingleMetric(name)
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  async render(): Promise<string> {
    this.#gauges = this.#sources.readGauges()
    return this.#registry.metrics()
  }

  /**
   * To a registry, a metric is a name and a `get`. prom-client's own classes keep values of their own, which
   * would have to be reset and filled at every scrape, and its histogram cannot be filled at all.
   */
  #register(name: string, type: string, help: string, read: () => Sample[]): void {
    const get = async () => {
      const values = read().map(({ labels, value, suffix = '' }) => ({
        labels,
        value,
        metricName: name + suffix,
      }))
      return { name, type, help, values }
    }
    this.#registry.registerMetric({ name, get } as unknown as Metric)
  }
}
