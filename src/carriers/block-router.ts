/**
 * Routes the requests for blocks of one torrent in one site: answers from the cache, joins a request to the same block
 * that is already on its way, or fetches the block from the best holder.
 *
 * A block is requested from one holder at a time. When the holder leaves, chokes the node or does not answer, the block
 * is requested from another one. A registered torrent is fetched in whole pieces, which are checked before their last
 * block is passed on (`piece-fetch.ts`). Of any other torrent, the blocks that clients request are fetched one by one.
 *
 * Bounds: the requesters bound their own outstanding requests, each holder has at most `outstandingMax`, and pieces that
 * arrive take at most half of the cache; requests for further pieces wait.
 */
import { BLOCK_BYTES_MAX } from '../core/limits.ts'
import { assert } from '../core/assert.ts'
import type { Block } from '../wire/peer/block.ts'
import type { BlockCache, TorrentCache } from './block-cache.ts'
import { blockKey, isSameBlock } from './block-key.ts'
import { type Fetch, FetchQueue, type Waiting } from './fetch-queue.ts'
import type { Holder, Requester } from './holder.ts'
import { CHOKED_WAIT_MS, type HolderLoad, Holders } from './holders.ts'
import { PieceFetch, type PieceResult } from './piece-fetch.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'

/** Blocks behind one that waits for a busy holder: another holder may be free for them. */
const SKIPPED_MAX = 16
/** A holder that has sent nothing for this time, although a block is outstanding, loses its requests for a while. */
const ANSWER_MS_MAX = 12_000
const AVOIDED_MS = 10_000

export interface RouterEvents {
  /** The piece is checked and cached. */
  onPiece(piece: number): void
  /** Blocks of this piece that were passed on may be wrong. */
  onInvalid(piece: number): void
  /** The holder sent wrong data. The caller removes it. */
  onLiar(holder: Holder, piece: number): void
  /** Clients of the site have the piece, and none of them answers. */
  onChoked(piece: number): void
  /** The holder sent bytes that are used. */
  onReceived(holder: Holder, bytes: number): void
  /** The holder sent a block that is not outstanding, such as one after its cancellation. */
  onUnrequested(holder: Holder, bytes: number): void
}

export interface RouterInit {
  /** Undefined where the torrent is not registered. */
  readonly geometry: TorrentGeometry | undefined
  readonly memory: BlockCache
  readonly cache: TorrentCache
  readonly nowMs: () => number
  readonly events: RouterEvents
}

interface Load extends HolderLoad {
  outstanding: number
  avoidedUntilMs: number
  readonly fetches: Map<number, Fetch<Load>>
  /** Time of the last block, or of the first request after none was outstanding. */
  activeMs: number
}

export type RequestResult = 'accepted' | 'out-of-range'

export class BlockRouter {
  readonly #init: RouterInit
  readonly #loads = new Map<Holder, Load>()
  readonly #holders = new Holders<Load>()
  readonly #fetches = new Map<number, Fetch<Load>>()
  readonly #queue = new FetchQueue<Load>()
  readonly #pieces = new Map<number, PieceFetch>()
  /** Requests for pieces that the cache has no room for. */
  #deferred: Waiting[] = []
  /** Pieces that were fetched once. */
  readonly #fetched = new Set<number>()
  #isPumping = false
  #pumpsAgain = false

  constructor(init: RouterInit) {
    this.#init = init
  }

  /** Blocks that have not been requested from a holder. */
  get queuedBlocks(): number {
    return this.#queue.size
  }

  // ---- Requests

  request(requester: Requester, block: Block): RequestResult {
    const { geometry, cache } = this.#init
    const whole = geometry === undefined ? block : geometry.blockAround(block)
    if (whole === undefined) return 'out-of-range'
    const waiting = { requester, block }
    const data = cache.get(whole.piece, whole.begin) ?? this.#arrivedBlock(whole)
    if (data !== undefined && isContained(block, whole.begin, data.length)) {
      deliver(waiting, whole, data)
      return 'accepted'
    }
    this.#wait(waiting, whole)
    this.#pump()
    return 'accepted'
  }

  /** The requester does not want the block any more. */
  cancel(requester: Requester, block: Block): void {
    const { geometry } = this.#init
    const whole = geometry === undefined ? block : geometry.blockAround(block)
    const isOther = (waiting: Waiting) =>
      waiting.requester !== requester || !isSameBlock(waiting.block, block)
    this.#deferred = this.#deferred.filter(isOther)
    const fetch = whole === undefined ? undefined : this.#fetches.get(blockKey(whole))
    if (fetch === undefined) return
    fetch.waiting = fetch.waiting.filter(isOther)
    // A piece that has begun is fetched to its end, and a block that a holder was asked for may be on its way: neither
    // is fetched a second time.
    if (fetch.waiting.length > 0 || geometry !== undefined || fetch.load !== undefined) return
    this.#fetches.delete(fetch.key)
    this.#queue.remove(fetch)
  }

