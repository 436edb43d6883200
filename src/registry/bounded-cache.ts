/**
 * What is worked out once and asked for often, up to a cost in all: what was not used for longest goes first.
 *
 * Thousands of hosts ask for the same thing in the same second, so what is still being worked out is shared too.
 */
import { assert } from '../core/assert.ts'

interface Entry<Value> {
  readonly value: Promise<Value>
  /** 0 until it is known. */
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
    /** Called once for each value that is kept no longer. */
    readonly onDrop?: (value: Value) => void
  }) {
    assert(options.costMax > 0, 'a cache without room keeps nothing')
    this.#costMax = options.costMax
    this.#costOf = options.costOf
    this.#onDrop = options.onDrop ?? (() => {})
  }

  /** Of all that is kept. */
  get cost(): number {
    return this.#cost
  }

  /** What failed is not kept: the next one who asks tries again. */
  get(key: string, make: () => Promise<Value>): Promise<Value> {
    const known = this.#entries.get(key)
    if (known !== undefined) {
      // Last in the order of the map is most recently used.
      this.#entries.delete(key)
      this.#entries.set(key, known)
      return known.value
    }
    const entry: Entry<Value> = { value: make(), cost: 0 }
    this.#entries.set(key, entry)
    entry.value.then(
      (value) => this.#settle(key, entry, value),
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

  #settle(key: string, entry: Entry<Value>, value: Value): void {
    // Dropped while it was being made: it goes to whoever waits for it and to nobody else.
    if (this.#entries.get(key) !== entry) return
    entry.cost = this.#costOf(value)
    this.#cost += entry.cost
    for (const oldest of this.#entries.keys()) {
      if (this.#cost <= this.#costMax) return
      // What is still being made costs nothing yet.
      if ((this.#entries.get(oldest)?.cost ?? 0) > 0) this.drop(oldest)
    }
  }

  #forget(entry: Entry<Value>): void {
    this.#cost -= entry.cost
    entry.value.then(this.#onDrop, () => undefined)
  }
}
