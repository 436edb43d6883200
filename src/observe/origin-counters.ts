/** Counters of web seeds, by the name of the client's site, as in counters.ts. */
import type { OriginMetrics, OriginRefusal } from '../core/origin-metrics.ts'

export const originRefusals: readonly OriginRefusal[] = ['warm', 'budget', 'busy', 'failed', 'not-found']

/*
  The row of a site
     0  bytes from origins
     1  bytes saved
     2  rejected requests, by cause
*/
const SAVED = 1
const REFUSED = 2
const ROW = REFUSED + originRefusals.length

export class OriginCounters implements OriginMetrics {
  #siteNames: readonly string[] = []
  #rows = new Float64Array(0)

  /** Takes the sites of a new topology; a site keeps its counts. */
  resize(siteNames: readonly string[]): void {
    const rows = new Float64Array(siteNames.length * ROW)
    for (const [index, name] of siteNames.entries()) {
      const before = this.#siteNames.indexOf(name)
      if (before >= 0) rows.set(this.#rows.subarray(before * ROW, (before + 1) * ROW), index * ROW)
    }
    this.#siteNames = siteNames
    this.#rows = rows
  }

  originBytes(siteIndex: number, bytes: number): void {
    this.#add(siteIndex, 0, bytes)
  }

  originSaved(siteIndex: number, bytes: number): void {
    this.#add(siteIndex, SAVED, bytes)
  }

  originRefused(siteIndex: number, cause: OriginRefusal): void {
    this.#add(siteIndex, REFUSED + originRefusals.indexOf(cause), 1)
  }

  bytes(siteIndex: number): number {
    return this.#rows[siteIndex * ROW] as number
  }

  savedBytes(siteIndex: number): number {
    return this.#rows[siteIndex * ROW + SAVED] as number
  }

  refused(siteIndex: number, cause: OriginRefusal): number {
    return this.#rows[siteIndex * ROW + REFUSED + originRefusals.indexOf(cause)] as number
  }

  /** An index outside the topology changes nothing: JavaScript ignores such a write to a typed array. */
  #add(siteIndex: number, word: number, amount: number): void {
    const at = siteIndex * ROW + word
    this.#rows[at] = (this.#rows[at] as number) + amount
  }
}
