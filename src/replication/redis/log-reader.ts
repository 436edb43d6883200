/**
 * Reads the site log: from the beginning of a peer lifetime until it has what was there when it came, then whatever
 * is added. On a connection of its own, because waiting for entries blocks it.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { elapsedMs } from '../../core/clock.ts'
import { list, type RedisClient, type Reply, text } from './client.ts'
import { compareIds, FIRST_ID } from './stream-id.ts'

/** How long one question waits for an entry: within it, a new position is taken, and a dead connection noticed. */
const BLOCK_MS = 1_000
/** An answer of many entries takes the server, and us, longer than one of few. */
const READ_DEADLINE_MS = 5_000
/** Entries have up to 64 KiB: an answer should have about as many bytes as this, so it asks for fewer large ones. */
const ANSWER_BYTES = 1024 * 1024
const ENTRIES_MIN = 8
const ENTRIES_MAX = 1_000
/** After so long, announces get their turn. */
const SLICE_MS = 5

export interface LogReaderOptions {
  readonly key: string
  readonly apply: (batch: Buffer) => void
  /** Called after each answer with the last entry that is applied. */
  readonly onApplied: (id: string) => void
}

interface Answer {
  readonly entries: readonly Reply[]
  /** The moves when it was asked for. */
  readonly moves: number
}

export class LogReader {
  readonly #options: LogReaderOptions
  /** The next question is for what comes after this. */
  #position = FIRST_ID
  /** Counts moves of the position from outside: an answer to a question from before must not move it. */
  #moves = 0
  #entries = ENTRIES_MIN
  #waiting: { readonly id: string; readonly resolve: () => void }[] = []
  #applied = FIRST_ID

  constructor(options: LogReaderOptions) {
    this.#options = options
  }

  /** This entry and all before it are applied. */
  get applied(): string {
    return this.#applied
  }

  /** Goes on behind this entry. */
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

  /** Forgets whoever waits: their connection is gone, and they with it. */
  abandonWaiting(): void {
    this.#waiting = []
  }

  /** Reads until the signal ends it; rejects where the connection is of no use any more. */
  async run(client: RedisClient, signal: AbortSignal): Promise<void> {
    let answer = this.#ask(client)
    while (!signal.aborted) {
      const { entries, moves } = await answer
      const isOnTrack = moves === this.#moves
      const last = text(list(entries.at(-1))[0])
      if (isOnTrack && last !== '') this.#position = last
      // While these are applied, the next ones are on their way.
      answer = this.#ask(client)
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

  /** An answer that nobody awaits yet may fail: that is heard when it is awaited. */
  #ask(client: RedisClient): Promise<Answer> {
    const answer = this.#read(client)
    answer.catch(() => undefined)
    return answer
  }

  async #read(client: RedisClient): Promise<Answer> {
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
    const wanted = Math.floor(ANSWER_BYTES / Math.max(1, bytes / entries.length))
    this.#entries = Math.max(ENTRIES_MIN, Math.min(wanted, this.#entries * 2, ENTRIES_MAX))
  }

  /** `isDry`: there was nothing more to read, so nothing that anybody waits for is missing. */
  #resolveWaiting(isDry: boolean): void {
    if (this.#waiting.length === 0) return
    const isReached = ({ id }: { readonly id: string }) => isDry || compareIds(this.#applied, id) >= 0
    const reached = this.#waiting.filter(isReached)
    this.#waiting = this.#waiting.filter((each) => !isReached(each))
    for (const { resolve } of reached) resolve()
  }
}
