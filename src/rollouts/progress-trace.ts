/**
 * Progress of a host or a site over time: a few samples, dense at the end and sparse before it, so that a rate can be read
 * over any window. Memory does not grow with the length of a rollout.
 */

const SAMPLES_MAX = 24
/** Samples that are closer together than this replace each other. */
const SAMPLE_MS_MIN = 500

export class ProgressTrace {
  /** Time and value in turn. */
  readonly #samples: number[] = []
  #grownAtMs: number | undefined = undefined

  get startMs(): number | undefined {
    return this.#samples[0]
  }

  /** Time without growth before this larger value; 0 if it is not larger. */
  stalledMs(atMs: number, value: number): number {
    const last = this.#samples.at(-1)
    const sinceMs = this.#grownAtMs ?? this.startMs
    return last === undefined || sinceMs === undefined || value <= last ? 0 : atMs - sinceMs
  }

  /** Times that go backwards are ignored. A value that falls starts the trace again: the client began again. */
  add(atMs: number, value: number): void {
    const samples = this.#samples
    const last = samples.length - 2
    if (last >= 0) {
      if (atMs <= (samples[last] as number)) return
      if (value > (samples[last + 1] as number)) this.#grownAtMs = atMs
      if (value < (samples[last + 1] as number)) samples.length = 0
      else if (samples.length >= 4 && atMs - (samples[last - 2] as number) < SAMPLE_MS_MIN)
        samples.length -= 2
    }
    samples.push(atMs, value)
    if (samples.length > 2 * SAMPLES_MAX) this.#thin()
  }

  /**
   * Mean increase per second over the last `windowMs` until `nowMs`, or since the start of a shorter trace. undefined
   * before there are two samples.
   */
  ratePerSecond(nowMs: number, windowMs: number): number | undefined {
    const samples = this.#samples
    if (samples.length < 4) return undefined
    const fromMs = nowMs - windowMs
    let at = 0
    while (at + 4 < samples.length && (samples[at + 2] as number) <= fromMs) at += 2
    const [startMs, start] = [samples[at] as number, samples[at + 1] as number]
    const end = samples[samples.length - 1] as number
    // Two samples around the start of the window: the value at the start lies between them.
    const [nextMs, next] = [samples[at + 2] as number, samples[at + 3] as number]
    const share = startMs >= fromMs ? 0 : Math.min(1, (fromMs - startMs) / (nextMs - startMs))
    const value = start + (next - start) * share
    const spanMs = nowMs - Math.max(startMs, fromMs)
    return spanMs <= 0 ? undefined : Math.max(0, ((end - value) / spanMs) * 1000)
  }

  /** Drops every other sample of the older half. */
  #thin(): void {
    const samples = this.#samples
    const kept: number[] = []
    for (let at = 0; at < samples.length; at += 2) {
      const isOld = at < samples.length / 2
      if (!isOld || at % 4 === 0) kept.push(samples[at] as number, samples[at + 1] as number)
    }
    samples.length = 0
    samples.push(...kept)
  }
}
