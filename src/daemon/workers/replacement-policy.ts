/**
 * Policy that decides if and when a worker that exited is replaced.
 *
 * A worker that exits rarely is replaced at once. One that exits repeatedly is replaced after increasing delays, so that
 * starts do not consume the machine; the attempts continue without limit while another worker is ready. A node gives up
 * if no worker becomes ready, because the service manager then sees a process that ended and not one that seems to run.
 */

/** Delay of the first replacement; each further delay is twice the previous one. */
const DELAY_MS_MIN = 100
const DELAY_MS_MAX = 10_000

/** A worker that was ready for this long was healthy: its exit counts as a first failure. */
const HEALTHY_AFTER_MS = 30_000

/** Without a ready worker, a third failure in a row is not an accident. */
const FAILURES_MAX = 3

export interface WorkerExit {
  /** Time for which it was ready; undefined if it never was. */
  readonly readyMs: number | undefined
  /** It sent the reason why it cannot start: a configuration or an address, with which the next one would fail too. */
  readonly hasExplained: boolean
  /** Number of workers that are ready now. */
  readonly othersReady: number
}

export class ReplacementPolicy {
  #failures = 0

  /** Milliseconds until the replacement starts, or `give-up` if a replacement would fail too. */
  afterExit({ readyMs, hasExplained, othersReady }: WorkerExit): number | 'give-up' {
    this.#failures = readyMs !== undefined && readyMs >= HEALTHY_AFTER_MS ? 1 : this.#failures + 1
    if (othersReady === 0 && readyMs === undefined && (hasExplained || this.#failures >= FAILURES_MAX))
      return 'give-up'
    return Math.min(DELAY_MS_MAX, DELAY_MS_MIN * 2 ** (this.#failures - 1))
  }
}
