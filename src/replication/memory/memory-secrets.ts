/** The secret of UDP connection ids in a site with one node, replaced once a day. */
import type { Clock } from '../../core/clock.ts'
import type { SecretStore } from '../site-store.ts'

const RENEWAL_INTERVAL_MS = 24 * 60 * 60 * 1000

export class MemorySecrets implements SecretStore {
  readonly #clock: Clock
  readonly #newSecret: () => Buffer
  #secrets: readonly Buffer[]
  #changedAtMs: number

  constructor(clock: Clock, newSecret: () => Buffer) {
    this.#clock = clock
    this.#newSecret = newSecret
    this.#secrets = [newSecret()]
    this.#changedAtMs = clock.nowMs()
  }

  current(): readonly Buffer[] {
    const nowMs = this.#clock.nowMs()
    if (Math.abs(nowMs - this.#changedAtMs) >= RENEWAL_INTERVAL_MS) {
      this.#secrets = [this.#newSecret(), ...this.#secrets.slice(0, 1)]
      this.#changedAtMs = nowMs
    }
    return this.#secrets
  }
}
