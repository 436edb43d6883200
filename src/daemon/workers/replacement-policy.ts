/**
 * Whether and when a worker that ended is replaced.
 *
 * One that dies now and then is replaced at once. One that dies again and again is given more and more time, so that
 * it does not spend the machine on starting; as long as another one answers, it is tried for ever. A node of which no
 * worker comes up gives up instead: whoever supervises it sees a process that ended, and not one that only seems to run.
 */

/** The first replacement waits this long, each further one twice as long as the one before. */
const DELAY_MS_MIN = 100
const DELAY_MS_MAX = 10_000

/** Who has been ready for this long was well: the next end is a new story. */
const WELL_AFTER_MS = 30_000

/** With nobody ready, a third failure in a row is no accident. */
const FAILURES_MAX = 3

export interface WorkerEnd {
  /** How long it was ready; undefined where it never was. */
  readonly readyMs: number | undefined
  /** It said that it cannot start, and why: a configuration or an address, which the next one would find as it is. */
  readonly hasExplained: boolean
  /** Workers that are ready now. */
  readonly othersReady: number
}

export class ReplacementPolicy {
  #failures = 0

  /** Milliseconds until the replacement starts, or that there is no sense in one. */
  afterEnd({ readyMs, hasExplained, othersReady }: WorkerEnd): number | 'give-up' {
    this.#failures = readyMs !== undefined && readyMs >= WELL_AFTER_MS ? 1 : this.#failures + 1
    if (othersReady === 0 && readyMs === undefined && (hasExplained || this.#failures >= FAILURES_MAX))
      return 'give-up'
    return Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** (this.#failures - 1))
  }
}
