/**
 * Sources that have been refused several times for their rate, whose datagrams are dropped unread for the rest of a tenth of a
 * second.
 *
 * Threat: a refusal costs the node almost as much as an announce: the proof of the connection id, the parser, and a response.
 * Only a refusal counts that was sent to a proven address, so that forged
 * datagrams cannot silence another source. A client that gets no response sends its announce again after 15 s (BEP 15),
 * while most clients wait for longer after an error.
 */
import type { Address } from '../../core/address.ts'
import type { Clock } from '../../core/clock.ts'
import { RecentSources } from './recent-sources.ts'

/** Responses with the reason in a tenth of a second. */
const REASONS_MAX = 10

export class RefusedSources {
  readonly #refusals: RecentSources

  constructor(clock: Clock) {
    this.#refusals = new RecentSources(clock)
  }

  add(from: Address): void {
    this.#refusals.add(from)
  }

  /** The source had its responses with the reason. */
  has(from: Address): boolean {
    return this.#refusals.of(from) >= REASONS_MAX
  }
}
