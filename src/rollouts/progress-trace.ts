/**
 * Progress of a host or a site over time: the times at which it increased, dense at the end and sparse before it, so that a
 * rate can be read over any window. Memory does not grow with the length of a rollout.
 *
 * A node sees progress in steps: a client that is polled, or that completes several pieces at once, shows none in between. The pace is
 * therefore measured from step to step.
 */

const SAMPLES_MAX = 24
/** Samples that are closer together than this replace each other. */
const SAMPLE_MS_MIN = 500

/** Progress as it continues from the last steps. */
export interface Pace {
  readonly perSecond: number
  /** Since the first step. */
  readonly meanPerSecond: number
  /** With what has probably been added since the last step. */
  readonly value: number
  /** Increases that were seen, all in all. */
  readonly steps: number
}

export class ProgressTrace {
  /** Time and value in turn. */
  readonly #samples: number[] = []
  #seenMs = -Infinity
  #steps = 0

  get startMs(): number | undefined {
    return this.#samples[0]
  }

  /** Time without growth before this larger value; 0 if it is not larger. */
  stalledMs(atMs: number, value: number): number {
    const samples = this.#samples
    const [lastMs, last] = [samples.at(-2), samples.at(-1)]
    return last === undefined || lastMs === undefined || value <= last ? 0 : atMs - lastMs
  }

  /** Times that go backwards are ignored. A value that falls starts the trace again: the client began again. */
  add(atMs: number, value: number): void {
    const samples = this.#samples
    if (atMs <= this.#seenMs) return
    this.#seenMs = atMs
    const last = samples.length - 2
    if (last >= 0) {
      if (value === samples[last + 1]) return
      if (value < (samples[last + 1] as number)) {
        samples.length = 0
        this.#steps = 0
      } else {
        this.#steps++
        if (samples.length >= 4 && atMs - (samples[last - 2] as number) < SAMPLE_MS_MIN) samples.length -= 2
      }
    }
    samples.push(atMs, value)
    if (samples.length > 2 * SAMPLES_MAX) this.#thin()
  }

  /**
   * Mean increase per second over the last `windowMs` until `nowMs`, or since the start of a shorter trace. undefined
   * before there are two measurements.
   */
  ratePerSecond(nowMs: number, windowMs: number): number | undefined {
    const samples = this.#samples
    if (samples.length < 2 || this.#seenMs === samples[0]) return undefined
    if (samples.length < 4) return 0
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

  /** From the steps of at least `windowMs` and `stepsMin` steps, if there are as many. undefined before the first step. */
  pace(nowMs: number, windowMs: number, stepsMin: number): Pace | undefined {
    const samples = this.#samples
    const last = samples.length - 2
    if (last < 2) return undefined
    const [endMs, end] = [samples[last] as number, samples[last + 1] as number]
    // The time before the first step is that of waiting, unless there is only one step.
    const first = last >= 4 ? 2 : 0
    let at = last - 2
    while (at > first && (endMs - (samples[at] as number) < windowMs || (last - at) / 2 < stepsMin)) at -= 2
    const spanMs = endMs - (samples[at] as number)
    const stepMs = spanMs / ((last - at) / 2)
    const sinceMs = nowMs - endMs
    // A step that does not come is slower than the ones before it.
    const perSecond = ((end - (samples[at + 1] as number)) / (spanMs + Math.max(0, sinceMs - stepMs))) * 1000
    const [firstMs, firstValue] = [samples[first] as number, samples[first + 1] as number]
    const meanPerSecond = ((end - firstValue) / (endMs - firstMs)) * 1000
    const value = end + (perSecond * Math.min(sinceMs, stepMs)) / 1000
    return { perSecond, meanPerSecond, value, steps: this.#steps }
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
