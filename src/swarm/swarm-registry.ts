/**
 * The swarms by infohash and by the index that their rows carry. Indexes are reused, so that they stay small.
 */
import { assert } from '../core/assert.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { Revisions } from './revision.ts'
import { Sample } from './sample.ts'
import { Swarm } from './swarm.ts'

export class SwarmRegistry {
  readonly #byInfoHash = new Map<string, Swarm>()
  readonly #byIndex: (Swarm | undefined)[] = []
  readonly #freeIndexes: number[] = []
  readonly #sample = new Sample()
  /** The swarm of the latest look-up: an announce and an update look the same one up several times. */
  #latest: Swarm | undefined = undefined
  readonly #revisions: Revisions<Swarm>

  constructor(revisions: Revisions<Swarm>) {
    this.#revisions = revisions
  }

  get size(): number {
    return this.#byInfoHash.size
  }

  swarms(): IterableIterator<Swarm> {
    return this.#byInfoHash.values()
  }

  get(infoHash: Buffer): Swarm | undefined {
    // A comparison of bytes costs a fifth of a look-up by a string that is made for it.
    if (this.#latest?.infoHash.equals(infoHash) === true) return this.#latest
    const swarm = this.#byInfoHash.get(infoHashKey(infoHash))
    if (swarm !== undefined) this.#latest = swarm
    return swarm
  }

  at(index: number): Swarm {
    const swarm = this.#byIndex[index]
    assert(swarm !== undefined, 'a live row has a swarm')
    return swarm
  }

  create(infoHash: Buffer): Swarm {
    const index = this.#freeIndexes.pop() ?? this.#byIndex.length
    // The caller's bytes may be a view into a request buffer that is reused.
    const swarm = new Swarm(index, Buffer.from(infoHash), this.#revisions.latest)
    this.#byIndex[index] = swarm
    this.#byInfoHash.set(infoHashKey(infoHash), swarm)
    this.#latest = swarm
    return swarm
  }

  drop(swarm: Swarm): void {
    if (this.#latest === swarm) this.#latest = undefined
    this.#byInfoHash.delete(infoHashKey(swarm.infoHash))
    this.#byIndex[swarm.index] = undefined
    this.#freeIndexes.push(swarm.index)
  }

  /** The swarms at this number of indexes, spread over all; fewer where indexes are free. One may appear twice. */
  *sample(count: number): Generator<Swarm> {
    for (let scanned = Math.min(count, this.#byIndex.length); scanned > 0; scanned--) {
      const swarm = this.#byIndex[this.#sample.below(this.#byIndex.length)]
      if (swarm !== undefined) yield swarm
    }
  }
}
