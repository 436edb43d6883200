/** What federation counts about itself, as plain numbers; `observe` reads them when somebody scrapes. */
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
