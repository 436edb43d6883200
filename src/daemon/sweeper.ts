/**
 * Periodic work of a node: drops expired peers, in slices so that no announce waits for it, measures rollouts, and ticks
 * the tracker, which has deferred announces and polls that become due.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'

const SWEEP_INTERVAL_MS = 1_000
/** The longest delay that ticks add to a deferred announce. */
const TICK_INTERVAL_MS = 500
/** Rollouts are measured in small parts, each shorter than a slice of the sweep. */
const ROLLOUT_INTERVAL_MS = 100
/** Sweeps in which the whole table is scanned: a peer is dropped at most ten seconds after it expired. */
const SWEEPS_PER_ROUND = 10
/** Rows scanned before the event loop continues: a fraction of a millisecond. */
const SLICE_ROWS = 2_000
/** Peers dropped before the event loop continues: half a millisecond (bench/pauses.ts). */
const SLICE_EXPIRED_MAX = 100
/** Rows between two looks at the number of dropped peers. */
const STEP_ROWS = 50

export interface SweeperComponents {
  readonly table: SwarmTable
  readonly tracker: { tick(): void }
  readonly replica: { tick(): void }
  readonly rollouts: { tick(): void }
  /** The clock of the site. */
  readonly clock: Clock
}

export class Sweeper {
  readonly #table: SwarmTable
  readonly #tracker: SweeperComponents['tracker']
  readonly #replica: SweeperComponents['replica']
  readonly #rollouts: SweeperComponents['rollouts']
  readonly #clock: Clock
  readonly #timers: NodeJS.Timeout[] = []
  #isSweeping = false

  constructor({ table, tracker, replica, rollouts, clock }: SweeperComponents) {
    this.#table = table
    this.#tracker = tracker
    this.#replica = replica
    this.#rollouts = rollouts
    this.#clock = clock
  }

  start(): void {
    this.#timers.push(
      setInterval(() => void this.#sweep(), SWEEP_INTERVAL_MS),
      setInterval(() => this.#rollouts.tick(), ROLLOUT_INTERVAL_MS),
    )
    this.#timers.push(
      setInterval(() => {
        this.#tracker.tick()
        this.#replica.tick()
      }, TICK_INTERVAL_MS),
    )
  }

  stop(): void {
    for (const timer of this.#timers.splice(0)) clearInterval(timer)
  }

  async #sweep(): Promise<void> {
    if (this.#isSweeping) return
    this.#isSweeping = true
    const rows = Math.ceil(this.#table.rows.end / SWEEPS_PER_ROUND)
    for (let scanned = 0; scanned < rows;) {
      const end = Math.min(scanned + SLICE_ROWS, rows)
      for (let expired = 0; scanned < end && expired < SLICE_EXPIRED_MAX; scanned += STEP_ROWS)
        expired += this.#table.sweep(this.#clock.nowMs(), Math.min(STEP_ROWS, end - scanned))
      await yieldToEventLoop()
    }
    this.#isSweeping = false
  }
}
