/**
 * What a node does from time to time: forgets peers that are gone, in slices, so that no announce waits for it; and
 * lets the tracker look at what is due.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'

const SWEEP_EVERY_MS = 1_000
/** How much later than it could an announce that waits is answered. */
const TICK_EVERY_MS = 500
/** The whole table is looked at in so many sweeps: a peer is gone at most ten seconds after its time. */
const SWEEPS_PER_ROUND = 10
/** Rows looked at before others get their turn: about 4 ms if all of them have to go (bench/swarm-table.ts). */
const SLICE_ROWS = 2_000

export interface SweeperComponents {
  readonly table: SwarmTable
  readonly tracker: { tick(): void }
  /** The time of the site. */
  readonly clock: Clock
}

export class Sweeper {
  readonly #parts: SweeperComponents
  readonly #timers: NodeJS.Timeout[] = []
  #isSweeping = false

  constructor(parts: SweeperComponents) {
    this.#parts = parts
  }

  start(): void {
    this.#timers.push(setInterval(() => void this.#sweep(), SWEEP_EVERY_MS))
    this.#timers.push(setInterval(() => this.#parts.tracker.tick(), TICK_EVERY_MS))
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }

  async #sweep(): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    const { table, clock } = this.#parts
    const rows = Math.ceil(table.rows.end / SWEEPS_PER_ROUND)
    for (let looked = 0; looked < rows; looked += SLICE_ROWS) {
      table.sweep(clock.nowMs(), Math.min(SLICE_ROWS, rows - looked))
      await yieldToEventLoop()
    }
    this.#isSweeping = false
  }
}
