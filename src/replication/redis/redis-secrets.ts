/**
 * The secret of UDP connection ids, one for all nodes of a site. After a day, the first node that polls renews it. A node
 * that started while Redis was down continues to accept the connection ids that it issued with its own secret.
 */
import type { SecretStore } from '../site-store.ts'
import { list, type RedisClient, text } from './client.ts'
import type { SiteKeys } from './keys.ts'
import { scripts } from './scripts.ts'

/** The length of every secret; the script replaces others. */
const SECRET_BYTES = 32

const RENEWAL_INTERVAL_MS = 24 * 60 * 60 * 1000

export class RedisSecrets implements SecretStore {
  readonly #keys: SiteKeys
  readonly #newSecret: () => Buffer
  #secrets: readonly Buffer[]
  #changedAt = ''

  constructor(keys: SiteKeys, newSecret: () => Buffer) {
    this.#keys = keys
    this.#newSecret = newSecret
    this.#secrets = [newSecret()]
  }

  current(): readonly Buffer[] {
    return this.#secrets
  }

  /** True where the secret must be read: `changedAt` is that of the last poll. */
  isBehind(changedAt: string, siteMs: number): boolean {
    return changedAt !== this.#changedAt || !(siteMs - Number(changedAt) < RENEWAL_INTERVAL_MS)
  }

  async follow(client: RedisClient): Promise<void> {
    const [own] = this.#secrets
    const reply = list(
      await client.run(
        scripts.renewSecret,
        [this.#keys.secrets],
        [own ?? this.#newSecret(), this.#newSecret(), RENEWAL_INTERVAL_MS],
      ),
    )
    const known = [reply[1], reply[2], own].filter(
      (each): each is Buffer => Buffer.isBuffer(each) && each.length === SECRET_BYTES,
    )
    this.#secrets = known.filter((each, index) => known.findIndex((other) => other.equals(each)) === index)
    this.#changedAt = text(reply[0])
  }
}
