/**
 * Bytes of one torrent that a site received from other sites. Carriers count them exactly; a count of a process that
 * began again starts at 0 and is added.
 */
import type { CarriedSite } from './ports.ts'

export class ReceivedBytes {
  /** By sending site. */
  readonly #counted = new Map<string, number>()
  /** The last count of the carrier process, by sending site. */
  readonly #last = new Map<string, number>()
  /** The site of the last upstream of a gateway. */
  #upstreamSite: string | undefined

  get total(): number {
    let sum = 0
    for (const bytes of this.#counted.values()) sum += bytes
    return sum
  }

  count({ received }: Pick<CarriedSite, 'received'>): void {
    for (const { site, bytes } of received ?? []) {
      const last = this.#last.get(site) ?? 0
      this.#last.set(site, bytes)
      this.#counted.set(site, (this.#counted.get(site) ?? 0) + (bytes >= last ? bytes - last : bytes))
    }
  }

  /** Counts of another node of the site, or of an earlier process. They only grow. */
  restore(counts: Iterable<readonly [string, number]>): void {
    for (const [site, bytes] of counts) this.#counted.set(site, Math.max(bytes, this.#counted.get(site) ?? 0))
  }

  counts(): [string, number][] {
    return [...this.#counted]
  }

  fetchesFrom(site: string): void {
    this.#upstreamSite = site
  }

  /** `fetched`: bytes that gateways fetched, from the site of the last upstream as far as is known. */
  bySite(fetched: number): { readonly site: string; readonly bytes: number }[] {
    const counts = new Map(this.#counted)
    const upstream = this.#upstreamSite
    if (fetched > 0 && upstream !== undefined) counts.set(upstream, (counts.get(upstream) ?? 0) + fetched)
    return [...counts].filter(([, bytes]) => bytes > 0).map(([site, bytes]) => ({ site, bytes }))
  }
}
