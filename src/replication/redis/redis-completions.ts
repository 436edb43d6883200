/**
 * Completion counts in Redis. Completions that are added while a command is in flight share the next command; every node,
 * the adding one included, reads the counts that changed since its last poll.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../core/log.ts'
import type { CompletionStore, LogSubscriber } from '../site-store.ts'
import { list, type RedisClient, text } from './client.ts'
import type { OnInvalidValue } from './invalid-values.ts'
import type { SiteKeys } from './keys.ts'
import { scripts } from './scripts.ts'

/** Completions kept while Redis is down, 24 bytes each. Further ones in the same outage are not counted. */
const PENDING_MAX = 100_000
/** Completions in one command, so that none occupies the server for more than a few milliseconds. */
const COMMAND_MAX = 500
const DRAIN_POLL_MS = 5

/** As in the scripts: a node never gets there. Larger scores were not written by a node. */
const CHANGE_MAX = '(1000000000000000'

export class RedisCompletions implements CompletionStore {
  readonly #keys: SiteKeys
  readonly #log: Log
  readonly #onInvalid: OnInvalidValue
  /** Infohash and client, 24 bytes. */
  #pending: Buffer[] = []
  #client: RedisClient | undefined
  #isSending = false
  /** The last change that was read. */
  #change = 0
  #uncounted = 0

  constructor(keys: SiteKeys, log: Log, onInvalid: OnInvalidValue) {
    this.#keys = keys
    this.#log = log
    this.#onInvalid = onInvalid
  }

  use(client: RedisClient | undefined): void {
    this.#client = client
    void this.#send()
  }

  add(infoHash: Buffer, client: number): void {
    if (this.#pending.length === PENDING_MAX) {
      if (this.#uncounted++ === 0)
        this.#log.warn(
          { event: 'completions-missed', waiting: PENDING_MAX },
          'too many completions are waiting for the store; further ones are not counted',
        )
      return
    }
    const bytes = Buffer.allocUnsafe(24)
    infoHash.copy(bytes)
    bytes.writeUInt32BE(client >>> 0, 20)
    this.#pending.push(bytes)
    void this.#send()
  }

  async #send(): Promise<void> {
    const client = this.#client
    if (client === undefined || this.#isSending) return
    this.#isSending = true
    try {
      while (this.#pending.length > 0 && client === this.#client) {
        const { completions, completionChanges, completionClients } = this.#keys
        const sent = this.#pending.slice(0, COMMAND_MAX)
        await client.run(scripts.countCompletions, [completions, completionChanges, completionClients], sent)
        // Completions that were added meanwhile are behind them.
        this.#pending.splice(0, sent.length)
      }
      this.#uncounted = 0
    } catch {
      // Retried with the next completion, and with the next connection; the script does not count one twice.
    } finally {
      this.#isSending = false
    }
  }

  /** Resolves when no completion is pending, or the signal is aborted. */
  async drained(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#pending.length > 0) await pause(DRAIN_POLL_MS)
  }

  /** Sends the completions that could not be sent. */
  retry(): void {
    void this.#send()
  }

  /** True where Redis has counts that this node has not read: `last` is the last change in Redis. */
  isBehind(last: number): boolean {
    return last !== this.#change
  }

  /** Reads the changes since the last call; all of them, where Redis has fewer than this node has read. */
  async follow(client: RedisClient, last: number, subscriber: LogSubscriber): Promise<void> {
    if (last < this.#change) this.#change = 0
    while (this.#change < last) {
      const { completions, completionChanges } = this.#keys
      const range = [completionChanges, `(${this.#change}`, CHANGE_MAX, 'WITHSCORES', 'LIMIT', 0, COMMAND_MAX]
      const changed = list(await client.call('zrangebyscore', range))
      if (changed.length === 0) break
      const infoHashes = changed.filter(
        (each, index): each is Buffer => index % 2 === 0 && Buffer.isBuffer(each) && each.length === 20,
      )
      const fields = infoHashes.map((infoHash) => infoHash.toString('hex'))
      const counts = fields.length === 0 ? [] : list(await client.call('hmget', [completions, ...fields]))
      for (const [index, infoHash] of infoHashes.entries()) {
        const count = readCount(text(counts[index]))
        if (count === undefined) this.#onInvalid('completions', `${fields[index]}: not a number`)
        else subscriber.completed(infoHash, count)
      }
      if (infoHashes.length * 2 < changed.length)
        this.#onInvalid('completions', 'an infohash has not 20 bytes')
      const change = Number(text(changed.at(-1)))
      this.#change = Number.isFinite(change) ? change : last
    }
    this.#change = Math.max(this.#change, last)
  }

  /** Restores the counts that Redis lost and this node still has. */
  async restore(client: RedisClient, subscriber: LogSubscriber): Promise<void> {
    const { completions, completionChanges } = this.#keys
    let args: (string | number | Buffer)[] = []
    const send = async () => {
      if (args.length > 0)
        await client.run(scripts.restoreCompletions, [completions, completionChanges], args)
      args = []
    }
    // A copy: counts may change while a command is in flight.
    const known = [...subscriber.completionCounts()]
    for (const { infoHash, count } of known) {
      args.push(infoHash.toString('hex'), infoHash, count)
      if (args.length === COMMAND_MAX * 3) await send()
    }
    await send()
  }
}

/** undefined for text that is not a count. */
function readCount(value: string): number | undefined {
  return /^\d{1,15}$/.test(value) ? Number(value) : undefined
}
