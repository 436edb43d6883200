/**
 * Completion counts in Redis. What is added goes there together with whatever else was added meanwhile; every node,
 * the one that added it included, reads the counts that changed since it last looked.
 */
import { setTimeout as pause } from 'node:timers/promises'
import type { Log } from '../../core/log.ts'
import type { CompletionStore, LogSubscriber } from '../site-store.ts'
import { list, type RedisClient, text } from './client.ts'
import type { SiteKeys } from './keys.ts'
import { scripts } from './scripts.ts'

/** While Redis is away: 16 bytes each. A site where more hosts finish in one outage counts a little short. */
const WAITING_MAX = 100_000
/** In one command, so that none keeps the server for longer than a few milliseconds. */
const AT_ONCE = 500
const DRAIN_LOOK_MS = 5

export class RedisCompletions implements CompletionStore {
  readonly #keys: SiteKeys
  readonly #log: Log
  /** Infohash and client, 24 bytes. */
  #waiting: Buffer[] = []
  #client: RedisClient | undefined
  #isSending = false
  /** The last change that was read. */
  #change = 0
  #missed = 0

  constructor(keys: SiteKeys, log: Log) {
    this.#keys = keys
    this.#log = log
  }

  use(client: RedisClient | undefined): void {
    this.#client = client
    void this.#send()
  }

  add(infoHash: Buffer, client: number): void {
    if (this.#waiting.length === WAITING_MAX) {
      if (this.#missed++ === 0)
        this.#log.warn(
          { event: 'completions-missed', waiting: WAITING_MAX },
          'too many completions wait for the store; the count will be short',
        )
      return
    }
    const bytes = Buffer.allocUnsafe(24)
    infoHash.copy(bytes)
    bytes.writeUInt32BE(client >>> 0, 20)
    this.#waiting.push(bytes)
    void this.#send()
  }

  async #send(): Promise<void> {
    const client = this.#client
    if (client === undefined || this.#isSending) return
    this.#isSending = true
    try {
      while (this.#waiting.length > 0 && client === this.#client) {
        const { completions, completionChanges, completionClients } = this.#keys
        const some = this.#waiting.slice(0, AT_ONCE)
        await client.run(scripts.countCompletions, [completions, completionChanges, completionClients], some)
        // What was added meanwhile is behind them.
        this.#waiting.splice(0, some.length)
      }
      this.#missed = 0
    } catch {
      // Tried again when the next one is added, or the next connection stands; counted twice they are not.
    } finally {
      this.#isSending = false
    }
  }

  /** Resolves when nothing waits any more, or the signal says that it has taken too long. */
  async drained(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#waiting.length > 0) await pause(DRAIN_LOOK_MS)
  }

  /** Tries again what could not be sent. */
  retry(): void {
    void this.#send()
  }

  /** Whether there are counts that this node has not read: `last` is the last change in Redis. */
  isBehind(last: number): boolean {
    return last !== this.#change
  }

  /** Reads what changed since it last did; everything, where Redis knows less than this node once read. */
  async follow(client: RedisClient, last: number, subscriber: LogSubscriber): Promise<void> {
    if (last < this.#change) this.#change = 0
    while (this.#change < last) {
      const { completions, completionChanges } = this.#keys
      const range = [completionChanges, `(${this.#change}`, '+inf', 'WITHSCORES', 'LIMIT', 0, AT_ONCE]
      const changed = list(await client.call('zrangebyscore', range))
      const infoHashes = changed.filter((_, index) => index % 2 === 0) as Buffer[]
      if (infoHashes.length === 0) break
      const fields = infoHashes.map((infoHash) => infoHash.toString('hex'))
      const counts = list(await client.call('hmget', [completions, ...fields]))
      for (const [index, infoHash] of infoHashes.entries())
        subscriber.completed(infoHash, Number(text(counts[index])))
      this.#change = Number(text(changed.at(-1)))
    }
    this.#change = Math.max(this.#change, last)
  }

  /** Gives back what Redis lost and this node still knows. */
  async restore(client: RedisClient, subscriber: LogSubscriber): Promise<void> {
    const { completions, completionChanges } = this.#keys
    let some: (string | number | Buffer)[] = []
    const give = async () => {
      if (some.length > 0)
        await client.run(scripts.restoreCompletions, [completions, completionChanges], some)
      some = []
    }
    // They may change while some are on their way.
    const known = [...subscriber.completionCounts()]
    for (const { infoHash, count } of known) {
      some.push(infoHash.toString('hex'), infoHash, count)
      if (some.length === AT_ONCE * 3) await give()
    }
    await give()
  }
}
