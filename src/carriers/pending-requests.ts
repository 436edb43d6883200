/**
 * Requests of one client, or of the carrier of another site, that are not answered yet, in the order of their arrival.
 *
 * `queued` requests wait in the node; `routed` ones are with the router, which delivers their blocks at any time. Both are
 * bounded: a requester that requests everything and reads nothing holds `routedBytesMin` of blocks.
 */
import type { Block } from '../wire/peer/block.ts'
import { blockKey } from './block-key.ts'

export interface RequestLimits {
  readonly requestsMax: number
  /** Blocks that the router may deliver at once: a second of the requester's rate within these limits. */
  readonly routedBytesMin: number
  readonly routedBytesMax: number
}

export class PendingRequests {
  readonly #queued = new Map<number, Block>()
  readonly #routed = new Map<number, Block>()
  readonly #limits: RequestLimits
  #routedBytes = 0

  constructor(limits: RequestLimits) {
    this.#limits = limits
  }

  get count(): number {
    return this.#queued.size + this.#routed.size
  }

  /** Returns false where there are too many. A repeated request is one request. */
  add(block: Block): boolean {
    const key = blockKey(block)
    if (this.#routed.has(key)) return true
    if (this.count >= this.#limits.requestsMax) return false
    this.#queued.set(key, block)
    return true
  }

  /** The next request for the router. Undefined where there is none, or where as many are routed as the rate allows. */
  takeNext(bytesPerSecond: number): Block | undefined {
    const { routedBytesMin, routedBytesMax } = this.#limits
    const bytesMax = Math.min(routedBytesMax, Math.max(routedBytesMin, bytesPerSecond))
    if (this.#routedBytes >= bytesMax) return undefined
    for (const [key, block] of this.#queued) {
      this.#queued.delete(key)
      this.#routed.set(key, block)
      this.#routedBytes += block.length
      return block
    }
    return undefined
  }

  /** The block is delivered. Returns false where it was cancelled. */
  answer(block: Block): boolean {
    const routed = this.#routed.get(blockKey(block))
    if (routed?.length !== block.length) return false
    this.#routed.delete(blockKey(block))
    this.#routedBytes -= block.length
    return true
  }

  /** Returns whether the router has the request. */
  cancel(block: Block): boolean {
    if (this.#queued.delete(blockKey(block))) return false
    return this.answer(block)
  }

  /** Removes all requests. Returns those that the router has. */
  clear(): readonly Block[] {
    const routed = [...this.#routed.values()]
    this.#queued.clear()
    this.#routed.clear()
    this.#routedBytes = 0
    return routed
  }
}
