/**
 * Connection ids under secrets that change once a day, the same for all nodes of a site: the newest signs, and each of
 * them proves.
 *
 * A forged datagram costs as many hashes as there are secrets times minutes. So an older secret counts only as long
 * as an id that was signed with it can be alive.
 */
import type { Address } from '../../core/address.ts'
import type { Clock } from '../../core/clock.ts'
import type { SecretStore } from '../../replication/site-store.ts'
import { ConnectionIds } from '../../wire/udp/connection-id.ts'

/** An id lives for up to 4 minutes; nodes may hear of a new secret some seconds apart. */
const OLDER_COUNT_MS = 300_000

export class ConnectionIdRing {
  readonly #source: SecretStore
  readonly #clock: Clock
  #secrets: readonly Buffer[] = []
  #ids: readonly ConnectionIds[] = []
  #changedAtMs = 0

  constructor(source: SecretStore, clock: Clock) {
    this.#source = source
    this.#clock = clock
  }

  /** The 8 bytes for this address and this minute. */
  issue(address: Address): Buffer {
    return (this.#current()[0] as ConnectionIds).issue(address)
  }

  /** Whether the request, of at least 8 bytes, begins with an id that a node of the site sent to this address lately. */
  verify(request: Buffer, address: Address): boolean {
    for (const ids of this.#current()) if (ids.verify(request, address)) return true
    return false
  }

  #current(): readonly ConnectionIds[] {
    const secrets = this.#source.current()
    const nowMs = this.#clock.nowMs()
    if (secrets !== this.#secrets && !isSame(secrets, this.#secrets)) {
      this.#secrets = secrets
      this.#ids = secrets.map((secret) => new ConnectionIds(secret, this.#clock))
      this.#changedAtMs = nowMs
    } else if (this.#ids.length > 1 && Math.abs(nowMs - this.#changedAtMs) > OLDER_COUNT_MS) {
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