  /** Fetches a whole piece into the cache. Returns false where there is no room for it. */
  fetchAhead(piece: number): boolean {
    if (this.#init.cache.has(piece) || this.#pieces.has(piece)) return true
    if (this.#begin(piece) === undefined) return false
    this.#pump()
    return true
  }

  #arrivedBlock({ piece, begin }: Block): Buffer | undefined {
    return this.#pieces.get(piece)?.at(begin / BLOCK_BYTES_MAX)
  }

  #wait(waiting: Waiting, whole: Block): void {
    const { geometry } = this.#init
    if (geometry !== undefined && !this.#pieces.has(whole.piece) && this.#begin(whole.piece) === undefined) {
      this.#deferred.push(waiting)
      return
    }
    const key = blockKey(whole)
    const fetch = this.#fetches.get(key) ?? this.#enqueue(whole)
    if (isSameBlock(fetch.block, whole)) fetch.waiting.push(waiting)
    // Two lengths at one position exist only where the geometry is not known: the later request waits its turn.
    else this.#deferred.push(waiting)
  }

  #begin(piece: number): PieceFetch | undefined {
    const { geometry, memory } = this.#init
    assert(geometry !== undefined, 'only registered torrents are fetched in pieces')
    if (!memory.pin(geometry.bytesOf(piece))) return undefined
    const fetch = new PieceFetch(geometry, piece)
    this.#pieces.set(piece, fetch)
    for (let index = 0; index < fetch.blocks; index++) this.#enqueue(geometry.block(piece, index))
    return fetch
  }

  #enqueue(block: Block): Fetch<Load> {
    const key = blockKey(block)
    const known = this.#fetches.get(key)
    if (known !== undefined) return known
    const fetch: Fetch<Load> = { key, block, waiting: [], waitsSinceMs: this.#init.nowMs(), load: undefined }
    this.#fetches.set(key, fetch)
    this.#queue.add(fetch)
    return fetch
  }

  // ---- Holders

  addHolder(holder: Holder): void {
    const load: Load = { holder, outstanding: 0, avoidedUntilMs: 0, fetches: new Map(), activeMs: 0 }
    this.#loads.set(holder, load)
    this.#holders.add(load)
  }

  /** Its blocks are requested from others. */
  removeHolder(holder: Holder): void {
    const load = this.#loads.get(holder)
    if (load === undefined) return
    this.#loads.delete(holder)
    this.#holders.remove(load)
    for (const fetch of this.#pieces.values()) if (fetch.only === holder) fetch.only = undefined
    this.#requeue(load)
    this.#pump()
  }

  /** The holder has choked the node, and drops its requests (BEP 3). */
  choked(holder: Holder): void {
    const load = this.#loads.get(holder)
    if (load === undefined) return
    this.#requeue(load)
    this.#pump()
  }

  /** The holder answers requests again, or has room for more of them. */
  ready(holder: Holder): void {
    for (const { piece } of this.#queue.parked()) if (holder.has(piece)) this.#queue.unpark(piece)
    this.#pump()
  }

  /** The holder has one piece more. */
  gained(holder: Holder, piece: number): void {
    if (holder.isReady && this.#queue.unpark(piece)) this.#pump()
  }

  // ---- Blocks

  /** The buffer is kept, not copied. */
  received(holder: Holder, block: Block, data: Buffer): void {
    const load = this.#loads.get(holder)
    const fetch = load?.fetches.get(blockKey(block))
    if (load === undefined || fetch === undefined || !isSameBlock(fetch.block, block))
      return this.#init.events.onUnrequested(holder, data.length)
    load.activeMs = this.#init.nowMs()
    this.#release(fetch)
    this.#fetches.delete(fetch.key)
    this.#init.events.onReceived(holder, data.length)
    const piece = this.#pieces.get(block.piece)
    if (piece === undefined) {
      this.#init.cache.add(block.piece, block.begin, data)
      this.#fetched.add(block.piece)
      deliverAll(fetch, data)
      this.#retryDeferred()
    } else this.#advance(piece, fetch, data, holder)
    this.#pump()
  }

  /** The data that the other side sent for this piece is wrong: the piece is fetched from the beginning. */
  discard(piece: number): void {
    const fetch = this.#pieces.get(piece)
    if (fetch === undefined) return
    const fresh = new PieceFetch(this.#init.geometry as TorrentGeometry, piece)
    this.#pieces.set(piece, fresh)
    for (let index = 0; index < fetch.blocks; index++)
      if (fetch.at(index) !== undefined)
        this.#enqueue((this.#init.geometry as TorrentGeometry).block(piece, index))
    this.#init.events.onInvalid(piece)
    this.#pump()
  }

  #advance(piece: PieceFetch, fetch: Fetch<Load>, data: Buffer, holder: Holder): void {
    const result = piece.add(fetch.block.begin / BLOCK_BYTES_MAX, data, holder)
    if (result.state === 'incomplete') return deliverAll(fetch, data)
    if (result.state === 'valid') this.#complete(piece, fetch, data)
    else this.#restart(piece, fetch)
    this.#blame(piece.piece, result)
  }

  #complete(piece: PieceFetch, last: Fetch<Load>, data: Buffer): void {
    const { cache, memory, events } = this.#init
    this.#pieces.delete(piece.piece)
    memory.unpin(piece.bytes)
    let begin = 0
    for (const block of piece.whole()) {
      cache.add(piece.piece, begin, block)
      begin += block.length
    }
    this.#fetched.add(piece.piece)
    deliverAll(last, data)
    events.onPiece(piece.piece)
    this.#retryDeferred()
  }

  /** All blocks are fetched again. Those who wait for the last one wait on. */
  #restart(piece: PieceFetch, last: Fetch<Load>): void {
    const geometry = this.#init.geometry as TorrentGeometry
    this.#init.events.onInvalid(piece.piece)
    for (let index = 0; index < piece.blocks; index++) {
      const fetch = this.#enqueue(geometry.block(piece.piece, index))
      if (fetch.key === last.key) fetch.waiting.push(...last.waiting)
    }
  }

  #blame(piece: number, { liars }: PieceResult): void {
    for (const liar of liars) this.#init.events.onLiar(liar, piece)
  }

  #retryDeferred(): void {
    if (this.#deferred.length === 0) return
    for (const { requester, block } of this.#deferred.splice(0)) this.request(requester, block)
  }

  // ---- The queue

  /** Looks for holders that do not answer. Called about once a second. */
  tick(): void {
    const nowMs = this.#init.nowMs()
    for (const load of this.#loads.values()) {
      if (load.outstanding === 0 || nowMs - load.activeMs < ANSWER_MS_MAX) continue
      load.avoidedUntilMs = nowMs + AVOIDED_MS
      for (const { block } of load.fetches.values()) load.holder.cancel(block)
      this.#requeue(load)
    }
    // The next kind of holder is asked, or a holder that was avoided.
    for (const { piece, sinceMs } of this.#queue.parked())
      if (nowMs - sinceMs >= CHOKED_WAIT_MS) this.#queue.unpark(piece)
    // Another torrent may have given memory back.
    this.#retryDeferred()
    this.#pump()
  }

  #pump(): void {
    if (this.#isPumping) {
      this.#pumpsAgain = true
      return
    }
    this.#isPumping = true
    do {
      this.#pumpsAgain = false
      this.#assignQueued()
    } while (this.#pumpsAgain)
    this.#isPumping = false
  }

  #assignQueued(): void {
    let skipped = 0
    for (const fetch of this.#queue.queued) {
      const choice = this.#choose(fetch)
      if (choice === 'busy') {
        if (++skipped >= SKIPPED_MAX) return
        continue
      }
      if (choice === 'choked' || choice === 'none') {
        const isFirst = this.#queue.park(fetch)
        if (isFirst && choice === 'choked') this.#init.events.onChoked(fetch.block.piece)
      } else this.#ask(choice, fetch)
    }
  }

  #choose({ block: { piece }, waitsSinceMs }: Fetch<Load>): Load | 'busy' | 'choked' | 'none' {
    const nowMs = this.#init.nowMs()
    const only = this.#pieces.get(piece)?.only
    const load = only === undefined ? undefined : this.#loads.get(only)
    if (load !== undefined && load.holder.isReady && load.avoidedUntilMs <= nowMs)
      return load.outstanding < load.holder.outstandingMax ? load : 'busy'
    return this.#holders.choose({
      piece,
      wasFetched: this.#fetched.has(piece),
      waitedMs: nowMs - waitsSinceMs,
      nowMs,
    })
  }

  #ask(load: Load, fetch: Fetch<Load>): void {
    this.#queue.take(fetch)
    const piece = this.#pieces.get(fetch.block.piece)
    if (piece?.isSuspect === true) piece.only ??= load.holder
    if (load.outstanding === 0) load.activeMs = this.#init.nowMs()
    load.outstanding++
    load.fetches.set(fetch.key, fetch)
    fetch.load = load
    load.holder.request(fetch.block)
  }

  #release(fetch: Fetch<Load>): void {
    const { load } = fetch
    if (load === undefined) return
    load.fetches.delete(fetch.key)
    load.outstanding--
    fetch.load = undefined
  }

  #requeue(load: Load): void {
    const nowMs = this.#init.nowMs()
    for (const fetch of load.fetches.values()) {
      fetch.load = undefined
      fetch.waitsSinceMs = nowMs
      this.#queue.add(fetch)
    }
    load.fetches.clear()
    load.outstanding = 0
  }

  /** Holders that have the piece and do not answer. */
  chokedHolders(piece: number): Iterable<Holder> {
    return this.#holders.choked(piece)
  }
}

function isContained({ begin, length }: Block, from: number, bytes: number): boolean {
  return begin >= from && begin + length <= from + bytes
}

function deliverAll(fetch: Fetch<Load>, data: Buffer): void {
  for (const waiting of fetch.waiting) deliver(waiting, fetch.block, data)
}

function deliver({ requester, block }: Waiting, whole: Block, data: Buffer): void {
  const start = block.begin - whole.begin
  requester.deliver(block, data.subarray(start, start + block.length))
}
