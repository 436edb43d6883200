/**
 * Limits fetches from an origin to one host for each site and torrent, within a byte budget, until the site has a copy.
 *
 * A web seed that serves every host makes each host of a site fetch the same bytes. Therefore one host fetches and the
 * others wait. The gateway has priority, because it fetches from other sites and the other hosts are connected to it. A
 * waiting host takes over if the fetching one stops sending requests.
 *
 * The nodes of a site agree through a lease, as for gateways. Each node counts the budget by itself, which is why a
 * torrent names one node of a site as its web seed (registry/node-url.ts).
 */
import { createHash } from 'node:crypto'
import { type Address, addressToBytes } from '../core/address.ts'
import { assert } from '../core/assert.ts'
import type { Clock } from '../core/clock.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { OriginMetrics } from '../core/origin-metrics.ts'
import type { GatewayLeases, LeaseRequest } from '../replication/site-store.ts'

/** State of a torrent at a site, from the swarm table. */
export interface SiteView {
  /** True if the site has a complete copy. */
  readonly isWarm: boolean
  /** The hosts that fetch for the site from other sites. */
  readonly gateways: readonly Address[]
}

/** A torrent at a site. */
export interface OriginSubject {
  /** Its first one, which identifies the torrent here. */
  readonly infoHash: Buffer
  readonly sizeBytes: number
  readonly siteName: string
  readonly siteIndex: number
}

export interface FetchLimits {
  /**
   * Copies of a torrent that the fetching host of a site may read. A little above one, because bytes that are lost with
   * broken connections are fetched again.
   */
  readonly copiesPerSite: number
  /** Concurrent requests of one site for one torrent. */
  readonly requestsPerSite: number
}

/**
 * Time for which other hosts wait for a gateway that sends no request, since it may be a client without web seeds.
 * libtorrent polls its web seeds once a second; aria2 sends a request before its tracker has answered.
 */
const GATEWAY_GRACE_MS = 3_000

/** A host that sends no request for this time has stopped fetching. Transmission polls its web seeds every 2 s. */
const HOLDER_SILENCE_MS = 10_000

/**
 * A site that has exhausted its budget and still has no copy gets a new budget after this time: its hosts have lost their
 * data. Content that does not match the torrent costs all the takeovers every half hour at worst.
 */
const BUDGET_RENEWAL_MS = 30 * 60_000

/**
 * A host that stops halfway keeps its part of the content, so the host that takes over gets a budget of its own: a new
 * gateway costs up to a copy. More takeovers within `BUDGET_RENEWAL_MS` have another cause, and get no budget.
 */
const TAKEOVERS_MAX = 2

/**
 * Bytes that a site may fetch beyond its copies: a broken connection leaves up to a megabyte in buffers that no client
 * reads (0.7 MB on loopback), which may be more than a small torrent.
 */
const SLACK_BYTES = 4 * 1024 * 1024

/** Interval between renewals of a lease: the lease outlives two failed renewals. */
const RENEW_INTERVAL_MS = 3_000

/**
 * Rate below which the fetching host loses its place to a host that waits. A client that reads 1 KB every five seconds
 * would otherwise keep its site without content for as long as it likes. 32 KiB/s are 256 kbit/s, far below any link
 * over which a site is supplied.
 */
const RATE_MIN_BYTES_PER_SECOND = 32_768

/** Time over which the rate is measured, so that a pause of a client does not count: libtorrent checks each piece. */
const RATE_WINDOW_MS = 10_000

/** Time for which a host that was too slow does not fetch while others wait. */
const SLOW_HOST_MS = 60_000

const SWEEP_INTERVAL_MS = 60_000

/** Retry delay of a refused client; a site stays warm as long as one of its peers seeds. */
const WARM_RETRY_SECONDS = 600

export type FetchDecision =
  | { readonly kind: 'granted'; readonly grant: Grant }
  | { readonly kind: 'wait' }
  | { readonly kind: 'refused'; readonly reason: 'warm' | 'budget'; readonly retryAfterSeconds: number }

export interface Grant {
  /** Counts bytes that were read from the origin. False once the budget is exhausted: the response has to end there. */
  take(bytes: number): boolean
  /** Called exactly once, at the end of the response. */
  release(): void
  /** Aborted once the host has lost its place: the response has to end. */
  readonly revoked: AbortSignal
}

interface FetchState {
  /** The host that fetches through this node. */
  holder: Address | undefined
  /** Its requests in progress. */
  open: number
  /** Bytes that this holder fetched. */
  usedBytes: number
  takeovers: number
  /** Aborted when the holder loses its place for being too slow. */
  revocation: AbortController
  /** Start of the window in which the rate of the holder is measured, and its bytes at that time. */
  windowAtMs: number
  windowBytes: number
  /** Hosts that were too slow, each with the time until which it counts as such. A window adds one at most. */
  slowHosts: Map<string, number>
  /** Bytes that all holders fetched, and that are not yet subtracted from a completed download. */
  unsettledBytes: number
  activeAtMs: number
  renewedAtMs: number
  /** The first request since which hosts wait and no host fetches. */
  waitingSinceMs: number
  lastWaitedMs: number
}

