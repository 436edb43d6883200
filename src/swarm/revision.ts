/**
 * Changes of all swarms at once: new numbers of sites and places after a reload of the topology, and shifted times after the
 * clock was set. A swarm applies them when it is used next: a turn that changed a million swarms would last seconds.
 */
import type { Renumbering } from './new-places.ts'
import type { Swarm } from './swarm.ts'

export interface Change {
  /** undefined: none. */
  readonly renumbering: Renumbering | undefined
  readonly shiftedMs: number
}

type Apply = (swarm: Swarm, change: Change) => void

/** What a swarm has applied. Past ones lead to later ones, so that one which no swarm refers to is collected. */
export class Revision {
  readonly #apply: Apply
  #change: Change = NO_CHANGE
  #next: Revision | undefined = undefined

  constructor(apply: Apply) {
    this.#apply = apply
  }

  get isPast(): boolean {
    return this.#next !== undefined
  }

  /** Makes this a past one. Returns the latest one. */
  leadTo(change: Change): Revision {
    this.#change = change
    this.#next = new Revision(this.#apply)
    return this.#next
  }

  /** The latest one. All changes up to it become one, which other swarms of this revision need as well. */
  latest(): Revision {
    if (this.#next === undefined) return this
    while (this.#next.#next !== undefined) {
      this.#change = joined(this.#change, this.#next.#change)
      this.#next = this.#next.#next
    }
    return this.#next
  }

  /** Applies the changes from this revision to the latest one. */
  apply(swarm: Swarm): void {
    this.latest()
    this.#apply(swarm, this.#change)
  }
}

const NO_CHANGE: Change = { renumbering: undefined, shiftedMs: 0 }

function joined(first: Change, second: Change): Change {
  return {
    renumbering:
      first.renumbering === undefined || second.renumbering === undefined
        ? (first.renumbering ?? second.renumbering)
        : {
            places: through(first.renumbering.places, second.renumbering.places),
            sites: through(first.renumbering.sites, second.renumbering.sites),
            isIdentity: false,
          },
    shiftedMs: first.shiftedMs + second.shiftedMs,
  }
}

const through = (first: Int32Array, second: Int32Array): Int32Array =>
  first.map((index) => (index < 0 ? -1 : (second[index] as number)))

/** The revision of new swarms. */
export class Revisions {
  #latest: Revision

  constructor(apply: Apply) {
    this.#latest = new Revision(apply)
  }

  get latest(): Revision {
    return this.#latest
  }

  add(change: Partial<Change>): void {
    this.#latest = this.#latest.leadTo({ ...NO_CHANGE, ...change })
  }
}
