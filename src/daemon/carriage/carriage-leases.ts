/**
 * The torrents that this node carries, among the carrying nodes of its site. Each torrent is carried by one node, which
 * holds a lease of it in the store: two nodes with different views of each other would fetch it twice.
 *
 * A node keeps its torrents while the store is down, and takes no further ones.
 */
import { infoHashKey } from '../../core/info-hash.ts'
import type { SiteCarriers } from '../../replication/site-carriers.ts'
import type { GatewayLeases, LeaseAnswer } from '../../replication/site-store.ts'

/** Within this time another node takes over from one that is gone; see also `SiteCarriers`. */
const LEASE_MS = 3_000
export const RENEW_MS = 1_000
/** All clients of a node are scanned more often. */
const WANTED_RENEWALS = 10
/** In place of the name of a site in the key of a lease. No site has this name: it begins with a hyphen. */
const LEASE_NAME = '-carrier'

export interface CarriageLeasesInit {
  readonly carriers: SiteCarriers
  readonly leases: GatewayLeases
  readonly nodeId: Buffer
  /** The node carries the torrent from now on, or does not any more. */
  readonly onChange: (infoHash: Buffer, isHeld: boolean) => void
}

/** `here`: this node carries it. `elsewhere`: another node of the site does, or is about to. */
export type CarriedAt = 'here' | 'elsewhere'

interface RefusedClaim {
  readonly infoHash: Buffer
  readonly answer: Exclude<LeaseAnswer, 'granted'>
  /** Renewals until it is forgotten, unless it is asked for again. */
  renewalsLeft: number
}

export class CarriageLeases {
  readonly #init: CarriageLeasesInit
  readonly #held = new Map<string, Buffer>()
  /** Claims that are not answered yet. */
  readonly #claiming = new Set<string>()
  /** Torrents whose last claim was not granted. They are claimed again with each renewal, while they are asked for. */
  readonly #refused = new Map<string, RefusedClaim>()

  constructor(init: CarriageLeasesInit) {
    this.#init = init
  }

  get held(): Iterable<Buffer> {
    return [...this.#held.values()]
  }

  isHeld(infoHash: Buffer): boolean {
    return this.#held.has(infoHashKey(infoHash))
  }

  /** Where the torrent is carried; claims it for this node where it belongs here. undefined: nowhere. */
  take(infoHash: Buffer): CarriedAt | undefined {
    if (this.where(infoHash) === 'unclaimed') this.#claim(infoHash)
    const refused = this.#refused.get(infoHashKey(infoHash))
    if (refused !== undefined) refused.renewalsLeft = WANTED_RENEWALS
    const where = this.where(infoHash)
    return where === 'unclaimed' ? 'elsewhere' : where
  }

  /** The same without a claim. `unclaimed`: it belongs to this node. */
  where(infoHash: Buffer): CarriedAt | 'unclaimed' | undefined {
    const { carriers } = this.#init
    const key = infoHashKey(infoHash)
    if (this.#held.has(key)) return 'here'
    if (carriers.ownerOf(infoHash) !== undefined) return 'elsewhere'
    const candidate = carriers.candidateFor(infoHash)
    if (candidate === undefined) return undefined
    if (candidate !== 'own') return 'elsewhere'
    const refused = this.#refused.get(key)
    if (refused !== undefined) return refused.answer === 'denied' ? 'elsewhere' : undefined
    return 'unclaimed'
  }

  release(infoHash: Buffer): void {
    const own = this.#held.get(infoHashKey(infoHash))
    if (own === undefined) return
    this.#held.delete(infoHashKey(infoHash))
    this.#init.leases.release(this.#lease(own))
    this.#init.onChange(own, false)
  }

  releaseAll(): void {
    for (const infoHash of this.held) this.release(infoHash)
  }

  /** Called at intervals of `RENEW_MS`. */
  renew(): void {
    for (const [key, refused] of this.#refused) {
      if (refused.renewalsLeft-- > 0) this.#claim(refused.infoHash)
      else this.#refused.delete(key)
    }
    for (const infoHash of this.held) void this.#renew(infoHash)
  }

  async #renew(infoHash: Buffer): Promise<void> {
    if ((await this.#init.leases.claim(this.#request(infoHash))) !== 'denied') return
    // Another node took it while this one was suspended.
    const key = infoHashKey(infoHash)
    if (!this.#held.delete(key)) return
    this.#refused.set(key, { infoHash, answer: 'denied', renewalsLeft: WANTED_RENEWALS })
    this.#init.onChange(infoHash, false)
  }

  #claim(infoHash: Buffer): void {
    const key = infoHashKey(infoHash)
    if (this.#claiming.has(key)) return
    const own = Buffer.from(infoHash)
    const answer = this.#init.leases.claim(this.#request(own))
    if (typeof answer === 'string') return this.#answered(own, answer)
    this.#claiming.add(key)
    void answer.then((later) => this.#answered(own, later))
  }

  #answered(infoHash: Buffer, answer: LeaseAnswer): void {
    const key = infoHashKey(infoHash)
    this.#claiming.delete(key)
    if (answer !== 'granted') {
      const renewalsLeft = this.#refused.get(key)?.renewalsLeft ?? WANTED_RENEWALS
      this.#refused.set(key, { infoHash, answer, renewalsLeft })
      return
    }
    this.#refused.delete(key)
    this.#held.set(key, infoHash)
    this.#init.onChange(infoHash, true)
  }

  #request(infoHash: Buffer) {
    return { ...this.#lease(infoHash), lifetimeMs: LEASE_MS, holdersMax: 1 }
  }

  #lease(infoHash: Buffer) {
    return { infoHash, site: LEASE_NAME, peer: this.#init.nodeId }
  }
}