export interface FetchLimiterComponents {
  readonly clock: Clock
  readonly metrics: OriginMetrics
  readonly leases: Pick<GatewayLeases, 'claim' | 'renew' | 'release'>
  readonly limits: FetchLimits
}

export class OriginFetchLimiter {
  readonly #clock: Clock
  readonly #metrics: OriginMetrics
  readonly #leases: FetchLimiterComponents['leases']
  readonly #limits: FetchLimits
  /** By torrent and name of the site; the index of a site may change. */
  readonly #states = new Map<string, FetchState>()
  #sweptAtMs: number

  constructor({ clock, metrics, leases, limits }: FetchLimiterComponents) {
    assert(limits.copiesPerSite >= 1, 'less than one copy never completes a site')
    assert(limits.requestsPerSite >= 1, 'a limit of 0 requests fetches nothing')
    this.#clock = clock
    this.#metrics = metrics
    this.#leases = leases
    this.#limits = limits
    this.#sweptAtMs = clock.nowMs()
  }

  /** Number of pairs of site and torrent with state. */
  get size(): number {
    return this.#states.size
  }

  /** Decides a request for now; a host that has to wait requests again. Never rejects. */
  async request(subject: OriginSubject, address: Address, view: SiteView): Promise<FetchDecision> {
    const nowMs = this.#clock.nowMs()
    this.#sweep(nowMs)
    if (view.isWarm) return { kind: 'refused', reason: 'warm', retryAfterSeconds: WARM_RETRY_SECONDS }
    const state = this.#stateOf(subject, nowMs)
    if (this.#isHeld(state, nowMs)) {
      if (!this.#isTooSlow(state, address, nowMs)) return this.#decideHeld(state, subject, address)
      this.#revoke(state, subject, nowMs)
    }
    if ((state.slowHosts.get(address.toString()) ?? 0) > nowMs) return { kind: 'wait' }
    if (
      !state.holder?.equals(address) &&
      state.takeovers >= TAKEOVERS_MAX &&
      this.#isExhausted(state, subject)
    )
      return this.#refuseExhausted(state)
    const isGateway = view.gateways.some((gateway) => gateway.equals(address))
    if (!isGateway && !this.#isGraceOver(state, nowMs)) return { kind: 'wait' }
    const answer = await this.#leases.claim(leaseOf(subject, address))
    if (answer === 'denied') return { kind: 'wait' }
    // Meanwhile this node may have granted another host: without a store, each claim is answered with `undecided`.
    if (!this.#isHeld(state, nowMs)) this.#setHolder(state, address, nowMs)
    return this.#decideHeld(state, subject, address)
  }

  /** A peer of a site completed a download: the part of it that was not read from the origin counts as saved. */
  completed(subject: OriginSubject): void {
    const state = this.#states.get(keyOf(subject))
    const fetchedBytes = Math.min(state?.unsettledBytes ?? 0, subject.sizeBytes)
    if (state !== undefined) state.unsettledBytes -= fetchedBytes
    this.#metrics.originSaved(subject.siteIndex, subject.sizeBytes - fetchedBytes)
  }

  #isHeld({ holder, open, activeAtMs }: FetchState, nowMs: number): boolean {
    return holder !== undefined && (open > 0 || nowMs - activeAtMs < HOLDER_SILENCE_MS)
  }

  /** Whether this host waits for a holder that has fetched almost nothing for a while. */
  #isTooSlow(state: FetchState, address: Address, nowMs: number): boolean {
    if (state.holder?.equals(address) !== false) return false
    const elapsedMs = nowMs - state.windowAtMs
    if (elapsedMs < RATE_WINDOW_MS) return false
    // A long window began before hosts waited, and averages over pauses that kept no host waiting.
    const isSlow =
      elapsedMs < 2 * RATE_WINDOW_MS &&
      (state.usedBytes - state.windowBytes) * 1000 < RATE_MIN_BYTES_PER_SECOND * elapsedMs
    state.windowAtMs = nowMs
    state.windowBytes = state.usedBytes
    return isSlow
  }

  #revoke(state: FetchState, subject: OriginSubject, nowMs: number): void {
    const slow = state.holder
    if (slow === undefined) return
    this.#leases.release(leaseOf(subject, slow))
    for (const [host, untilMs] of state.slowHosts) if (untilMs <= nowMs) state.slowHosts.delete(host)
    state.slowHosts.set(slow.toString(), nowMs + SLOW_HOST_MS)
    // No host holds the place; `holder` stays, so that the next one is a takeover.
    state.activeAtMs = nowMs - HOLDER_SILENCE_MS
    state.open = 0
    state.revocation.abort()
    state.revocation = new AbortController()
  }

