/** Counts of values by bucket, as plain numbers, and their samples in the Prometheus format. */

export interface HistogramSample {
  readonly suffix: '_bucket' | '_sum' | '_count'
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

export class Histogram {
  readonly #bounds: readonly number[]
  readonly #buckets: Float64Array
  #sum = 0

  /** `bounds`: upper bounds, ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#buckets = new Float64Array(bounds.length + 1)
  }

  add(value: number): void {
    let bucket = 0
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket++
    this.#buckets[bucket] = (this.#buckets[bucket] as number) + 1
    this.#sum += value
  }

  /** In the Prometheus format, each bucket includes the ones below it. */
  samples(): HistogramSample[] {
    let count = 0
    const buckets = [...this.#buckets].map((values, index): HistogramSample => {
      count += values
      const bound = this.#bounds[index]
      return { suffix: '_bucket', labels: { le: bound === undefined ? '+Inf' : String(bound) }, value: count }
    })
    return [
      ...buckets,
      { suffix: '_sum', labels: {}, value: this.#sum },
      { suffix: '_count', labels: {}, value: count },
    ]
  }
}
