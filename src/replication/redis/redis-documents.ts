/**
 * Documents of a site in Redis: a hash, and a sorted set of its changes, so that each node reads only what changed since
 * its last poll. All documents are in the memory of each node.
 */
import type { DocumentListener, DocumentStore } from '../site-store.ts'
import { list, type RedisClient, text } from './client.ts'
import type { OnInvalidValue } from './invalid-values.ts'
import type { SiteKeys } from './keys.ts'
import { scripts } from './scripts.ts'

/** Documents in one command. */
const COMMAND_MAX = 100
/** As in the scripts: a node never gets there. */
const CHANGE_END = 1_000_000_000_000_000
const CHANGE_MAX = `(${CHANGE_END}`

export class RedisDocuments implements DocumentStore {
  readonly #keys: SiteKeys
  readonly #onInvalid: OnInvalidValue
  readonly #documents = new Map<string, string>()
  /** Texts that are not written yet, the last one of each key; an empty text removes. */
  readonly #pending = new Map<string, string>()
  readonly #listeners: DocumentListener[] = []
  #client: RedisClient | undefined
  #isSending = false
  /** The last change that was read; -1 before all documents were. */
  #change = -1

  constructor(keys: SiteKeys, onInvalid: OnInvalidValue) {
    this.#keys = keys
    this.#onInvalid = onInvalid
  }

  use(client: RedisClient | undefined): void {
    this.#client = client
    void this.#send()
  }

  entries(): Iterable<readonly [string, string]> {
    return this.#documents
  }

  get(key: string): string | undefined {
    return this.#documents.get(key)
  }

  put(key: string, document: string): void {
    this.#documents.set(key, document)
    this.#pending.set(key, document)
    void this.#send()
  }

  remove(key: string): void {
    if (!this.#documents.delete(key)) return
    this.#pending.set(key, '')
    void this.#send()
  }

  onChange(listener: DocumentListener): void {
    this.#listeners.push(listener)
  }

  /** Sends what could not be sent, and reads the changes of the other nodes. Called once a second. */
  async follow(client: RedisClient): Promise<void> {
    void this.#send()
    const [, score] = list(await client.call('zrevrange', [this.#keys.documentChanges, 0, 0, 'WITHSCORES']))
    const last = Math.max(0, Number(text(score) || 0))
    if (!(last < CHANGE_END)) {
      // No node wrote it, and it would hide every later change. The next poll reads those.
      this.#onInvalid('documents', 'a change with an invalid number')
      await client.call('zremrangebyscore', [this.#keys.documentChanges, CHANGE_END, '+inf'])
      return
    }
    const isLost = last < this.#change
    if (this.#change < 0 || isLost) await this.#readAll(client)
    else if (last > this.#change) await this.#readChanges(client, last)
    this.#change = last
    // Redis lost documents that this node still has.
    if (isLost)
      for (const [key, document] of this.#documents)
        this.#pending.set(key, this.#pending.get(key) ?? document)
  }

  async #send(): Promise<void> {
    const client = this.#client
    if (client === undefined || this.#isSending) return
    this.#isSending = true
    try {
      while (this.#pending.size > 0 && client === this.#client) {
        const sent = [...this.#pending].slice(0, COMMAND_MAX)
        await client.run(
          scripts.putDocuments,
          [this.#keys.documents, this.#keys.documentChanges],
          sent.flat(),
        )
        // Texts that were put meanwhile stay.
        for (const [key, document] of sent) if (this.#pending.get(key) === document) this.#pending.delete(key)
      }
    } catch {
      // Retried at the next poll, and with the next connection.
    } finally {
      this.#isSending = false
    }
  }

  async #readAll(client: RedisClient): Promise<void> {
    const keys = list(await client.call('hkeys', [this.#keys.documents])).map((key) => text(key))
    for (let at = 0; at < keys.length; at += COMMAND_MAX)
      await this.#read(client, keys.slice(at, at + COMMAND_MAX))
  }

  async #readChanges(client: RedisClient, last: number): Promise<void> {
    const range = [
      this.#keys.documentChanges,
      `(${this.#change}`,
      CHANGE_MAX,
      'WITHSCORES',
      'LIMIT',
      0,
      COMMAND_MAX,
    ]
    while (this.#change < last) {
      const changed = list(await client.call('zrangebyscore', range))
      if (changed.length === 0) break
      await this.#read(
        client,
        changed.filter((_, index) => index % 2 === 0).map((key) => text(key)),
      )
      this.#change = Number(text(changed.at(-1)))
      range[1] = `(${this.#change}`
    }
  }

  async #read(client: RedisClient, keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return
    const values = list(await client.call('hmget', [this.#keys.documents, ...keys]))
    for (const [index, key] of keys.entries()) {
      // A newer text of this node is on its way.
      if (this.#pending.has(key)) continue
      const value = values[index]
      const document = Buffer.isBuffer(value) ? value.toString() : undefined
      if (document === this.#documents.get(key)) continue
      if (document === '') this.#onInvalid('documents', `${key}: empty`)
      else this.#apply(key, document)
    }
  }

  #apply(key: string, document: string | undefined): void {
    if (document === undefined) this.#documents.delete(key)
    else this.#documents.set(key, document)
    for (const listener of this.#listeners) listener(key, document)
  }

  /** Resolves when all texts are written, or the signal is aborted. */
  async drained(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && this.#pending.size > 0 && this.#client !== undefined) {
      await this.#send()
      await new Promise((resolve) => setTimeout(resolve, DRAIN_POLL_MS))
    }
  }
}

const DRAIN_POLL_MS = 5
