/**
 * Event queue: a binary heap of small events in typed arrays. Events of the same time keep their order of
 * insertion.
 */

/** `announce` a. `dial` from a to b. `rechoke` a. `attempt` the deferred response to a. */
export const kinds = { announce: 0, dial: 1, rechoke: 2, attempt: 3 } as const

export class Timeline {
  #atMs = new Float64Array(1024)
  #order = new Float64Array(1024)
  #kind = new Uint8Array(1024)
  #a = new Int32Array(1024)
  #b = new Int32Array(1024)
  #length = 0
  #added = 0
  /** The event that `next` returned. */
  readonly event = { kind: 0, a: 0, b: 0, atMs: 0 }

  /** Time of the first event; Infinity if there is none. */
  get firstMs(): number {
    return this.#length === 0 ? Infinity : (this.#atMs[0] as number)
  }

  add(atMs: number, kind: number, a: number, b = 0): void {
    if (this.#length === this.#atMs.length) this.#grow()
    let at = this.#length++
    const order = this.#added++
    while (at > 0) {
      const parent = (at - 1) >>> 1
      // A later order never overtakes an equal time.
      if ((this.#atMs[parent] as number) <= atMs) break
      this.#move(parent, at)
      at = parent
    }
    this.#atMs[at] = atMs
    this.#order[at] = order
    this.#kind[at] = kind
    this.#a[at] = a
    this.#b[at] = b
  }

  /** Moves the first event into `event`, if it is due. */
  next(nowMs: number): boolean {
    if (this.firstMs > nowMs) return false
    this.event.kind = this.#kind[0] as number
    this.event.a = this.#a[0] as number
    this.event.b = this.#b[0] as number
    this.event.atMs = this.#atMs[0] as number
    const last = --this.#length
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= last) break
      if (child + 1 < last && this.#isBefore(child + 1, child)) child++
      if (!this.#isBefore(child, last)) break
      this.#move(child, at)
      at = child
    }
    this.#move(last, at)
    return true
  }

  #isBefore(a: number, b: number): boolean {
    const difference = (this.#atMs[a] as number) - (this.#atMs[b] as number)
    return difference < 0 || (difference === 0 && (this.#order[a] as number) < (this.#order[b] as number))
  }

  #move(from: number, to: number): void {
    this.#atMs[to] = this.#atMs[from] as number
    this.#order[to] = this.#order[from] as number
    this.#kind[to] = this.#kind[from] as number
    this.#a[to] = this.#a[from] as number
    this.#b[to] = this.#b[from] as number
  }

  #grow(): void {
    const length = 2 * this.#atMs.length
    const copy = <T extends { set(from: T): void }>(to: T, from: T) => {
      to.set(from)
      return to
    }
    this.#atMs = copy(new Float64Array(length), this.#atMs)
    this.#order = copy(new Float64Array(length), this.#order)
    this.#kind = copy(new Uint8Array(length), this.#kind)
    this.#a = copy(new Int32Array(length), this.#a)
    this.#b = copy(new Int32Array(length), this.#b)
  }
}
