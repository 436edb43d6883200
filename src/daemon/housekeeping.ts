/** What a node does from time to time: forgets peers that are gone. In slices, so that no announce waits for it. */
import { setImmediate as othersFirst } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'

const SWEEP_EVERY_MS = 1_000
/** The whole table is looked at in so many sweeps: a peer is gone at most ten seconds after its time. */
const SWEEPS_PER_ROUND = 10
/** Rows looked at before others get their turn: about 4 ms if all of them have to go (bench/swarm-table.ts). */
const SLICE_ROWS = 2_000

export interface HousekeepingParts {
  readonly table: SwarmTable
  /** The time of the site. */
  readonly clock: Clock
}

export class Housekeeping {
  readonly #parts: HousekeepingParts
  #timer: NodeJS.Timeout | undefined = undefined
  #isSweeping = false

  constructor(parts: HousekeepingParts) {
    this.#parts = parts
  }

  start(): void {
    this.#timer = setInterval(() => void this.#sweep(), SWEEP_EVERY_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  async #sweep(): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    const { table, clock } = this.#parts
    const rows = Math.ceil(table.rows.end / SWEEPS_PER_ROUND)
    for (let looked = 0; looked < rows; looked += SLICE_ROWS) {
      table.sweep(clock.nowMs(), Math.min(SLICE_ROWS, rows - looked))
      await othersFirst()
    }
    this.#isSweeping = false
  }
}
