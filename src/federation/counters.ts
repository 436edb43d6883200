/** Counters of federation, as plain numbers; `observe` reads them at scrape time. */
import type { FederationRefusal } from '../core/federation-metrics.ts'

export class FederationCounters {
  receivedBytes = 0
  sentBytes = 0
  readonly #refusals = new Map<FederationRefusal, number>()

  refuse(reason: FederationRefusal): void {
    this.#refusals.set(reason, this.refused(reason) + 1)
  }

  refused(reason: FederationRefusal): number {
    return this.#refusals.get(reason) ?? 0
  }
}
