/**
 * Swarms that changed since their one reader drained them. The reader states the site that it reports on: a change
 * counts where it is in that site, or where that site has a gateway that may have lost its upstream.
 *
 * A set, so that a flash crowd in one swarm costs one entry; without a reader nothing is collected.
 */
import type { Swarm } from './swarm.ts'

export class ChangedSwarms {
  #swarms = new Set<Swarm>()
  #site = NO_SITE
  #onFirst: () => void = () => {}

  /** Starts to collect. `onFirst` runs when the first change after a `drain` comes in. */
  follow(siteIndex: number, onFirst: () => void): void {
    this.#site = siteIndex
    this.#onFirst = onFirst
  }

  /** A peer of this site came, changed or left. */
  noteAt(swarm: Swarm, siteIndex: number): void {
    if (this.#site === NO_SITE) return
    if (siteIndex === this.#site || (swarm.site(this.#site)?.gateways.length ?? 0) > 0) this.note(swarm)
  }

  /** A change that concerns the reader in any case. */
  note(swarm: Swarm): void {
    if (this.#site === NO_SITE) return
    this.#swarms.add(swarm)
    if (this.#swarms.size === 1) this.#onFirst()
  }

  has(swarm: Swarm): boolean {
    return this.#swarms.has(swarm)
  }

  drain(): ReadonlySet<Swarm> {
    const drained = this.#swarms
    this.#swarms = new Set()
    return drained
  }
}

const NO_SITE = -1
