/** Rates of links that replace those of the topology until an operator withdraws them, on all nodes of all sites. */
import type { Clock } from '../core/clock.ts'
import type { OverrideShare, OverrideStore } from '../replication/site-store.ts'

export class LinkRates {
  readonly #store: OverrideStore
  readonly #clock: Clock

  constructor({ store, clock }: { readonly store: OverrideStore; readonly clock: Clock }) {
    this.#store = store
    this.#clock = clock
  }

  /** The latest one, which may have withdrawn the rate (`bytesPerSecond` undefined). */
  overrideOf(
    a: string,
    b: string,
  ): { readonly bytesPerSecond: number | undefined; readonly atMs: number } | undefined {
    return this.#store.current.rateOf(a, b)
  }

  /** Links whose rate an operator set. */
  get overridden(): readonly (readonly [string, string])[] {
    return this.#store.current.all.flatMap((each) =>
      each.kind === 'rate' && each.bytesPerSecond !== undefined ? [each.between] : [],
    )
  }

  /** `bytesPerSecond`: undefined for the rate of the topology. */
  set([a, b]: readonly [string, string], bytesPerSecond: number | undefined): Promise<OverrideShare> {
    const between = a < b ? ([a, b] as const) : ([b, a] as const)
    const replaced = this.overrideOf(a, b)
    // Later than what it replaces, also on a node whose clock is behind.
    const atMs = Math.max(this.#clock.nowMs(), (replaced?.atMs ?? 0) + 1)
    return this.#store.put({
      kind: 'rate',
      between,
      bytesPerSecond: bytesPerSecond === undefined ? undefined : Math.round(bytesPerSecond),
      atMs,
    })
  }

  onChange(listener: () => void): void {
    this.#store.onChange((changed) => {
      if (changed.some(({ kind }) => kind === 'rate')) listener()
    })
  }
}
