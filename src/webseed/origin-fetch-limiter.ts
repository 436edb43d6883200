/**
 * Who may fetch from an origin, and how much: one host for each site and torrent, until its site has a copy.
 *
 * A web seed that serves everybody makes every host of a site fetch what its neighbour fetches too. So one host
 * fetches and the others wait; the gateway comes first, since it is who fetches from other sites and whom the others
 * are connected to. Who waits takes over when that host falls silent.
 *
 * The nodes of a site agree through a lease, the same kind that makes gateways. The budget is each node's own, which
 * is why the torrents name one node of a site for each (registry/node-url.ts).
 */
import { createHash } from 'node:crypto'
import { type Address, addressToBytes } from '../core/address.ts'
import { assert } from '../core/assert.ts'
import type { Clock } from '../core/clock.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { OriginMetrics } from '../core/origin-metrics.ts'
import type { GatewayLeases, LeaseRequest } from '../replication/site-store.ts'

/** What the swarm table knows of a torrent at a site. */
export interface SiteView {
  /** Whether a complete copy is there. */
  readonly isWarm: boolean
  /** Those that fetch for it from other sites. */
  readonly gateways: readonly Address[]
}

/** A torrent at a site. */
export interface OriginSubject {
  /** Its first, which names it here. */
  readonly infoHash: Buffer
  readonly sizeBytes: number
  readonly siteName: string
  readonly siteIndex: number
}

export interface FetchLimits {
  /**
   * Copies of a torrent that the host which fetches for a site may have. A little above one: what broken connections
   * lose is fetched again.
   */
  readonly copiesPerSite: number
  /** Requests of one site for one torrent that are answered at the same time. */
  readonly requestsPerSite: number
}

/**
 * How long others wait for a gateway that does not ask, since it may be a client without web seeds. libtorrent
 * looks at its web seeds once a second; aria2 asks before its tracker has answered.
 */
const GATEWAY_GRACE_MS = 3_000

/** A host that asks for nothing as long as this fetches no more. Transmission looks at its web seeds every 2 s. */
const HOLDER_SILENCE_MS = 10_000

/**
 * A site that has used up its budget and still has no copy may try again after this: then its hosts lost what they
 * had. Content that is not what the torrent says costs all the takeovers every half hour at worst.
 */
const RENEWAL_MS = 30 * 60_000

/**
 * A host that falls silent halfway takes along what it had, so whoever takes over has a budget of its own: a new
 * gateway costs up to a copy. So often within the time of `RENEWAL_MS`, and no oftener: then something else is wrong.
 */
const TAKEOVERS_MAX = 2

/**
 * What a site may fetch beyond its copies: a connection that breaks leaves up to a megabyte in buffers that no client
 * ever reads (0.7 MB on loopback), and of a small torrent that would be all there is.
 */
const SLACK_BYTES = 4 * 1024 * 1024

/** How often a lease is prolonged: it outlives two attempts that came to nothing. */
const RENEW_EVERY_MS = 3_000

/** How often entries that are over are looked for. */
const SWEEP_EVERY_MS = 60_000

/** When a refused client may ask again; a site stays warm for as long as somebody there seeds. */
const WARM_RETRY_SECONDS = 600

export type FetchDecision =
  | { readonly kind: 'granted'; readonly grant: Grant }
  | { readonly kind: 'wait' }
  | { readonly kind: 'refused'; readonly why: 'warm' | 'budget'; readonly retryAfterSeconds: number }

export interface Grant {
  /** Counts bytes that came from the origin. False once the budget is used up: the answer has to end there. */
  take(bytes: number): boolean
  /** Exactly once, when the answer is over. */
  release(): void
}

interface FetchState {
  /** The host that fetches, as far as this node knows. */
  holder: Address | undefined
  /** Its requests that are being answered. */
  open: number
  /** By this holder. */
  usedBytes: number
  takeovers: number
  /** By all holders, and not set against a completed download yet. */
  unsettledBytes: number
  activeAtMs: number
  renewedAtMs: number
  /** Since when somebody waits and nobody fetches. */
  wantedSinceMs: number
  wantedAtMs: number
}

export interface FetchLimiterComponents {
  readonly clock: Clock
  readonly metrics: OriginMetrics
  readonly leases: Pick<GatewayLeases, 'claim' | 'renew'>
  readonly limits: FetchLimits
}

export class OriginFetchLimiter {
  readonly #parts: FetchLimiterComponents
  /** By torrent, and the name of the site: its index may change. */
  readonly #states = new Map<string, FetchState>()
  #sweptAtMs: number

  constructor(parts: FetchLimiterComponents) {
    assert(parts.limits.copiesPerSite >= 1, 'with less than a copy no site ever has one')
    assert(parts.limits.requestsPerSite >= 1, 'without a request nothing is fetched')
    this.#parts = parts
    this.#sweptAtMs = parts.clock.nowMs()
  }

  /** Sites and torrents that something is remembered of. */
  get size(): number {
    return this.#states.size
  }

