/**
 * Who may fetch from an origin, and how much: one host for each site and torrent, until its site has a copy.
 *
 * A web seed that serves everybody makes every host of a site fetch what its neighbour fetches too. So one host
 * fetches and the others wait; the gateway comes first, since it is who fetches from other sites and whom the others
 * are connected to. Who waits takes over when that host falls silent.
 *
 * Pure but for what it remembers: whoever asks is told yes, wait, or no.
 */
import { assert } from '../core/assert.ts'
import type { Clock } from '../core/clock.ts'
import type { OriginMetrics } from '../core/origin-metrics.ts'

/** What the swarm table knows of a torrent at a site. */
export interface SiteView {
  /** Whether a complete copy is there. */
  readonly isWarm: boolean
  /** Addresses of those that fetch for it from other sites. */
  readonly gateways: readonly string[]
}

export interface OriginAsker {
  /** Of the torrent, over all its infohashes. */
  readonly torrentKey: string
  readonly sizeBytes: number
  readonly siteName: string
  readonly siteIndex: number
  readonly address: string
}

export interface DeskLimits {
  /** Copies of a torrent that one site may fetch. A little above one: what broken connections lose is fetched again. */
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
 * had. What it costs at worst, for content that is not what the torrent says, is the budget every half hour.
 */
const RENEWAL_MS = 30 * 60_000

/** How often entries that are over are looked for. */
const SWEEP_EVERY_MS = 60_000

/** When a refused client may ask again; a site stays warm for as long as somebody there seeds. */
const WARM_RETRY_SECONDS = 600

export type Verdict =
  | { readonly kind: 'granted'; readonly grant: Grant }
  | { readonly kind: 'wait' }
  | { readonly kind: 'refused'; readonly why: 'warm' | 'budget'; readonly retryAfterSeconds: number }

export interface Grant {
  /** Counts bytes that came from the origin. False once the budget is used up: the answer has to end there. */
  take(bytes: number): boolean
  /** Exactly once, when the answer is over. */
  release(): void
}

interface Fetching {
  /** Address of the host that fetches. */
  holder: string | undefined
  /** Its requests that are being answered. */
  open: number
  usedBytes: number
  /** Of `usedBytes`, what no completed download has been set against yet. */
  unsettledBytes: number
  activeAtMs: number
  /** Since when somebody waits and nobody fetches. */
  wantedSinceMs: number
  wantedAtMs: number
}

export class OriginDesk {
  readonly #clock: Clock
  readonly #metrics: OriginMetrics
  readonly #limits: DeskLimits
  /** By torrent, and the name of the site: its index may change. */
  readonly #fetching = new Map<string, Fetching>()
  #sweptAtMs: number

  constructor(parts: {
    readonly clock: Clock
    readonly metrics: OriginMetrics
    readonly limits: DeskLimits
  }) {
    assert(parts.limits.copiesPerSite >= 1, 'with less than a copy no site ever has one')
    assert(parts.limits.requestsPerSite >= 1, 'without a request nothing is fetched')
    this.#clock = parts.clock
    this.#metrics = parts.metrics
    this.#limits = parts.limits
    this.#sweptAtMs = parts.clock.nowMs()
  }

  /** Sites and torrents that something is remembered of. */
  get size(): number {
    return this.#fetching.size
  }

  /** What a request that asks now would hear; whoever waits asks again. */
  ask(asker: OriginAsker, view: SiteView): Verdict {
    const nowMs = this.#clock.nowMs()
    this.#sweep(nowMs)
    if (view.isWarm) return { kind: 'refused', why: 'warm', retryAfterSeconds: WARM_RETRY_SECONDS }
    const fetching = this.#of(asker, nowMs)
    if (fetching.usedBytes >= this.#budgetBytes(asker)) {
      const leftMs = Math.max(fetching.activeAtMs + RENEWAL_MS - nowMs, 0)
      return { kind: 'refused', why: 'budget', retryAfterSeconds: Math.ceil(leftMs / 1000) + 1 }
    }
    if (!this.#mayFetch(fetching, asker, view, nowMs)) return { kind: 'wait' }
    return { kind: 'granted', grant: this.#grant(fetching, asker) }
  }

  /** A download was completed at a site: what of it did not come from the origin was saved. */
  completed(asker: Omit<OriginAsker, 'address'>): void {
    const fetching = this.#fetching.get(keyOf(asker))
    const fetchedBytes = Math.min(fetching?.unsettledBytes ?? 0, asker.sizeBytes)
    if (fetching !== undefined) fetching.unsettledBytes -= fetchedBytes
    this.#metrics.originSaved(asker.siteIndex, asker.sizeBytes - fetchedBytes)
  }

  #mayFetch(fetching: Fetching, asker: OriginAsker, view: SiteView, nowMs: number): boolean {
    const isHeld =
      fetching.holder !== undefined && (fetching.open > 0 || nowMs - fetching.activeAtMs < HOLDER_SILENCE_MS)
    if (isHeld) return fetching.holder === asker.address && fetching.open < this.#limits.requestsPerSite
    if (view.gateways.includes(asker.address)) return true
    // Nobody asked for a while: the wait begins anew.
    if (nowMs - fetching.wantedAtMs > GATEWAY_GRACE_MS) fetching.wantedSinceMs = nowMs
    fetching.wantedAtMs = nowMs
    return nowMs - fetching.wantedSinceMs >= GATEWAY_GRACE_MS
  }

  #grant(fetching: Fetching, asker: OriginAsker): Grant {
    const budgetBytes = this.#budgetBytes(asker)
    fetching.holder = asker.address
    fetching.open++
    fetching.activeAtMs = this.#clock.nowMs()
    return {
      take: (bytes) => {
        fetching.usedBytes += bytes
        fetching.unsettledBytes += bytes
        fetching.activeAtMs = this.#clock.nowMs()
        this.#metrics.originBytes(asker.siteIndex, bytes)
        return fetching.usedBytes <= budgetBytes
      },
      release: () => {
        fetching.open--
        fetching.activeAtMs = this.#clock.nowMs()
      },
    }
  }

  #budgetBytes(asker: OriginAsker): number {
    return Math.ceil(asker.sizeBytes * this.#limits.copiesPerSite)
  }

  #of(asker: OriginAsker, nowMs: number): Fetching {
    const key = keyOf(asker)
    let fetching = this.#fetching.get(key)
    if (fetching === undefined) {
      fetching = {
        holder: undefined,
        open: 0,
        usedBytes: 0,
        unsettledBytes: 0,
        activeAtMs: nowMs,
        wantedSinceMs: nowMs,
        wantedAtMs: nowMs,
      }
      this.#fetching.set(key, fetching)
    }
    return fetching
  }

  /** Forgets, and so renews the budget of, whoever has fetched nothing for long. */
  #sweep(nowMs: number): void {
    if (nowMs - this.#sweptAtMs < SWEEP_EVERY_MS && nowMs >= this.#sweptAtMs) return
    this.#sweptAtMs = nowMs
    for (const [key, { open, activeAtMs }] of this.#fetching)
      if (open === 0 && nowMs - activeAtMs >= RENEWAL_MS) this.#fetching.delete(key)
  }
}

function keyOf({ torrentKey, siteName }: Pick<OriginAsker, 'torrentKey' | 'siteName'>): string {
  return `${torrentKey} ${siteName}`
}
