/** Counts of sources within a tenth of a second. A source is an IPv4 address or an IPv6 /64. */
import type { Address } from '../../core/address.ts'
import type { Clock } from '../../core/clock.ts'
import { sourceOfAddress } from '../../core/source.ts'

const WINDOW_MS = 100

export class RecentSources {
  readonly #clock: Clock
  readonly #counts = new Map<number | string, number>()
  #window = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Returns the count with this one. */
  add(from: Address): number {
    const count = this.of(from) + 1
    this.#counts.set(keyOf(from), count)
    return count
  }

  of(from: Address): number {
    const window = Math.floor(this.#clock.nowMs() / WINDOW_MS)
    if (window !== this.#window) {
      this.#window = window
      this.#counts.clear()
    }
    return this.#counts.get(keyOf(from)) ?? 0
  }
}

/** Without a text for IPv4: every datagram passes here. */
function keyOf(from: Address): number | string {
  return from.isV4 ? from.word3 : sourceOfAddress(from)
}
