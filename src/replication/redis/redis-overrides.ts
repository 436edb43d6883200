/**
 * Overrides of the site in Redis, and in a file of this node: the node follows them while Redis is down, also when it
 * starts then, and restores them should Redis lose them.
 */
import type { OverrideFile } from '../override-file.ts'
import { type Override, readOverride, writeOverride } from '../overrides.ts'
import type { OverrideShare, OverrideStore } from '../site-store.ts'
import { list, type RedisClient, text } from './client.ts'
import type { OnInvalidValue } from './invalid-values.ts'
import type { SiteKeys } from './keys.ts'
import { scripts } from './scripts.ts'

const VERSION_FIELD = 'version'
/** Of a version that no node has: the next poll reads all. */
const UNKNOWN = ''

export class RedisOverrides implements OverrideStore {
  readonly #keys: SiteKeys
  readonly #file: OverrideFile
  readonly #onInvalid: OnInvalidValue
  #client: RedisClient | undefined
  #followed = UNKNOWN

  constructor(keys: SiteKeys, file: OverrideFile, onInvalid: OnInvalidValue) {
    this.#keys = keys
    this.#file = file
    this.#onInvalid = onInvalid
  }

  get current(): OverrideStore['current'] {
    return this.#file.current
  }

  onChange(listener: (changed: readonly Override[]) => void): void {
    this.#file.onChange(listener)
  }

  use(client: RedisClient | undefined): void {
    this.#client = client
    // Redis may have lost its data.
    if (client === undefined) this.#followed = UNKNOWN
  }

  async put(override: Override): Promise<OverrideShare> {
    const kept = this.#file.put(override)
    const client = this.#client
    try {
      if (client === undefined) return 'local'
      await this.#upload(client, override)
      return 'shared'
    } catch {
      this.#followed = UNKNOWN
      return 'local'
    } finally {
      await kept
    }
  }

  isBehind(version: string): boolean {
    return version !== this.#followed
  }

  /** Takes what is later in Redis, and uploads what is later here. */
  async follow(client: RedisClient, version: string): Promise<void> {
    const stored = await this.#read(client)
    await this.#file.merge(stored)
    const storedTimes = new Map(stored.map((override) => [writeOverride(override).key, override.atMs]))
    const missing = this.current.all.filter(
      (override) => (storedTimes.get(writeOverride(override).key) ?? -1) < override.atMs,
    )
    for (const override of missing) await this.#upload(client, override)
    this.#followed = version
  }

  async #upload(client: RedisClient, override: Override): Promise<void> {
    const { key, value } = writeOverride(override)
    await client.run(scripts.putOverride, [this.#keys.overrides], [key, override.atMs, value])
  }

  /** In two steps, because ioredis turns the reply of HGETALL into an object. */
  async #read(client: RedisClient): Promise<readonly Override[]> {
    const { overrides } = this.#keys
    const fields = list(await client.call('hkeys', [overrides]))
      .map(text)
      .filter((field) => field !== VERSION_FIELD)
    if (fields.length === 0) return []
    const values = list(await client.call('hmget', [overrides, ...fields])).map(text)
    return fields.flatMap((key, index) => {
      const [, atMs, value = ''] = /^(\d{1,15}) (\S+)$/.exec(values[index] ?? '') ?? []
      const override = readOverride({ key, value }, Number(atMs))
      if (override === undefined) this.#onInvalid('overrides', key.slice(0, 80))
      return override ?? []
    })
  }
}
