/**
 * Blocks without a holder: those that wait for a free request of any holder, in the order of their requests, and those
 * that no holder can serve at present, by piece.
 */
import type { Block } from '../wire/peer/block.ts'
import { blockKey } from './block-key.ts'
import type { Requester } from './holder.ts'

export interface Waiting {
  readonly requester: Requester
  /** The block as the requester asked for it, a part of the fetched one. */
  readonly block: Block
}

/** One block that was not received yet. */
export interface Fetch<Load> {
  readonly key: number
  readonly block: Block
  waiting: Waiting[]
  /** Since when no holder was found. */
  waitsSinceMs: number
  /** The holder that was asked for the block. */
  load: Load | undefined
  /** When it was asked, and blocks that it had sent before. */
  askedMs: number
  sentBefore: number
  /** Of a torrent that is not registered: hosts that requested the block, and holders that did not send it. */
  readonly hosts: Set<string>
  failures: number
}

export function fetchOf<Load>(block: Block, nowMs: number): Fetch<Load> {
  return {
    key: blockKey(block),
    block,
    waiting: [],
    waitsSinceMs: nowMs,
    load: undefined,
    askedMs: 0,
    sentBefore: 0,
    hosts: new Set(),
    failures: 0,
  }
}

export class FetchQueue<Load> {
  readonly #queued = new Set<Fetch<Load>>()
  readonly #parked = new Map<number, Set<Fetch<Load>>>()

  get size(): number {
    return this.#queued.size
  }

  /** Blocks that wait for a free request. May change during the iteration. */
  get queued(): Iterable<Fetch<Load>> {
    return this.#queued
  }

  add(fetch: Fetch<Load>): void {
    this.#queued.add(fetch)
  }

  /** A holder is asked for the block. */
  take(fetch: Fetch<Load>): void {
    this.#queued.delete(fetch)
  }

  /** No holder can serve the block. Returns whether it is the first one of its piece. */
  park(fetch: Fetch<Load>): boolean {
    this.#queued.delete(fetch)
    const { piece } = fetch.block
    const parked = this.#parked.get(piece) ?? new Set()
    parked.add(fetch)
    this.#parked.set(piece, parked)
    return parked.size === 1
  }

  remove(fetch: Fetch<Load>): void {
    this.#queued.delete(fetch)
    const parked = this.#parked.get(fetch.block.piece)
    if (parked?.delete(fetch) === true && parked.size === 0) this.#parked.delete(fetch.block.piece)
  }

  /** Queues the parked blocks of the piece. Returns whether there are any. */
  unpark(piece: number): boolean {
    const parked = this.#parked.get(piece)
    if (parked === undefined) return false
    this.#parked.delete(piece)
    for (const fetch of parked) this.#queued.add(fetch)
    return true
  }

  /** Pieces with parked blocks, and since when the first of them waits. */
  *parked(): Iterable<{ readonly piece: number; readonly sinceMs: number }> {
    for (const [piece, fetches] of this.#parked)
      for (const { waitsSinceMs } of fetches) {
        yield { piece, sinceMs: waitsSinceMs }
        break
      }
  }
}

/** Whether `bytes` from this position on contain the block. */
export function isContained({ begin, length }: Block, from: number, bytes: number): boolean {
  return begin >= from && begin + length <= from + bytes
}

/** `whole`: contains the block that the requester waits for. */
export function deliver({ requester, block }: Waiting, whole: Block, data: Buffer): void {
  const start = block.begin - whole.begin
  requester.deliver(block, data.subarray(start, start + block.length))
}

export function deliverAll({ waiting, block }: Fetch<unknown>, data: Buffer): void {
  for (const one of waiting) deliver(one, block, data)
}
