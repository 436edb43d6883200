/**
 * How fast each transfer goes: max-min fair sharing of the links on its way, which is about what TCP does.
 *
 * Each link has a water level: the most that one transfer gets there. A transfer gets the lowest level on its way,
 * or what it has asked for, if that is less. Levels are kept from step to step and corrected by what is left over
 * divided by the transfers that the link itself holds back, so that a few corrections suffice where solving anew
 * would take as many rounds as there are links. Whatever the levels are, no link carries more than it can.
 */

/** Corrections a step. With one, the levels lag behind a step when many transfers begin at once. */
const CORRECTIONS = 2

/**
 * What a link carries of a file, of what it carries at all: frames of 1,514 bytes hold 1,448 of TCP's payload, and
 * 16,384 of 16,397 of those are content.
 */
const CONTENT_SHARE = (1448 / 1514) * (16_384 / 16_397)

/** Four links a transfer: out of a host, out of its site, into the other site, into the host. */
export interface Routes {
  /** Slots of the transfers that run. */
  readonly active: Int32Array
  readonly count: number
  /** Four links a slot. */
  readonly links: Int32Array
  /** What each slot could use at most, in bytes a second. */
  readonly wanted: Float64Array
  /** Bytes a second, to be filled in. */
  readonly rate: Float64Array
}

export class Links {
  /** Bytes of content a second. */
  readonly #capacity: Float64Array
  readonly #level: Float64Array
  readonly #load: Float64Array
  readonly #users: Int32Array
  /** Transfers that get less because of this link. */
  readonly #held: Int32Array

  /** `bitsPerSecond` of each link; Infinity for one that holds nobody back. */
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

  /** Gives each transfer what the levels say, and adds up what that makes of each link. */
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

  /** Where a link is still asked for more than it has, everybody there gets less in proportion. */
  #cut({ active, count, links, rate }: Routes): void {
    const load = this.#load
    const capacity = this.#capacity
    // From here on, `load` is the factor.
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
