/**
 * Rates of transfers: max-min fair sharing of the links on their route, which approximates TCP.
 *
 * Each link has a water level: the highest rate of one transfer on it. A transfer gets the lowest level on its
 * route, or its demand if that is less. Levels are kept from step to step and corrected by the unused capacity
 * divided by the number of transfers that the link itself limits; a few corrections suffice, where an exact
 * solution would need as many rounds as there are links. With any levels, a link never exceeds its
 * capacity.
 */

/** Corrections per step. With one, the levels lag by a step when many transfers start at once. */
const CORRECTIONS = 2

/**
 * Share of content in the bytes on a link: frames of 1,514 bytes contain 1,448 bytes of TCP payload, and 16,384 of
 * 16,397 of those are content.
 */
const CONTENT_SHARE = (1448 / 1514) * (16_384 / 16_397)

/**
 * Four links per transfer: uplink of the host, uplink of its site, downlink of the other site, downlink of the
 * host.
 */
export interface Routes {
  /** Slots of running transfers. */
  readonly active: Int32Array
  readonly count: number
  /** Four links per slot. */
  readonly links: Int32Array
  /** Demand of each slot, in bytes per second. */
  readonly wanted: Float64Array
  /** Rate of each slot, in bytes per second. Output. */
  readonly rate: Float64Array
}

export class Links {
  /** Bytes of content per second. */
  readonly #capacity: Float64Array
  readonly #level: Float64Array
  readonly #load: Float64Array
  readonly #users: Int32Array
  /** Transfers that this link limits. */
  readonly #held: Int32Array

  /** `bitsPerSecond` of each link; Infinity for an unlimited one. */
  constructor(bitsPerSecond: readonly number[]) {
    this.#capacity = Float64Array.from(bitsPerSecond, (bits) => (bits / 8) * CONTENT_SHARE)
    this.#level = Float64Array.from(this.#capacity)
    this.#load = new Float64Array(this.#capacity.length)
    this.#users = new Int32Array(this.#capacity.length)
    this.#held = new Int32Array(this.#capacity.length)
  }

  share(routes: Routes): void {
    for (let correction = 0; correction < CORRECTIONS; correction++) {
      this.#pour(routes)
      this.#correct()
    }
    this.#pour(routes)
    this.#cut(routes)
  }

  /** Sets each rate from the levels, and adds up the load of each link. */
  #pour({ active, count, links, wanted, rate }: Routes): void {
    const level = this.#level
    const load = this.#load.fill(0)
    const users = this.#users.fill(0)
    const held = this.#held.fill(0)
    for (let index = 0; index < count; index++) {
      const slot = active[index] as number
      const first = slot << 2
      let lowest = wanted[slot] as number
      let holder = -1
      for (let hop = 0; hop < 4; hop++) {
        const link = links[first + hop] as number
        const here = level[link] as number
        if (here < lowest) {
          lowest = here
          holder = link
        }
      }
      rate[slot] = lowest
      if (holder >= 0) held[holder]!++
      for (let hop = 0; hop < 4; hop++) {
        const link = links[first + hop] as number
        load[link]! += lowest
        users[link]!++
      }
    }
  }

  #correct(): void {
    const capacity = this.#capacity
    const level = this.#level
    for (let link = 0; link < capacity.length; link++) {
      const users = this.#users[link] as number
      const full = capacity[link] as number
      if (users === 0 || full === Infinity) continue
      const free = full - (this.#load[link] as number)
      const held = this.#held[link] as number
      if (held > 0) {
        const corrected = (level[link] as number) + free / held
        level[link] = Math.min(full, Math.max(full / users, corrected))
      } else level[link] = free >= 0 ? full : full / users
    }
  }

  /** Scales the rates on an overloaded link down in proportion. */
  #cut({ active, count, links, rate }: Routes): void {
    const load = this.#load
    const capacity = this.#capacity
    // From here on, `load` is the scale factor.
    for (let link = 0; link < load.length; link++) {
      const used = load[link] as number
      const full = capacity[link] as number
      load[link] = used > full ? full / used : 1
    }
    for (let index = 0; index < count; index++) {
      const slot = active[index] as number
      const first = slot << 2
      const factor = Math.min(
        load[links[first] as number] as number,
        load[links[first + 1] as number] as number,
        load[links[first + 2] as number] as number,
        load[links[first + 3] as number] as number,
      )
      if (factor < 1) rate[slot]! *= factor
    }
  }
}
