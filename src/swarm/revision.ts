/**
 * Changes of all swarms at once: new numbers of sites and places after a reload of the topology, and shifted times after the
 * clock was set. A swarm applies them when it is used next: a turn that changed a million swarms would last seconds.
 */

/** New place and site indexes by old ones. -1: no row is there. */
export interface Renumbering {
  readonly places: Int32Array
  readonly sites: Int32Array
  /** No index changes. */
  readonly isIdentity: boolean
}

export interface Change {
  /** undefined: none. */
  readonly renumbering: Renumbering | undefined
  readonly shiftedMs: number
}

type Apply<Swarm> = (swarm: Swarm, change: Change) => void

/** What a swarm has applied. Past ones lead to later ones, so that one which no swarm refers to is collected. */
export class Revision<Swarm> {
  readonly #apply: Apply<Swarm>
  #change: Change = NO_CHANGE
  #next: Revision<Swarm> | undefined = undefined

  constructor(apply: Apply<Swarm>) {
    this.#apply = apply
  }

  get isPast(): boolean {
    return this.#next !== undefined
  }

  /** Makes this a past one. Returns the latest one. */
  leadTo(change: Change): Revision<Swarm> {
    this.#change = change
    this.#next = new Revision(this.#apply)
    return this.#next
  }

  /** The latest one. All changes up to it become one, which other swarms of this revision need as well. */
  latest(): Revision<Swarm> {
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
export class Revisions<Swarm> {
  #latest: Revision<Swarm>

  constructor(apply: Apply<Swarm>) {
    this.#latest = new Revision(apply)
  }

  get latest(): Revision<Swarm> {
    return this.#latest
  }

  add(change: Partial<Change>): void {
    this.#latest = this.#latest.leadTo({ ...NO_CHANGE, ...change })
  }
}
