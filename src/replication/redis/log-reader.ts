/**
 * Reads the site log: first the entries of the last peer lifetime, then new ones as they are added. On a connection of
 * its own, because waiting for entries blocks it.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { elapsedMs } from '../../core/clock.ts'
import { list, type RedisClient, type Reply, text } from './client.ts'
import { compareIds, FIRST_ID } from './stream-id.ts'

/** Longest wait of one XREAD for an entry: the delay until a new position is used, or a dead connection detected. */
const BLOCK_MS = 1_000
/** A response with many entries takes the server and this node longer than one with few. */
const READ_DEADLINE_MS = 5_000
/** Target size of a response. Entries have up to 64 KiB, so fewer are requested when they are large. */
const RESPONSE_BYTES = 1024 * 1024
const ENTRIES_MIN = 8
const ENTRIES_MAX = 1_000
/** Time after which the loop yields to announces. */
const SLICE_MS = 2

export interface LogReaderOptions {
  readonly key: string
  readonly apply: (batch: Buffer) => void
  /** Called after each response with the last applied entry. */
  readonly onApplied: (id: string) => void
}

interface ReadResponse {
  readonly entries: readonly Reply[]
  /** The value of `#moves` at the request. */
  readonly moves: number
}

export class LogReader {
  readonly #options: LogReaderOptions
  /** The next request reads the entries after this one. */
  #position = FIRST_ID
  /** Number of calls of `moveTo`: the response to an earlier request must not move the position. */
  #moves = 0
  #entries = ENTRIES_MIN
  #waiting: { readonly id: string; readonly resolve: () => void }[] = []
  #applied = FIRST_ID

  constructor(options: LogReaderOptions) {
    this.#options = options
  }

  /** The last applied entry: it and all before it are applied. */
  get applied(): string {
    return this.#applied
  }

  /** Continues after this entry. */
  moveTo(id: string): void {
    this.#position = id
    this.#applied = id
    this.#moves++
  }

  /** Resolves when this entry and all before it are applied. */
  reach(id: string): Promise<void> {
    if (compareIds(this.#applied, id) >= 0) return Promise.resolve()
    return new Promise((resolve) => this.#waiting.push({ id, resolve }))
  }

  /** Drops the waiting calls of `reach`: they belong to a connection that has ended. */
  abandonWaiting(): void {
    this.#waiting = []
  }

  /** Reads until the signal is aborted; rejects where the connection fails. */
  async run(client: RedisClient, signal: AbortSignal): Promise<void> {
    let response = this.#request(client)
    while (!signal.aborted) {
      const { entries, moves } = await response
      const isCurrent = moves === this.#moves
      const last = text(list(entries.at(-1))[0])
      if (isCurrent && last !== '') this.#position = last
      // The next request is on its way while these entries are applied.
      response = this.#request(client)
      // Applied in any case: batches may come in any order, and twice.
      await this.#apply(entries)
      if (moves !== this.#moves) continue
      if (last !== '') {
        this.#applied = last
        this.#options.onApplied(last)
      }
      this.#resolveWaiting(last === '')
    }
  }

  /** The response may fail before it is awaited; the failure surfaces when it is. */
  #request(client: RedisClient): Promise<ReadResponse> {
    const response = this.#read(client)
    response.catch(() => undefined)
    return response
  }

  async #read(client: RedisClient): Promise<ReadResponse> {
    const moves = this.#moves
    const reply = await client.call(
      'xread',
      ['COUNT', this.#entries, 'BLOCK', BLOCK_MS, 'STREAMS', this.#options.key, this.#position],
      BLOCK_MS + READ_DEADLINE_MS,
    )
    return { entries: list(list(list(reply)[0])[1]), moves }
  }

  async #apply(entries: readonly Reply[]): Promise<void> {
    let bytes = 0
    let sinceMs = elapsedMs()
    for (const entry of entries) {
      const fields = list(list(entry)[1])
      for (let index = 1; index < fields.length; index += 2) {
        const batch = fields[index]
        if (!Buffer.isBuffer(batch) || batch.length === 0) continue
        bytes += batch.length
        this.#options.apply(batch)
        if (elapsedMs() - sinceMs < SLICE_MS) continue
        await yieldToEventLoop()
        sinceMs = elapsedMs()
      }
    }
    if (entries.length === 0) return
    const wanted = Math.floor(RESPONSE_BYTES / Math.max(1, bytes / entries.length))
    this.#entries = Math.max(ENTRIES_MIN, Math.min(wanted, this.#entries * 2, ENTRIES_MAX))
  }

  /** `isAtEnd`: the log has no further entries, so every waiting call is satisfied. */
  #resolveWaiting(isAtEnd: boolean): void {
    if (this.#waiting.length === 0) return
    const isReached = ({ id }: { readonly id: string }) => isAtEnd || compareIds(this.#applied, id) >= 0
    const reached = this.#waiting.filter(isReached)
    this.#waiting = this.#waiting.filter((each) => !isReached(each))
    for (const { resolve } of reached) resolve()
  }
}
