/**
 * Sources that have been refused several times for their rate, whose datagrams are dropped unread for the rest of a tenth of a
 * second.
 *
 * Threat: a refusal costs the node almost as much as an announce: the proof of the connection id, the parser, and a response.
 * A source is an IPv4 address or an IPv6 /64. Only a refusal counts that was sent to a proven address, so that forged
 * datagrams cannot silence another source. A client that gets no response sends its announce again after 15 s (BEP 15),
 * while most clients wait for longer after an error.
 */
import type { Address } from '../../core/address.ts'
import type { Clock } from '../../core/clock.ts'
import { sourceOfAddress } from '../../core/source.ts'

const WINDOW_MS = 100

/** Responses with the reason in each window. */
const REASONS_PER_WINDOW = 10

export class RefusedSources {
  readonly #clock: Clock
  readonly #refusals = new Map<string, number>()
  #window = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(from: Address): void {
    this.#startWindow()
    const source = sourceOfAddress(from)
    this.#refusals.set(source, (this.#refusals.get(source) ?? 0) + 1)
  }

  /** The source had its responses with the reason in this window. */
  has(from: Address): boolean {
    if (this.#refusals.size === 0) return false
    this.#startWindow()
    return (this.#refusals.get(sourceOfAddress(from)) ?? 0) >= REASONS_PER_WINDOW
  }

  #startWindow(): void {
    const window = Math.floor(this.#clock.nowMs() / WINDOW_MS)
    if (window === this.#window) return
    this.#window = window
    this.#refusals.clear()
  }
}
