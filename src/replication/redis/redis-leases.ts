/**
 * Leases in Redis: one script decides, so that the claims of two nodes in the same millisecond cannot both be granted.
 *
 * An announce waits for a claim, so the wait is bounded: after one claim without a response in time, further claims
 * are answered `undecided` at once, until Redis responds again.
 */
import { CLAIM_DEADLINE_MS, type GatewayLeases, type LeaseAnswer, type LeaseRequest } from '../site-store.ts'
import { DeadlineMissed, type RedisClient, within } from './client.ts'
import type { SiteKeys } from './keys.ts'
import { scripts } from './scripts.ts'

/** Renewals that are kept during an outage. Gateways are few; beyond this number the log alone decides. */
const DEFERRED_MAX = 10_000

export class RedisLeases implements GatewayLeases {
  readonly #keys: SiteKeys
  #client: RedisClient | undefined
  #isUnresponsive = false
  /** Renewals during an outage, by key and peer. */
  readonly #deferred = new Map<string, LeaseRequest>()

  constructor(keys: SiteKeys) {
    this.#keys = keys
  }

  /** Loads the script into the server, which would cost the first claim a second round trip. */
  async prepare(client: RedisClient): Promise<void> {
    const placeholder = Buffer.alloc(20)
    // The largest number of holders is 0, so nothing is written.
    await client.run(scripts.claimLease, [this.#keys.lease(placeholder, '-')], [placeholder, 1, 0])
  }

  /** undefined while Redis is down. */
  use(client: RedisClient | undefined): void {
    this.#client = client
    this.#isUnresponsive = false
    if (client === undefined) return
    const deferred = [...this.#deferred.values()]
    this.#deferred.clear()
    for (const request of deferred) this.renew(request)
  }

  /** Redis answered another command in time. */
  markResponsive(): void {
    this.#isUnresponsive = false
  }

  claim(request: LeaseRequest): LeaseAnswer | Promise<LeaseAnswer> {
    const client = this.#client
    return client === undefined || this.#isUnresponsive ? 'undecided' : this.#claim(client, request)
  }

  async #claim(client: RedisClient, request: LeaseRequest): Promise<LeaseAnswer> {
    try {
      return await within(CLAIM_DEADLINE_MS, this.#request(client, request))
    } catch {
      this.#isUnresponsive = true
      return 'undecided'
    }
  }

  renew(request: LeaseRequest): void {
    const client = this.#client
    if (client === undefined || this.#isUnresponsive) this.#defer(request)
    else void this.#request(client, request).then((answer) => answer === 'undecided' && this.#defer(request))
  }

  release({ infoHash, site, peer }: Pick<LeaseRequest, 'infoHash' | 'site' | 'peer'>): void {
    this.#deferred.delete(this.#nameOf({ infoHash, site, peer }))
    // Other nodes get the release from the log; in Redis the lease expires, should the command fail.
    this.#client?.call('zrem', [this.#keys.lease(infoHash, site), peer]).catch(() => undefined)
  }

  /** Never rejects. The late response to a claim also proves that Redis is available again. */
  async #request(client: RedisClient, request: LeaseRequest): Promise<LeaseAnswer> {
    const { infoHash, site, peer, lifetimeMs, holdersMax } = request
    const key = this.#keys.lease(infoHash, site)
    try {
      const granted = await client.run(scripts.claimLease, [key], [peer, Math.ceil(lifetimeMs), holdersMax])
      if (client === this.#client) this.#isUnresponsive = false
      return granted === 1 ? 'granted' : 'denied'
    } catch (error) {
      if (error instanceof DeadlineMissed) this.#isUnresponsive = true
      return 'undecided'
    }
  }

  #defer(request: LeaseRequest): void {
    const name = this.#nameOf(request)
    if (this.#deferred.size < DEFERRED_MAX || this.#deferred.has(name)) this.#deferred.set(name, request)
  }

  #nameOf({ infoHash, site, peer }: Pick<LeaseRequest, 'infoHash' | 'site' | 'peer'>): string {
    return `${this.#keys.lease(infoHash, site)}:${peer.toString('hex')}`
  }
}
