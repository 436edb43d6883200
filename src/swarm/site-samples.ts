/**
 * Addresses of some peers of each site that a new topology does not have. They decide where the others go first, and are
 * found before the change: the rows of a site are anywhere in a table of millions.
 */
import type { Address } from '../core/address.ts'

/** Rows of a removed site whose addresses decide where all of them go first. */
export const SAMPLED_ROWS = 16

export class SiteSamples {
  readonly #addresses = new Map<number, Address[]>()

  add(site: number, address: Address): void {
    const sample = this.#addresses.get(site)
    if (sample === undefined) this.#addresses.set(site, [address])
    else if (sample.length < SAMPLED_ROWS) sample.push(address)
  }

  /** Places of the addresses, by site. */
  placesIn(
    topology: { locate(address: Address): number },
    sites: ReadonlySet<number>,
  ): Map<number, number[]> {
    const found = new Map<number, number[]>()
    for (const [site, addresses] of this.#addresses) {
      const places = addresses.map((address) => topology.locate(address)).filter((place) => place >= 0)
      if (sites.has(site) && places.length > 0) found.set(site, places)
    }
    return found
  }

  clear(): void {
    this.#addresses.clear()
  }
}
