/**
 * What a node does from time to time: forgets peers that are gone, and writes its snapshot. Both in slices, so
 * that no announce waits for them.
 */
import { setImmediate as othersFirst } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import type { Log } from '../core/log.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { SnapshotStore } from '../tracker/ports.ts'
import type { SiteReplica } from '../tracker/site-replica.ts'

const SWEEP_EVERY_MS = 1_000
/** The whole table is looked at in so many sweeps: a peer is gone at most ten seconds after its time. */
const SWEEPS_PER_ROUND = 10
/** Rows looked at before others get their turn: about 4 ms if all of them have to go (bench/swarm-table.ts). */
const SLICE_ROWS = 2_000
const SNAPSHOT_EVERY_MS = 60_000

export interface HousekeepingParts {
  readonly table: SwarmTable
  readonly store: SnapshotStore
  readonly clock: Clock
  readonly log: Log
  readonly replica: SiteReplica
}

export class Housekeeping {
  readonly #parts: HousekeepingParts
  readonly #timers: NodeJS.Timeout[] = []
  #saving: Promise<void> | undefined = undefined
  #savedAtMs: number
  #isStoreUp = true
  #isSweeping = false

  constructor(parts: HousekeepingParts) {
    this.#parts = parts
    this.#savedAtMs = parts.clock.nowMs()
  }

  /** Whether the last snapshot could be written. */
  get isStoreUp(): boolean {
    return this.#isStoreUp
  }

  /** What a crash now would lose. */
  get lagSeconds(): number {
    return Math.max(0, (this.#parts.clock.nowMs() - this.#savedAtMs) / 1000)
  }

  get refusedBatches(): number {
    return this.#parts.replica.refusedBatches
  }

  start(): void {
    this.#timers.push(setInterval(() => void this.#sweep(), SWEEP_EVERY_MS))
    this.#timers.push(setInterval(() => void this.save(), SNAPSHOT_EVERY_MS))
  }

  /** Ends with a last snapshot. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    await this.#saving
    await this.save()
  }

  /** Writes a snapshot, unless one is being written. Never rejects: what cannot be saved now is tried again. */
  async save(): Promise<void> {
    this.#saving ??= this.#write().finally(() => (this.#saving = undefined))
    await this.#saving
  }

  async #write(): Promise<void> {
    const { replica, store, clock, log } = this.#parts
    const startedAtMs = clock.nowMs()
    try {
      await store.save(replica.dump('all'))
      if (!this.#isStoreUp) log.info({ event: 'snapshot-recovered' }, 'the snapshot could be written again')
      this.#savedAtMs = startedAtMs
      this.#isStoreUp = true
    } catch (error) {
      this.#isStoreUp = false
      log.warn(
        { event: 'snapshot-failed', err: error },
        'the snapshot could not be written; a restart would lose peers',
      )
    }
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
