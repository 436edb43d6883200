/**
 * Which workers hang: those that keep their connections, answer nobody, and do not end by themselves either.
 *
 * Each worker is asked at every tick, and whatever it says counts as an answer. Silence is measured in ticks of the
 * supervisor and not in time: where the whole machine stood still (a suspended laptop, a paused virtual
 * machine, a stopped container), the supervisor had no ticks, and nobody is killed for having been away with it. Where
 * there is too little CPU for everybody, its ticks come later, and the others are given more time.
 *
 * A worker is watched from the moment it answers questions. Before that it has no connections, and reads files, which
 * may lie on a slow disk.
 */

/** Often enough that a tick more or less does not matter; a question and its answer cost a fraction of a millisecond. */
export const TICK_MS = 1_000

/**
 * Ticks without a word. The longest that a healthy worker is busy at a stretch is a topology of 65,000 prefixes, read
 * in 1.9 s; eight times that, for slower and crowded machines. Clients whose announce it took give up after 10 to 60 s,
 * so that they are not helped by much more haste.
 */
export const SILENT_TICKS_MAX = 15

export class Watchdog<W> {
  readonly #silentTicks = new Map<W, number>()

  watch(worker: W): void {
    this.#silentTicks.set(worker, 0)
  }

  /** It said something. */
  heard(worker: W): void {
    if (this.#silentTicks.has(worker)) this.#silentTicks.set(worker, 0)
  }

  /** It ended. */
  forget(worker: W): void {
    this.#silentTicks.delete(worker)
  }

  /** Who is to be asked now, and who hangs. The latter are named once. */
  tick(): { readonly toAsk: readonly W[]; readonly hung: readonly W[] } {
    const toAsk: W[] = []
    const hung: W[] = []
    for (const [worker, ticks] of this.#silentTicks) {
      if (ticks === SILENT_TICKS_MAX) {
        hung.push(worker)
        this.#silentTicks.delete(worker)
      } else {
        toAsk.push(worker)
        this.#silentTicks.set(worker, ticks + 1)
      }
    }
    return { toAsk, hung }
  }
}
