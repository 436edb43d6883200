/**
 * Cache of computed values up to a total cost. The least recently used value is dropped first.
 *
 * Thousands of hosts request the same value in the same second, so a value that is still being computed is shared too.
 */
import { assert } from '../core/assert.ts'

interface Entry<Value> {
  readonly value: Promise<Value>
  /** 0 until the value is computed. */
  cost: number
}

export class BoundedCache<Value> {
  readonly #entries = new Map<string, Entry<Value>>()
  readonly #costMax: number
  readonly #costOf: (value: Value) => number
  readonly #onDrop: (value: Value) => void
  #cost = 0

  constructor(options: {
    readonly costMax: number
    readonly costOf: (value: Value) => number
    /** Called once for each value that is dropped. */
    readonly onDrop?: (value: Value) => void
  }) {
    assert(options.costMax > 0, 'a cache with a maximum cost of 0 keeps no value')
    this.#costMax = options.costMax
    this.#costOf = options.costOf
    this.#onDrop = options.onDrop ?? (() => {})
  }

  /** Total cost of the values. */
  get cost(): number {
    return this.#cost
  }

  /** A failure is not kept: the next call computes the value again. */
  get(key: string, compute: () => Promise<Value>): Promise<Value> {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      // Last in the order of the map is most recently used.
      this.#entries.delete(key)
      this.#entries.set(key, known)
      return known.value
    }
    const entry: Entry<Value> = { value: compute(), cost: 0 }
    this.#entries.set(key, entry)
    entry.value.then(
      (value) => this.#keep(key, entry, value),
      () => this.#entries.get(key) === entry && this.#entries.delete(key),
    )
    return entry.value
  }

  drop(key: string): void {
    const entry = this.#entries.get(key)
    if (entry === undefined) return
    this.#entries.delete(key)
    this.#forget(entry)
  }

  clear(): void {
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    for (const entry of entries) this.#forget(entry)
  }

  #keep(key: string, entry: Entry<Value>, value: Value): void {
    // Dropped while it was being computed: only the callers that wait for it get it.
    if (this.#entries.get(key) !== entry) return
    entry.cost = this.#costOf(value)
    this.#cost += entry.cost
    for (const oldest of this.#entries.keys()) {
      if (this.#cost <= this.#costMax) return
      // A value that is still being computed has no cost yet.
      if ((this.#entries.get(oldest)?.cost ?? 0) > 0) this.drop(oldest)
    }
  }

  #forget(entry: Entry<Value>): void {
    this.#cost -= entry.cost
    entry.value.then(this.#onDrop, () => undefined)
  }
}
