/**
 * The secret of UDP connection ids, one for all nodes of a site, and renewed by whichever node looks first once its
 * day is over. A node that came while Redis was away goes on accepting what it gave out by its own.
 */
import type { SecretStore } from '../site-store.ts'
import { list, type RedisClient, text } from './client.ts'
import type { SiteKeys } from './keys.ts'
import { scripts } from './scripts.ts'

const RENEW_EVERY_MS = 24 * 60 * 60 * 1000

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

  /** Whether to ask: `changedAt` is what Redis says. */
  isBehind(changedAt: string, siteMs: number): boolean {
    return changedAt !== this.#changedAt || siteMs - Number(changedAt) >= RENEW_EVERY_MS
  }

  async follow(client: RedisClient): Promise<void> {
    const [own] = this.#secrets
    const reply = list(
      await client.run(
        scripts.renewSecret,
        [this.#keys.secrets],
        [own ?? this.#newSecret(), this.#newSecret(), RENEW_EVERY_MS],
      ),
    )
    const [current, previous] = [reply[1], reply[2]] as Buffer[]
    const known = [current, previous, own].filter((each) => each !== undefined && each.length > 0) as Buffer[]
    this.#secrets = known.filter((each, index) => known.findIndex((other) => other.equals(each)) === index)
    this.#changedAt = text(reply[0])
  }
}