  /** What a request that asks now would hear; whoever waits asks again. Never rejects. */
  async request(subject: OriginSubject, address: Address, view: SiteView): Promise<FetchDecision> {
    const nowMs = this.#parts.clock.nowMs()
    this.#sweep(nowMs)
    if (view.isWarm) return { kind: 'refused', why: 'warm', retryAfterSeconds: WARM_RETRY_SECONDS }
    const fetching = this.#of(subject, nowMs)
    if (this.#isHeld(fetching, nowMs)) return this.#asHolder(fetching, subject, address)
    if (
      !fetching.holder?.equals(address) &&
      fetching.takeovers >= TAKEOVERS_MAX &&
      this.#isSpent(fetching, subject)
    )
      return this.#spent(fetching)
    const isGateway = view.gateways.some((gateway) => gateway.equals(address))
    if (!isGateway && !this.#isGraceOver(fetching, nowMs)) return { kind: 'wait' }
    const answer = await this.#parts.leases.claim(leaseOf(subject, address))
    if (answer === 'denied') return { kind: 'wait' }
    // Meanwhile this node may have let somebody else fetch: where nobody could be asked, each is told "alone".
    if (!this.#isHeld(fetching, nowMs)) this.#change(fetching, address, nowMs)
    return this.#asHolder(fetching, subject, address)
  }

  /** A download was completed at a site: what of it did not come from the origin was saved. */
  completed(subject: OriginSubject): void {
    const fetching = this.#states.get(keyOf(subject))
    const fetchedBytes = Math.min(fetching?.unsettledBytes ?? 0, subject.sizeBytes)
    if (fetching !== undefined) fetching.unsettledBytes -= fetchedBytes
    this.#parts.metrics.originSaved(subject.siteIndex, subject.sizeBytes - fetchedBytes)
  }

  #isHeld({ holder, open, activeAtMs }: FetchState, nowMs: number): boolean {
    return holder !== undefined && (open > 0 || nowMs - activeAtMs < HOLDER_SILENCE_MS)
  }

  #change(fetching: FetchState, holder: Address, nowMs: number): void {
    const isTakeover = fetching.holder !== undefined && !fetching.holder.equals(holder)
    if (isTakeover && fetching.takeovers < TAKEOVERS_MAX) {
      fetching.takeovers++
      fetching.usedBytes = 0
    }
    fetching.holder = holder
    fetching.renewedAtMs = nowMs
  }

  #asHolder(fetching: FetchState, subject: OriginSubject, address: Address): FetchDecision {
    if (fetching.holder?.equals(address) !== true) return { kind: 'wait' }
    if (this.#isSpent(fetching, subject)) return this.#spent(fetching)
    if (fetching.open >= this.#parts.limits.requestsPerSite) return { kind: 'wait' }
    return { kind: 'granted', grant: this.#grant(fetching, subject, address) }
  }

  #isSpent(fetching: FetchState, subject: OriginSubject): boolean {
    return fetching.usedBytes >= this.#budgetBytes(subject)
  }

  #spent({ activeAtMs }: FetchState): FetchDecision {
    const leftMs = Math.max(activeAtMs + RENEWAL_MS - this.#parts.clock.nowMs(), 0)
    return { kind: 'refused', why: 'budget', retryAfterSeconds: Math.ceil(leftMs / 1000) }
  }

  #isGraceOver(fetching: FetchState, nowMs: number): boolean {
    // Nobody asked for a while: the wait begins anew.
    if (nowMs - fetching.wantedAtMs > GATEWAY_GRACE_MS) fetching.wantedSinceMs = nowMs
    fetching.wantedAtMs = nowMs
    return nowMs - fetching.wantedSinceMs >= GATEWAY_GRACE_MS
  }

  #grant(fetching: FetchState, subject: OriginSubject, address: Address): Grant {
    const { clock, metrics, leases } = this.#parts
    const budgetBytes = this.#budgetBytes(subject)
    fetching.open++
    fetching.activeAtMs = clock.nowMs()
    return {
      take: (bytes) => {
        const nowMs = clock.nowMs()
        fetching.usedBytes += bytes
        fetching.unsettledBytes += bytes
        fetching.activeAtMs = nowMs
        metrics.originBytes(subject.siteIndex, bytes)
        if (nowMs - fetching.renewedAtMs >= RENEW_EVERY_MS) {
          fetching.renewedAtMs = nowMs
          leases.renew(leaseOf(subject, address))
        }
        return fetching.usedBytes <= budgetBytes
      },
      release: () => {
        fetching.open--
        fetching.activeAtMs = clock.nowMs()
      },
    }
  }

  #budgetBytes({ sizeBytes }: OriginSubject): number {
    return Math.ceil(sizeBytes * this.#parts.limits.copiesPerSite) + SLACK_BYTES
  }

  #of(subject: OriginSubject, nowMs: number): FetchState {
    const key = keyOf(subject)
    let fetching = this.#states.get(key)
    if (fetching === undefined || isOver(fetching, nowMs)) {
      fetching = {
        holder: undefined,
        open: 0,
        usedBytes: 0,
        takeovers: 0,
        unsettledBytes: 0,
        activeAtMs: nowMs,
        renewedAtMs: nowMs,
        wantedSinceMs: nowMs,
        wantedAtMs: nowMs,
      }
      this.#states.set(key, fetching)
    }
    return fetching
  }

  /** Forgets, and so renews the budget of, whoever has fetched nothing for long. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_EVERY_MS && nowMs >= this.#sweptAtMs) return
    this.#sweptAtMs = nowMs
    for (const [key, fetching] of this.#states) if (isOver(fetching, nowMs)) this.#states.delete(key)
  }
}

function isOver({ open, activeAtMs }: FetchState, nowMs: number): boolean {
  return open === 0 && nowMs - activeAtMs >= RENEWAL_MS
}

function keyOf({ infoHash, siteName }: Pick<OriginSubject, 'infoHash' | 'siteName'>): string {
  return `${infoHashKey(infoHash)} ${siteName}`
}

/** Beside the lease of the gateway, and never taken for it: another torrent that nobody has. */
function leaseOf({ infoHash, siteName }: OriginSubject, address: Address): LeaseRequest {
  return {
    infoHash: createHash('sha1').update('origin').update(infoHash).digest(),
    site: siteName,
    // The host and not one of its clients: no port.
    peer: Buffer.concat([addressToBytes(address), Buffer.alloc(2)]),
    lifetimeMs: HOLDER_SILENCE_MS,
    holdersMax: 1,
  }
}
