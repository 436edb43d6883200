/**
 * Writes batches to the site log, in order, with one entry in flight at a time. Batches that are appended meanwhile go
 * into the next entry: the busier a node is, the more of its batches share one round trip.
 *
 * An entry whose outcome is unknown is written again: batches may be applied twice.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import { type Batch, BatchQueue } from './batch-queue.ts'
import { type RedisClient, isRefusal } from './client.ts'
import { WRITE_REFUSALS } from './refusals.ts'

/** Minutes of announces of a busy node while Redis is down; then the oldest are dropped, and a resync replaces them. */
const BACKLOG_BYTES_MAX = 8 * 1024 * 1024
/** Size of one entry. Larger ones would delay the server, and announces during a resync. */
const ENTRY_BYTES = 64 * 1024
/** Between two attempts where the server refuses writes, for example because it is full. */
const REFUSED_PAUSE_MS = 500

/** The field of a batch in an entry; an entry has several of them. */
const BATCH_FIELD = 'b'

interface Resync {
  readonly batches: Iterator<Buffer>
  readonly resolve: () => void
}

export interface LogWriterOptions {
  readonly key: string
  readonly lifetimeMs: number
  readonly clock: Clock
}

export class LogWriter {
  readonly #options: LogWriterOptions
  readonly #queue = new BatchQueue(BACKLOG_BYTES_MAX)
  /** Batches of the entry that is in flight, or is to be retried. */
  #entry: Batch[] = []
  #resync: Resync | undefined
  #dropped = 0
  #droppedSinceMs: number | undefined
  #refusal: string | undefined
  #wake: () => void = () => {}

  constructor(options: LogWriterOptions) {
    this.#options = options
  }

  get backlogBytes(): number {
    return this.#queue.bytes + this.#entry.reduce((sum, { bytes }) => sum + bytes.length, 0)
  }

  get droppedBatches(): number {
    return this.#dropped
  }

  /** The error with which the server refuses writes; undefined where it accepts them. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** When the oldest batch was appended that is not written, or was dropped and not resynced. */
  get oldestMs(): number | undefined {
    const times = [this.#entry[0]?.atMs, this.#queue.oldest?.atMs, this.#droppedSinceMs]
    const known = times.filter((time): time is number => time !== undefined)
    return known.length === 0 ? undefined : Math.min(...known)
  }

  append(bytes: Buffer): void {
    const dropped = this.#queue.push({ bytes, atMs: this.#options.clock.nowMs() })
    this.#dropped += dropped.length
    this.#droppedSinceMs ??= dropped[0]?.atMs
    this.#wake()
  }

  /** The time of the oldest dropped batch. The caller takes over: it schedules a resync from then on. */
  takeDropped(): number | undefined {
    const sinceMs = this.#droppedSinceMs
    this.#droppedSinceMs = undefined
    return sinceMs
  }

  /** Writes these too, after newer batches. Resolves when the last of them is in an entry; one resync at a time. */
  resync(batches: Iterable<Buffer>): Promise<void> {
    return new Promise((resolve) => {
      this.#resync = { batches: batches[Symbol.iterator](), resolve }
      this.#wake()
    })
  }

  abandonResync(): void {
    this.#resync = undefined
  }

  /** Drops the batches in the queue; the entry in flight is not stopped. */
  discard(): void {
    while (this.#queue.shift() !== undefined);
    this.#droppedSinceMs = undefined
  }

  /** Resolves when the backlog is empty, or the signal is aborted. */
  async drained(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.backlogBytes > 0) await pause(DRAIN_POLL_MS)
  }

  /** Writes until the signal is aborted; rejects where the connection fails. */
  async run(client: RedisClient, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#entry.length === 0) this.#fillEntry()
      if (this.#entry.length === 0) {
        await this.#waitForBatches(signal)
        continue
      }
      try {
        await client.call('xadd', this.#command())
        this.#entry = []
        this.#refusal = undefined
      } catch (error) {
        if (!isRefusal(error, 'NOPERM', ...WRITE_REFUSALS)) throw error
        this.#refusal = (error as Error).message
        await pause(REFUSED_PAUSE_MS, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  #command(): (string | Buffer)[] {
    const { key, lifetimeMs, clock } = this.#options
    const fields = this.#entry.flatMap(({ bytes }) => [BATCH_FIELD, bytes])
    return [key, 'MINID', '~', String(Math.max(0, clock.nowMs() - lifetimeMs)), '*', ...fields]
  }

  #fillEntry(): void {
    let bytes = 0
    for (let next = this.#queue.oldest; next !== undefined; next = this.#queue.oldest) {
      if (bytes > 0 && bytes + next.bytes.length > ENTRY_BYTES) return
      bytes += next.bytes.length
      this.#queue.shift()
      this.#entry.push(next)
    }
    if (this.#resync !== undefined) this.#fillFromResync(this.#resync, bytes)
  }

  #fillFromResync({ batches, resolve }: Resync, filledBytes: number): void {
    const atMs = this.#options.clock.nowMs()
    for (let bytes = filledBytes; bytes < ENTRY_BYTES;) {
      const next = batches.next()
      if (next.done === true) {
        this.#resync = undefined
        resolve()
        return
      }
      bytes += next.value.length
      this.#entry.push({ bytes: next.value, atMs })
    }
  }

  #waitForBatches(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done)
        this.#wake = () => {}
        resolve()
      }
      this.#wake = done
      signal.addEventListener('abort', done)
      // A resync may have been requested since the entry was filled.
      if (this.#resync !== undefined) done()
    })
  }
}

const DRAIN_POLL_MS = 5
