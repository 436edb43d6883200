/**
 * Detects workers that hang: they keep their connections, respond to no request, and do not exit.
 *
 * Each worker receives a request at every tick, and any message from it resets its silence. Silence is measured in ticks
 * of the supervisor and not in time: while the whole machine is suspended (a laptop, a paused virtual machine, a stopped
 * container), the supervisor has no ticks, so that no worker is killed for the pause. If CPU is scarce, the ticks of the
 * supervisor are late too, which gives the workers more time.
 *
 * A worker is watched from the moment it responds to requests. Before that it has no connections, and reads files that
 * may be on a slow disk.
 */

/** Short enough that one tick does not matter; a request and its response cost a fraction of a millisecond. */
export const TICK_MS = 1_000

/**
 * Ticks without a message. A healthy worker responds within a fraction of a second; this is many times that, for slow and
 * crowded machines. Clients of a worker that hangs give up after 10 to 60 s, so that a shorter limit would help few of
 * them.
 */
export const SILENT_TICKS_MAX = 15

export class Watchdog<W> {
  readonly #silentTicks = new Map<W, number>()

  watch(worker: W): void {
    this.#silentTicks.set(worker, 0)
  }

  /** The worker sent a message: its silence starts from zero. */
  reset(worker: W): void {
    if (this.#silentTicks.has(worker)) this.#silentTicks.set(worker, 0)
  }

  /** The worker exited. */
  forget(worker: W): void {
    this.#silentTicks.delete(worker)
  }

  /** The workers that get a request now, and those that hang. A worker that hangs is returned once. */
  tick(): { readonly toProbe: readonly W[]; readonly hung: readonly W[] } {
    const toProbe: W[] = []
    const hung: W[] = []
    for (const [worker, ticks] of this.#silentTicks) {
      if (ticks === SILENT_TICKS_MAX) {
        hung.push(worker)
        this.#silentTicks.delete(worker)
      } else {
        toProbe.push(worker)
        this.#silentTicks.set(worker, ticks + 1)
      }
    }
    return { toProbe, hung }
  }
}
