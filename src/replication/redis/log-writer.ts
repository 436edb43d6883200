/**
 * Writes batches to the site log, in order, one entry on its way at a time. What comes meanwhile goes into the next
 * entry, so the busier a node is, the more of its batches share one round trip.
 *
 * An entry whose fate is unknown is written again: batches may be applied twice.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from '../../core/clock.ts'
import { type Batch, BatchQueue } from './batch-queue.ts'
import { type RedisClient, isRefusal } from './client.ts'
import { WRITE_REFUSALS } from './refusals.ts'

/** Minutes of announces of a busy node, while Redis is away; then the oldest go, and are dumped later. */
const BACKLOG_BYTES_MAX = 8 * 1024 * 1024
/** One entry. Larger ones would keep the server, and the announces between two dumped entries, waiting. */
const ENTRY_BYTES = 64 * 1024
/** Between two attempts where the server refuses to write, as one that is full does. */
const REFUSED_PAUSE_MS = 500

/** The field of a batch in an entry; an entry has several of them. */
const BATCH_FIELD = 'b'

interface Dump {
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
  /** Of the entry that is on its way, or is to be tried again. */
  #entry: Batch[] = []
  #dump: Dump | undefined
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

  /** Why the server does not take what is written now. */
  get refusal(): string | undefined {
    return this.#refusal
  }

  /** When the oldest was handed over that waits, or was dropped and not made good yet. */
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

  /** Since when something is missing that was dropped. Whoever takes it has it dumped. */
  takeDropped(): number | undefined {
    const sinceMs = this.#droppedSinceMs
    this.#droppedSinceMs = undefined
    return sinceMs
  }

  /** Writes these as well, behind what is newer. Resolves when the last of them is on its way; one dump at a time. */
  dump(batches: Iterable<Buffer>): Promise<void> {
    return new Promise((resolve) => {
      this.#dump = { batches: batches[Symbol.iterator](), resolve }
      this.#wake()
    })
  }

  abandonDump(): void {
    this.#dump = undefined
  }

  /** Nothing of what waits is to be written; what is on its way is not stopped. */
  discard(): void {
    while (this.#queue.shift() !== undefined);
    this.#droppedSinceMs = undefined
  }

  /** Resolves when nothing waits any more, or the signal says that it has taken too long. */
  async drained(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.backlogBytes > 0) await pause(DRAIN_LOOK_MS)
  }

  /** Writes until the signal ends it; rejects where the connection is of no use any more. */
  async run(client: RedisClient, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      if (this.#entry.length === 0) this.#fillEntry()
      if (this.#entry.length === 0) {
        await this.#somethingToWrite(signal)
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
    if (this.#dump !== undefined) this.#fillFromDump(this.#dump, bytes)
  }

  #fillFromDump({ batches, resolve }: Dump, filledBytes: number): void {
    const atMs = this.#options.clock.nowMs()
    for (let bytes = filledBytes; bytes < ENTRY_BYTES;) {
      const next = batches.next()
      if (next.done === true) {
        this.#dump = undefined
        resolve()
        return
      }
      bytes += next.value.length
      this.#entry.push({ bytes: next.value, atMs })
    }
  }

  #somethingToWrite(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal.removeEventListener('abort', done)
        this.#wake = () => {}
        resolve()
      }
      this.#wake = done
      signal.addEventListener('abort', done)
      // A dump that was asked for between two looks.
      if (this.#dump !== undefined) done()
    })
  }
}

const DRAIN_LOOK_MS = 5
