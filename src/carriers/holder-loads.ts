/**
 * The outstanding requests of each holder of one torrent in one site.
 */
import type { Block } from '../wire/peer/block.ts'
import type { Fetch } from './fetch-queue.ts'
import type { Holder } from './holder.ts'
import { type Choice, type HolderLoad, Holders, type Wish } from './holders.ts'

/**
 * A client that has sent nothing for this time, although a block is outstanding, loses its requests for a while. The
 * carrier of another site waits for its own holders, and its connection has a time limit of its own.
 */
const ANSWER_MS_MAX = 12_000
const AVOIDED_MS = 10_000
/** Clients send the blocks of one requester in the order of its requests, apart from some that they read from a disk. */
const SKIPPED_WINDOWS = 2

export interface Load extends HolderLoad {
  outstanding: number
  avoidedUntilMs: number
  isLast: boolean
  /** Blocks that it has sent. */
  sent: number
  readonly fetches: Map<number, Fetch<Load>>
  /** Time of the last block, or of the first request after none was outstanding. */
  activeMs: number
}

export class HolderLoads {
  readonly #loads = new Map<Holder, Load>()
  readonly #holders = new Holders<Load>()

  get(holder: Holder): Load | undefined {
    return this.#loads.get(holder)
  }

  all(): Iterable<Load> {
    return this.#loads.values()
  }

  add(holder: Holder): void {
    const load: Load = {
      holder,
      outstanding: 0,
      avoidedUntilMs: 0,
      isLast: false,
      sent: 0,
      fetches: new Map(),
      activeMs: 0,
    }
    this.#loads.set(holder, load)
    this.#holders.add(load)
  }

  /** The holder may return: its pieces are not fetched from elsewhere meanwhile. Returns its load. */
  setAway(holder: Holder, untilMs: number): Load | undefined {
    const load = this.#loads.get(holder)
    if (load !== undefined) load.avoidedUntilMs = untilMs
    return load
  }

  /** Its outstanding blocks may still arrive. Returns its load. */
  setLast(holder: Holder, isLast: boolean): Load | undefined {
    const load = this.#loads.get(holder)
    if (load !== undefined) load.isLast = isLast
    return load
  }

  remove(holder: Holder): Load | undefined {
    const load = this.#loads.get(holder)
    if (load === undefined) return undefined
    this.#loads.delete(holder)
    this.#holders.remove(load)
    return load
  }

  /** `only`: the one holder that may serve the piece, where it can. */
  choose(wish: Wish, only: Holder | undefined): Choice<Load> {
    const load = only === undefined ? undefined : this.#loads.get(only)
    if (load !== undefined && load.holder.isReady && load.avoidedUntilMs <= wish.nowMs)
      return load.outstanding < load.holder.outstandingMax ? load : 'busy'
    return this.#holders.choose(wish)
  }

  choked(piece: number): Iterable<Holder> {
    return this.#holders.choked(piece)
  }

  ask(load: Load, fetch: Fetch<Load>, nowMs: number): void {
    if (load.outstanding === 0) load.activeMs = nowMs
    load.outstanding++
    load.fetches.set(fetch.key, fetch)
    fetch.load = load
    fetch.askedMs = nowMs
    fetch.sentBefore = load.sent
    load.holder.request(fetch.block)
  }

  /** The holder has sent the block, or does not need to. */
  release(fetch: Fetch<Load>): void {
    const { load } = fetch
    if (load === undefined) return
    load.fetches.delete(fetch.key)
    load.outstanding--
    fetch.load = undefined
  }

  /** Returns the blocks that were outstanding. */
  clear(load: Load, nowMs: number): readonly Fetch<Load>[] {
    const fetches = [...load.fetches.values()]
    for (const fetch of fetches) {
      fetch.load = undefined
      fetch.waitsSinceMs = nowMs
    }
    load.fetches.clear()
    load.outstanding = 0
    return fetches
  }

  /** Blocks that a holder was asked for long ago, and that it has not sent although it has sent as many as two windows since. */
  *skipped(nowMs: number): Iterable<Fetch<Load>> {
    for (const load of this.#loads.values()) {
      const sentMin = load.holder.outstandingMax * SKIPPED_WINDOWS
      for (const fetch of load.fetches.values())
        if (nowMs - fetch.askedMs >= ANSWER_MS_MAX && load.sent - fetch.sentBefore >= sentMin) yield fetch
    }
  }

  /** Clients that do not answer. They are avoided for a while. */
  *silent(nowMs: number): Iterable<Load> {
    for (const load of this.#loads.values()) {
      if (load.outstanding === 0 || nowMs - load.activeMs < ANSWER_MS_MAX) continue
      if (load.holder.kind === 'site') continue
      load.avoidedUntilMs = nowMs + AVOIDED_MS
      yield load
    }
  }
}

/** The requests of a holder are withdrawn. */
export function cancelAll({ holder }: Load, blocks: Iterable<{ readonly block: Block }>): void {
  for (const { block } of blocks) holder.cancel(block)
}