  #setHolder(state: FetchState, holder: Address, nowMs: number): void {
    const isTakeover = state.holder !== undefined && !state.holder.equals(holder)
    if (isTakeover && state.takeovers < TAKEOVERS_MAX) {
      state.takeovers++
      state.usedBytes = 0
    }
    state.holder = holder
    state.renewedAtMs = nowMs
    state.windowAtMs = nowMs
    state.windowBytes = state.usedBytes
  }

  #decideHeld(state: FetchState, subject: OriginSubject, address: Address): FetchDecision {
    if (state.holder?.equals(address) !== true) return { kind: 'wait' }
    if (this.#isExhausted(state, subject)) return this.#refuseExhausted(state)
    if (state.open >= this.#limits.requestsPerSite) return { kind: 'wait' }
    return { kind: 'granted', grant: this.#grant(state, subject, address) }
  }

  #isExhausted(state: FetchState, subject: OriginSubject): boolean {
    return state.usedBytes >= this.#budgetBytes(subject)
  }

  #refuseExhausted({ activeAtMs }: FetchState): FetchDecision {
    const leftMs = Math.max(activeAtMs + BUDGET_RENEWAL_MS - this.#clock.nowMs(), 0)
    return { kind: 'refused', reason: 'budget', retryAfterSeconds: Math.ceil(leftMs / 1000) }
  }

  #isGraceOver(state: FetchState, nowMs: number): boolean {
    // After a pause without requests, the grace starts again.
    if (nowMs - state.lastWaitedMs > GATEWAY_GRACE_MS) state.waitingSinceMs = nowMs
    state.lastWaitedMs = nowMs
    return nowMs - state.waitingSinceMs >= GATEWAY_GRACE_MS
  }

  #grant(state: FetchState, subject: OriginSubject, address: Address): Grant {
    const budgetBytes = this.#budgetBytes(subject)
    const revoked = state.revocation.signal
    state.open++
    state.activeAtMs = this.#clock.nowMs()
    return {
      revoked,
      take: (bytes) => {
        if (revoked.aborted) return false
        const nowMs = this.#clock.nowMs()
        state.usedBytes += bytes
        state.unsettledBytes += bytes
        state.activeAtMs = nowMs
        this.#metrics.originBytes(subject.siteIndex, bytes)
        if (nowMs - state.renewedAtMs >= RENEW_INTERVAL_MS) {
          state.renewedAtMs = nowMs
          this.#leases.renew(leaseOf(subject, address))
        }
        return state.usedBytes <= budgetBytes
      },
      release: () => {
        if (revoked.aborted) return
        state.open--
        state.activeAtMs = this.#clock.nowMs()
      },
    }
  }

  #budgetBytes({ sizeBytes }: OriginSubject): number {
    return Math.ceil(sizeBytes * this.#limits.copiesPerSite) + SLACK_BYTES
  }

  #stateOf(subject: OriginSubject, nowMs: number): FetchState {
    const key = keyOf(subject)
    let state = this.#states.get(key)
    if (state === undefined || isExpired(state, nowMs)) {
      state = {
        holder: undefined,
        revocation: new AbortController(),
        windowAtMs: nowMs,
        windowBytes: 0,
        slowHosts: new Map(),
        open: 0,
        usedBytes: 0,
        takeovers: 0,
        unsettledBytes: 0,
        activeAtMs: nowMs,
        renewedAtMs: nowMs,
        waitingSinceMs: nowMs,
        lastWaitedMs: nowMs,
      }
      this.#states.set(key, state)
    }
    return state
  }

  /** Drops state without recent fetches, which renews its budget. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_INTERVAL_MS && nowMs >= this.#sweptAtMs) return
    this.#sweptAtMs = nowMs
    for (const [key, state] of this.#states) if (isExpired(state, nowMs)) this.#states.delete(key)
  }
}

function isExpired({ open, activeAtMs }: FetchState, nowMs: number): boolean {
  return open === 0 && nowMs - activeAtMs >= BUDGET_RENEWAL_MS
}

function keyOf({ infoHash, siteName }: Pick<OriginSubject, 'infoHash' | 'siteName'>): string {
  return `${infoHashKey(infoHash)} ${siteName}`
}

/** A hash that no torrent has, so that the lease is separate from the gateway's. */
function leaseOf({ infoHash, siteName }: OriginSubject, address: Address): LeaseRequest {
  return {
    infoHash: createHash('sha1').update('origin').update(infoHash).digest(),
    site: siteName,
    // The port is 0: the lease is for the host, not for one of its clients.
    peer: Buffer.concat([addressToBytes(address), Buffer.alloc(2)]),
    lifetimeMs: HOLDER_SILENCE_MS,
    holdersMax: 1,
  }
}
