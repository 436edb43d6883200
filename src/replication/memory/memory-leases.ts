/** Leases of a site with one node: every claim is answered at once. */
import type { Clock } from '../../core/clock.ts'
import type { GatewayLeases, LeaseAnswer, LeaseRequest } from '../site-store.ts'

/** Number of claims between two sweeps for expired leases of torrents without further claims. */
const CLAIMS_PER_SWEEP = 1_000

export class MemoryLeases implements GatewayLeases {
  readonly #clock: Clock
  /** By torrent and site: peer → until when. */
  readonly #holders = new Map<string, Map<string, number>>()
  #claims = 0
  /** What the clock was shifted by: the times of the holders do not change. */
  #shiftedMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  claim({ infoHash, site, peer, lifetimeMs, holdersMax }: LeaseRequest): LeaseAnswer {
    const nowMs = this.#clock.nowMs() - this.#shiftedMs
    if (++this.#claims % CLAIMS_PER_SWEEP === 0) this.#sweep(nowMs)
    const key = keyOf(infoHash, site)
    const holders = this.#holders.get(key) ?? new Map<string, number>()
    expire(holders, nowMs)
    const name = peer.toString('latin1')
    if (!holders.has(name) && holders.size >= holdersMax) return 'denied'
    holders.set(name, nowMs + lifetimeMs)
    this.#holders.set(key, holders)
    return 'granted'
  }

  renew(request: LeaseRequest): void {
    this.claim(request)
  }

  release({ infoHash, site, peer }: Pick<LeaseRequest, 'infoHash' | 'site' | 'peer'>): void {
    this.#holders.get(keyOf(infoHash, site))?.delete(peer.toString('latin1'))
  }

  shiftTime(byMs: number): void {
    this.#shiftedMs += byMs
  }

  #sweep(nowMs: number): void {
    for (const [key, holders] of this.#holders) {
      expire(holders, nowMs)
      if (holders.size === 0) this.#holders.delete(key)
    }
  }
}

function expire(holders: Map<string, number>, nowMs: number): void {
  for (const [peer, untilMs] of holders) if (untilMs <= nowMs) holders.delete(peer)
}

const keyOf = (infoHash: Buffer, site: string): string => `${infoHash.toString('latin1')}${site}`
