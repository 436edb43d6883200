/**
 * Requests of one client that are not answered yet, in the order of their arrival. Bounded: a client that requests
 * everything and reads nothing holds at most `ROUTED_BYTES_MIN` of blocks and `SEND_BYTES_MIN` of a socket's buffer.
 *
 * `queued` requests wait in the node; `routed` ones are with the router, which delivers their blocks at any time.
 */
import type { Block } from '../wire/peer/block.ts'
import { blockKey } from './block-key.ts'

/** libtorrent requests 500 blocks ahead, Transmission as many as ten seconds take. */
const REQUESTS_MAX = 4_096
/** Blocks that the router may deliver at once. Grows with the rate of the client to a second, or four megabytes. */
const ROUTED_BYTES_MIN = 524_288
const ROUTED_BYTES_MAX = 4_194_304

export class ClientRequests {
  readonly #queued = new Map<number, Block>()
  readonly #routed = new Map<number, Block>()
  #routedBytes = 0

  get count(): number {
    return this.#queued.size + this.#routed.size
  }

  /** Returns false where the client has too many. A repeated request is one request. */
  add(block: Block): boolean {
    const key = blockKey(block)
    if (this.#routed.has(key)) return true
    if (this.count >= REQUESTS_MAX) return false
    this.#queued.set(key, block)
    return true
  }

  /** The next request for the router. Undefined where there is none, or where as many are routed as the rate allows. */
  takeNext(bytesPerSecond: number): Block | undefined {
    const bytesMax = Math.min(ROUTED_BYTES_MAX, Math.max(ROUTED_BYTES_MIN, bytesPerSecond))
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
