/**
 * Leases in Redis: one script decides, so two nodes that ask in the same millisecond cannot both be told yes.
 *
 * An announce waits for this, so it never waits long: after one claim without an answer in time, the next ones are
 * answered `alone` at once, until Redis has answered something again.
 */
import { CLAIM_DEADLINE_MS, type GatewayLeases, type LeaseAnswer, type LeaseRequest } from '../site-store.ts'
import { DeadlineMissed, type RedisClient, within } from './client.ts'
import type { SiteKeys } from './keys.ts'
import { scripts } from './scripts.ts'

/** Leases that wait to be taken back after an outage. Gateways are few; beyond that they are decided by the log alone. */
const OWED_MAX = 10_000

export class RedisLeases implements GatewayLeases {
  readonly #keys: SiteKeys
  #client: RedisClient | undefined
  #isSuspect = false
  /** What was renewed while nobody could be told, by key and peer. */
  readonly #owed = new Map<string, LeaseRequest>()

  constructor(keys: SiteKeys) {
    this.#keys = keys
  }

  /** Teaches the server the script, which would cost the first claim a second round trip. */
  async prepare(client: RedisClient): Promise<void> {
    const nobody = Buffer.alloc(20)
    // Nobody may hold it, so nothing is written.
    await client.run(scripts.claimLease, [this.#keys.lease(nobody, '-')], [nobody, 1, 0])
  }

  /** undefined: nobody can be asked. */
  use(client: RedisClient | undefined): void {
    this.#client = client
    this.#isSuspect = false
    if (client === undefined) return
    const owed = [...this.#owed.values()]
    this.#owed.clear()
    for (const request of owed) this.renew(request)
  }

  /** Redis answered something else in time. */
  trust(): void {
    this.#isSuspect = false
  }

  claim(request: LeaseRequest): LeaseAnswer | Promise<LeaseAnswer> {
    const client = this.#client
    return client === undefined || this.#isSuspect ? 'alone' : this.#claim(client, request)
  }

  async #claim(client: RedisClient, request: LeaseRequest): Promise<LeaseAnswer> {
    try {
      return await within(CLAIM_DEADLINE_MS, this.#ask(client, request))
    } catch {
      this.#isSuspect = true
      return 'alone'
    }
  }

  renew(request: LeaseRequest): void {
    const client = this.#client
    if (client === undefined || this.#isSuspect) this.#owe(request)
    else void this.#ask(client, request).then((answer) => answer === 'alone' && this.#owe(request))
  }

  release({ infoHash, site, peer }: Pick<LeaseRequest, 'infoHash' | 'site' | 'peer'>): void {
    this.#owed.delete(this.#nameOf({ infoHash, site, peer }))
    // Who cannot be told now hears it from the log; in Redis the lease ends by itself.
    this.#client?.call('zrem', [this.#keys.lease(infoHash, site), peer]).catch(() => undefined)
  }

  /** Never rejects. The late answer to a claim says that Redis is there again. */
  async #ask(client: RedisClient, request: LeaseRequest): Promise<LeaseAnswer> {
    const { infoHash, site, peer, lifetimeMs, holdersMax } = request
    const key = this.#keys.lease(infoHash, site)
    try {
      const granted = await client.run(scripts.claimLease, [key], [peer, Math.ceil(lifetimeMs), holdersMax])
      if (client === this.#client) this.#isSuspect = false
      return granted === 1 ? 'granted' : 'taken'
    } catch (error) {
      if (error instanceof DeadlineMissed) this.#isSuspect = true
      return 'alone'
    }
  }

  #owe(request: LeaseRequest): void {
    const name = this.#nameOf(request)
    if (this.#owed.size < OWED_MAX || this.#owed.has(name)) this.#owed.set(name, request)
  }

  #nameOf({ infoHash, site, peer }: Pick<LeaseRequest, 'infoHash' | 'site' | 'peer'>): string {
    return `${this.#keys.lease(infoHash, site)}:${peer.toString('hex')}`
  }
}
