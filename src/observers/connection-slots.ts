/**
 * The connections of `observe.connections`, and which of them are held open after the first look at the client.
 *
 * A share is never held, so that new clients and polls find a free one. A vital client that finds none takes the
 * connection of a less important one, which is polled from then on.
 */
import { assert } from '../core/assert.ts'
import type { ObservedClient } from './observed-client.ts'

/** One in eight connections, and no more than polls need: 64 of 100 ms are 640 polls a second. */
const FREE_SHARE = 1 / 8
const FREE_MAX = 64

export class ConnectionSlots {
  readonly #max: number
  readonly #heldMax: number
  /** Held connections by rank, oldest first. */
  readonly #held: readonly Set<ObservedClient>[] = [new Set(), new Set(), new Set(), new Set()]
  readonly #rankOf = new Map<ObservedClient, number>()
  #used = 0

  constructor(connections: number) {
    assert(connections >= 1, 'observers need at least one connection')
    this.#max = connections
    this.#heldMax = connections - Math.max(1, Math.min(FREE_MAX, Math.floor(connections * FREE_SHARE)))
  }

  get used(): number {
    return this.#used
  }

  get held(): number {
    return this.#rankOf.size
  }

  get isFull(): boolean {
    return this.#used >= this.#max
  }

  take(): void {
    assert(!this.isFull, 'a connection is free before it is used')
    this.#used++
  }

  /** The connection of the client has ended. */
  release(client: ObservedClient): void {
    this.#used--
    this.#drop(client)
  }

  /** Returns whether the client keeps its connection. `evict` gets a less important client that must give up its own. */
  hold(client: ObservedClient, evict: (other: ObservedClient) => void): boolean {
    const rank = client.holdRank
    this.#drop(client)
    if (this.held >= this.#heldMax) {
      const other = this.leastImportant(rank)
      if (other === undefined) return false
      evict(other)
    }
    this.#held[rank]?.add(client)
    this.#rankOf.set(client, rank)
    return true
  }

  /** A held client with a higher rank than `rank`, longest held first. */
  leastImportant(rank: number): ObservedClient | undefined {
    for (let other = this.#held.length - 1; other > rank; other--) {
      for (const client of this.#held[other] ?? []) return client
    }
    return undefined
  }

  /** The rank of a held client may have changed. */
  rerank(client: ObservedClient): void {
    const rank = this.#rankOf.get(client)
    if (rank === undefined || rank === client.holdRank) return
    this.#drop(client)
    this.#held[client.holdRank]?.add(client)
    this.#rankOf.set(client, client.holdRank)
  }

  #drop(client: ObservedClient): void {
    const rank = this.#rankOf.get(client)
    if (rank === undefined) return
    this.#held[rank]?.delete(client)
    this.#rankOf.delete(client)
  }
}
