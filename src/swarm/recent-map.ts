/**
 * A map that drops old entries without a timer and without a scan: two generations, of which the older one is dropped
 * when the younger one is full or old enough.
 */
export class RecentMap<Key, Value> {
  readonly #limits: { readonly entriesMax: number; readonly keptMs: number }
  #young = new Map<Key, Value>()
  #old = new Map<Key, Value>()
  #youngSinceMs = Number.NEGATIVE_INFINITY

  /** An entry stays for at least `keptMs`, or until half of `entriesMax` further ones were added. */
  constructor(limits: { readonly entriesMax: number; readonly keptMs: number }) {
    this.#limits = limits
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: Key): Value | undefined {
    return this.#young.get(key) ?? this.#old.get(key)
  }

  set(key: Key, value: Value, nowMs: number): void {
    if (
      this.#young.size * 2 >= this.#limits.entriesMax ||
      nowMs - this.#youngSinceMs >= this.#limits.keptMs
    ) {
      this.#old = this.#young
      this.#young = new Map()
      this.#youngSinceMs = nowMs
    }
    this.#old.delete(key)
    this.#young.set(key, value)
  }

  delete(key: Key): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }
}
