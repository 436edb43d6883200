/**
 * Connection ids under secrets that change once a day and are the same for all nodes of a site. The newest secret signs;
 * ids under each of them are verified.
 *
 * A forged datagram costs one hash for each secret and minute. An older secret is therefore dropped as soon as no id that
 * was signed with it can be valid.
 */
import type { Address } from '../../core/address.ts'
import type { Clock } from '../../core/clock.ts'
import type { SecretStore } from '../../replication/site-store.ts'
import { ConnectionIds } from '../../wire/udp/connection-id.ts'

/** An id is valid for up to 4 minutes, and nodes may receive a new secret some seconds apart. */
const OLDER_SECRETS_MS = 300_000

export class ConnectionIdRing {
  readonly #store: SecretStore
  readonly #clock: Clock
  #secrets: readonly Buffer[] = []
  #ids: readonly ConnectionIds[] = []
  #changedAtMs = 0

  constructor(store: SecretStore, clock: Clock) {
    this.#store = store
    this.#clock = clock
  }

  /** The 8 bytes for this address and this minute. */
  issue(address: Address): Buffer {
    return (this.#current()[0] as ConnectionIds).issue(address)
  }

  /** True if the request, of at least 8 bytes, begins with an id that a node of the site sent to this address recently. */
  verify(request: Buffer, address: Address): boolean {
    for (const ids of this.#current()) if (ids.verify(request, address)) return true
    return false
  }

  #current(): readonly ConnectionIds[] {
    const secrets = this.#store.current()
    const nowMs = this.#clock.nowMs()
    if (secrets !== this.#secrets && !isSame(secrets, this.#secrets)) {
      this.#secrets = secrets
      this.#ids = secrets.map((secret) => new ConnectionIds(secret, this.#clock))
      this.#changedAtMs = nowMs
    } else if (this.#ids.length > 1 && Math.abs(nowMs - this.#changedAtMs) > OLDER_SECRETS_MS) {
      this.#ids = this.#ids.slice(0, 1)
    }
    return this.#ids
  }
}

function isSame(some: readonly Buffer[], others: readonly Buffer[]): boolean {
  return (
    some.length === others.length && some.every((secret, index) => secret.equals(others[index] as Buffer))
  )
}
