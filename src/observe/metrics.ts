/**
 * `/metrics`: a table of metrics, read at scrape time and rendered by prom-client.
 *
 * The metrics of the process keep the names that every dashboard for Node expects (`process_…`, `nodejs_…`), without
 * our prefix.
 */
import { AggregatorRegistry, collectDefaultMetrics, type Metric, Registry } from 'prom-client'
import type { Counters } from './counters.ts'
import type { Gauges, MetricRow } from './metric-row.ts'
import { METRIC_PREFIX } from './metrics-table.ts'

/** Gauges whose names end in `_total`: `promtool check metrics` rejects a page that has one. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/** One metric of one process, as a worker sends it to the process that sums the values. */
export interface MetricReading {
  readonly name: string
  readonly help: string
  readonly type: string
  /** How the values of several processes are combined. */
  readonly aggregator: string
  readonly values: readonly {
    readonly labels: Readonly<Record<string, string | number>>
    readonly value: number
    /** The part of a histogram; undefined if it equals the name. */
    readonly metricName?: string
  }[]
}

export interface MetricsSources<G> {
  readonly version: string
  readonly counters: Counters
  /** Called once for each scrape. */
  readGauges(): G
}

export class Metrics<G = Gauges> {
  readonly #registry = new Registry()
  readonly #sources: MetricsSources<G>
  #gauges: G

  constructor(rows: readonly MetricRow<G>[], sources: MetricsSources<G>) {
    this.#sources = sources
    this.#gauges = sources.readGauges()
    for (const row of rows) this.#register(row)
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

  /** The same as values, for `renderSum` in this process or another one. */
  async read(): Promise<readonly MetricReading[]> {
    this.#gauges = this.#sources.readGauges()
    // The type of a metric is a string; prom-client declares it as an enum.
    return (await this.#registry.getMetricsAsJSON()) as unknown as readonly MetricReading[]
  }

  /** One page for several processes. Our gauges are in one of the readings only. */
  static renderSum(readings: readonly (readonly MetricReading[])[]): Promise<string> {
    return AggregatorRegistry.aggregate([...readings]).metrics()
  }

  /**
   * A registry needs only a name and a `get` of a metric. The metric classes of prom-client store values, which would
   * have to be reset and filled at every scrape, and its histogram cannot be filled at all.
   */
  #register(row: MetricRow<G>): void {
    const { type, help, read } = row
    const { version, counters } = this.#sources
    const name = METRIC_PREFIX + row.name
    const get = async () => {
      const values = read({ version, counters, gauges: this.#gauges }).map(
        ({ labels, value, suffix = '' }) => ({ labels, value, metricName: name + suffix }),
      )
      return { name, type, help, aggregator: 'sum', values }
    }
    this.#registry.registerMetric({ name, get } as unknown as Metric)
  }
}
