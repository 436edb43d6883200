/**
 * The blocks of one torrent in one site that were requested and have not arrived: each waits in the queue, or is
 * outstanding at one holder, from which it returns to the queue when the holder does not send it.
 */
import type { Block } from '../wire/peer/block.ts'
import { blockKey } from './block-key.ts'
import { type Fetch, fetchOf, FetchQueue } from './fetch-queue.ts'
import type { Holder } from './holder.ts'
import { cancelAll, HolderLoads, type Load } from './holder-loads.ts'
import type { UnprovenBlocks } from './unproven-blocks.ts'

export class Fetches {
  readonly loads = new HolderLoads()
  readonly queue = new FetchQueue<Load>()
  readonly #byBlock = new Map<number, Fetch<Load>>()
  readonly #nowMs: () => number
  /** Undefined where the torrent is registered: each block exists. */
  #unproven: UnprovenBlocks | undefined

  constructor(nowMs: () => number, unproven: UnprovenBlocks | undefined) {
    this.#nowMs = nowMs
    this.#unproven = unproven
  }

  get size(): number {
    return this.#byBlock.size
  }

  get(block: Block): Fetch<Load> | undefined {
    return this.#byBlock.get(blockKey(block))
  }

  all(): Iterable<Fetch<Load>> {
    return this.#byBlock.values()
  }

  /** The torrent was registered: all blocks are requested again. */
  restart(): void {
    for (const fetch of this.#byBlock.values()) this.queue.remove(fetch)
    this.#byBlock.clear()
    this.#unproven = undefined
  }

  enqueue(block: Block, host?: string): Fetch<Load> {
    const known = this.get(block)
    const fetch = known ?? fetchOf(block, this.#nowMs())
    if (this.#unproven !== undefined && host !== undefined) fetch.hosts.add(host)
    if (known !== undefined) return known
    this.#byBlock.set(fetch.key, fetch)
    this.queue.add(fetch)
    return fetch
  }

  remove(fetch: Fetch<Load>): void {
    this.#byBlock.delete(fetch.key)
    this.queue.remove(fetch)
  }

  /** The holder has sent the block. A host that requests it from itself proves nothing. */
  arrived(fetch: Fetch<Load>, { host }: Holder): void {
    this.loads.release(fetch)
    this.#byBlock.delete(fetch.key)
    if (host === undefined || !fetch.hosts.has(host)) this.#unproven?.sent(fetch.block)
  }

  withdraw(load: Load, hasFailed = false): void {
    cancelAll(load, load.fetches.values())
    this.requeue(load, hasFailed)
  }

  /** `hasFailed`: the holder may have left because it was asked for a block that does not exist. */
  requeue(load: Load, hasFailed = false): void {
    const fetches = this.loads.clear(load, this.#nowMs())
    if (hasFailed) this.#unproven?.failed(fetches)
    for (const fetch of fetches) this.#again(fetch)
  }

  /** The holder does not deliver a block that it was asked for. */
  refused(holder: Holder, block: Block): void {
    const fetch = this.get(block)
    if (fetch?.load?.holder === holder) this.#fail(fetch)
  }

  /** Looks for holders that do not answer, and for single blocks. */
  tick(nowMs: number): void {
    for (const load of this.loads.silent(nowMs)) this.withdraw(load, true)
    if (this.#unproven === undefined) return
    for (const fetch of this.loads.skipped(nowMs)) {
      if (this.#unproven.isProven(fetch.block)) continue
      fetch.load?.holder.cancel(fetch.block)
      this.#fail(fetch)
    }
  }

  #fail(fetch: Fetch<Load>): void {
    this.loads.release(fetch)
    this.#unproven?.failed([fetch])
    this.#again(fetch)
  }

  /** Another holder is asked, unless the block seems not to exist. */
  #again(fetch: Fetch<Load>): void {
    if (this.#unproven?.mayFetch(fetch) ?? true) return this.queue.add(fetch)
    this.#byBlock.delete(fetch.key)
    for (const { requester, block } of fetch.waiting) requester.refuse(block)
  }
}
