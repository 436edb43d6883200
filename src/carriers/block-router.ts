/**
 * Routes the requests for blocks of one torrent in one site: answers from the cache, joins a request to the same block
 * that is already on its way, or fetches the block from the best holder.
 *
 * A block is requested from one holder at a time. When the holder leaves, chokes the node or does not answer, the block
 * is requested from another one. A registered torrent is fetched in whole pieces, which are checked before their last
 * block is passed on (`piece-fetch.ts`). Of any other torrent, the blocks that clients request are fetched one by one.
 *
 * Bounds: the requesters bound their own outstanding requests, each holder has at most `outstandingMax`, and pieces that
 * arrive are held in the cache; requests for further pieces wait.
 */
import { assert } from '../core/assert.ts'
import { BLOCK_BYTES_MAX } from '../core/limits.ts'
import type { Block } from '../wire/peer/block.ts'
import type { SiteBlocks } from './block-cache.ts'
import { isSameBlock } from './block-key.ts'
import { deliver, deliverAll, type Fetch, isContained, type Waiting } from './fetch-queue.ts'
import { Fetches } from './fetches.ts'
import type { Holder, Requester } from './holder.ts'
import type { Load } from './holder-loads.ts'
import { CHOKED_WAIT_MS } from './holders.ts'
import { PieceFetch } from './piece-fetch.ts'
import type { RequestResult, RouterInit } from './router-init.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'

/** Blocks behind one that waits for a busy holder: another holder may be free for them. */
const SKIPPED_MAX = 16
/** Pause between two looks at the blocks that no holder can serve. */
const PARKED_LOOK_MS = 1_000

export class BlockRouter {
  readonly #init: RouterInit
  readonly #fetches: Fetches
  readonly #pieces = new Map<number, PieceFetch>()
  /** Requests for pieces that the cache has no room for, and all requests while the site is on hold. */
  #deferred: Waiting[] = []
  /** Pieces that were fetched once. */
  readonly #fetched = new Set<number>()
  #geometry: TorrentGeometry | undefined
  #cache: SiteBlocks
  #isOnHold = false
  #parkedLookMs = 0
  #isPumping = false
  #pumpsAgain = false

  constructor(init: RouterInit) {
    this.#init = init
    this.#geometry = init.geometry
    this.#cache = init.cache
    this.#fetches = new Fetches(init.nowMs, init.geometry === undefined ? init.unproven : undefined)
  }

  /** A block was requested, and has not arrived. */
  get isWaiting(): boolean {
    return this.#fetches.size > 0
  }

  /** Blocks that have not been requested from a holder. */
  get queuedBlocks(): number {
    return this.#fetches.queue.size
  }

  /**
   * The torrent was registered. The blocks in the cache and on their way are not checked, therefore they are fetched
   * again, in whole pieces.
   */
  setGeometry(geometry: TorrentGeometry, cache: SiteBlocks): void {
    const waiting = [...this.#fetches.all()].flatMap((fetch) => fetch.waiting).concat(this.#deferred)
    this.#withdraw()
    this.#fetches.restart()
    this.#deferred = []
    this.#geometry = geometry
    this.#cache = cache
    for (const { requester, block } of waiting) this.request(requester, block)
  }

  /** On hold, no block is requested from a holder and none is delivered. */
  setHold(isOnHold: boolean): void {
    if (isOnHold === this.#isOnHold) return
    this.#isOnHold = isOnHold
    if (isOnHold) return this.#withdraw()
    this.#retryDeferred()
    this.#pump()
  }

  #withdraw(): void {
    for (const load of this.#fetches.loads.all()) this.#fetches.withdraw(load)
  }

  // ---- Requests

  request(requester: Requester, block: Block): RequestResult {
    const whole = this.#geometry === undefined ? block : this.#geometry.blockAround(block)
    if (whole === undefined) return 'out-of-range'
    const { piece, begin } = whole
    const waiting = { requester, block }
    if (this.#isOnHold) {
      this.#deferred.push(waiting)
      return 'accepted'
    }
    const data = this.#cache.get(piece, begin) ?? this.#pieces.get(piece)?.at(begin / BLOCK_BYTES_MAX)
    if (data !== undefined && isContained(block, begin, data.length)) {
      deliver(waiting, whole, data)
      return 'accepted'
    }
    this.#wait(waiting, whole)
    this.#pump()
    return 'accepted'
  }

  /** The requester does not want the block any more. */
  cancel(requester: Requester, block: Block): void {
    const geometry = this.#geometry
    const whole = geometry === undefined ? block : geometry.blockAround(block)
    const isOther = (waiting: Waiting) =>
      waiting.requester !== requester || !isSameBlock(waiting.block, block)
    this.#deferred = this.#deferred.filter(isOther)
    const fetch = whole === undefined ? undefined : this.#fetches.get(whole)
    if (fetch === undefined) return
    fetch.waiting = fetch.waiting.filter(isOther)
    // A piece that has begun is fetched to its end, and a block that a holder was asked for may be on its way: neither
    // is fetched a second time.
    if (fetch.waiting.length > 0 || geometry !== undefined || fetch.load !== undefined) return
    this.#fetches.remove(fetch)
  }

  /** Fetches a whole piece into the cache, and holds it there. Returns false where there is no room for it. */
  fetchAhead(piece: number): boolean {
    if (this.#isOnHold) return false
    if (this.#pieces.has(piece)) return true
    if (this.#cache.has(piece)) {
      const isHeld = this.#cache.hold(piece, this.#bytesOf(piece), true)
      if (isHeld) this.#init.events.onPiece(piece)
      return isHeld
    }
    if (this.#begin(piece, true) === undefined) return false
    this.#pump()
    return true
  }

  /** Fetches blocks into the cache for which no requester waits. */
  prefetch(blocks: Iterable<Block>): void {
    for (const block of blocks)
      if (this.#cache.get(block.piece, block.begin) === undefined) this.#fetches.enqueue(block)
    this.#pump()
  }

  #bytesOf(piece: number): number {
    return (this.#geometry as TorrentGeometry).bytesOf(piece)
  }

  #wait(waiting: Waiting, whole: Block): void {
    const { piece } = whole
    if (this.#geometry !== undefined && !this.#pieces.has(piece) && this.#begin(piece, false) === undefined) {
      this.#deferred.push(waiting)
      return
    }
    const fetch = this.#fetches.enqueue(whole, waiting.requester.host)
    if (isSameBlock(fetch.block, whole)) fetch.waiting.push(waiting)
    // Two lengths at one position exist only where the geometry is not known: the later request waits its turn.
    else this.#deferred.push(waiting)
  }

  #begin(piece: number, isAhead: boolean): PieceFetch | undefined {
    const geometry = this.#geometry
    assert(geometry !== undefined, 'only registered torrents are fetched in pieces')
    if (!this.#cache.hold(piece, geometry.bytesOf(piece), isAhead)) return undefined
    const fetch = new PieceFetch(geometry, piece)
    this.#pieces.set(piece, fetch)
    for (let index = 0; index < fetch.blocks; index++) this.#fetches.enqueue(geometry.block(piece, index))
    return fetch
  }

  // ---- Holders

  addHolder(holder: Holder): void {
    this.#fetches.loads.add(holder)
  }

  /** Its blocks are requested from others. */
  removeHolder(holder: Holder): void {
    const load = this.#fetches.loads.remove(holder)
    if (load === undefined) return
    for (const fetch of this.#pieces.values()) if (fetch.only === holder) fetch.only = undefined
    this.#fetches.requeue(load, holder.kind !== 'site')
    this.#pump()
  }

  /** The connection of the holder ended, and the holder may return. Until `removeHolder`, other kinds are not asked. */
  setAway(holder: Holder, untilMs: number): void {
    const load = this.#fetches.loads.setAway(holder, untilMs)
    if (load === undefined) return
    this.#fetches.requeue(load, true)
    this.#pump()
  }

  /** The holder is not asked any more. */
  retire(holder: Holder): void {
    this.#fetches.loads.setAway(holder, Infinity)
  }

  /** The holder is asked only where no other one has the piece, or as any other one again. */
  setLast(holder: Holder, isLast: boolean): void {
    const load = this.#fetches.loads.setLast(holder, isLast)
    if (load === undefined) return
    if (isLast) this.#fetches.withdraw(load, true)
    for (const { piece } of this.#fetches.queue.parked()) this.#fetches.queue.unpark(piece)
    this.#pump()
  }

  /** The holder has choked the node, and drops its requests (BEP 3). */
  choked(holder: Holder): void {
    const load = this.#fetches.loads.get(holder)
    if (load === undefined) return
    this.#fetches.requeue(load)
    this.#pump()
  }

  /** The holder answers requests again, or has room for more of them. */
  ready(holder: Holder): void {
    for (const { piece } of this.#fetches.queue.parked())
      if (holder.has(piece)) this.#fetches.queue.unpark(piece)
    this.#pump()
  }

  /** The holder has one piece more. */
  gained(holder: Holder, piece: number): void {
    if (holder.isReady && this.#fetches.queue.unpark(piece)) this.#pump()
  }

  /** Holders that have the piece and do not answer. */
  chokedHolders(piece: number): Iterable<Holder> {
    return this.#fetches.loads.choked(piece)
  }

  // ---- Blocks

  /** The buffer is kept, not copied. */
  received(holder: Holder, block: Block, data: Buffer): void {
    const load = this.#fetches.loads.get(holder)
    const fetch = this.#fetches.get(block)
    const piece = this.#pieces.get(block.piece)
    const isSuspect = piece?.isSuspect === true && piece.only !== holder
    if (load === undefined || fetch === undefined || isSuspect || !isSameBlock(fetch.block, block))
      return this.#init.events.onUnrequested(holder, data.length)
    load.activeMs = this.#init.nowMs()
    load.sent++
    // A holder that choked the node, or was late, sends a block that another one may have been asked for since.
    if (fetch.load === undefined) this.#fetches.queue.remove(fetch)
    else if (fetch.load !== load) fetch.load.holder.cancel(fetch.block)
    this.#fetches.arrived(fetch, holder)
    this.#init.events.onReceived(holder, data.length)
    if (piece === undefined) {
      this.#cache.add(block.piece, block.begin, data)
      this.#fetched.add(block.piece)
      deliverAll(fetch, data)
      this.#retryDeferred()
    } else this.#advance(piece, fetch, data, holder)
    this.#pump()
  }

  /** The holder does not deliver a block that it was asked for. */
  refused(holder: Holder, block: Block): void {
    this.#fetches.refused(holder, block)
    this.#pump()
  }

  /** The data that the other side sent for this piece is wrong: the piece is fetched from the beginning. */
  discard(piece: number): void {
    const fetch = this.#pieces.get(piece)
    const geometry = this.#geometry
    if (fetch === undefined || geometry === undefined) return
    this.#pieces.set(piece, new PieceFetch(geometry, piece))
    for (let index = 0; index < fetch.blocks; index++)
      if (fetch.at(index) !== undefined) this.#fetches.enqueue(geometry.block(piece, index))
    this.#init.events.onInvalid(piece)
    this.#pump()
  }

  #advance(piece: PieceFetch, fetch: Fetch<Load>, data: Buffer, holder: Holder): void {
    const result = piece.add(fetch.block.begin / BLOCK_BYTES_MAX, data, holder)
    if (result.state === 'incomplete') return deliverAll(fetch, data)
    if (result.state === 'valid') this.#complete(piece, fetch, data)
    else this.#restart(piece, fetch)
    for (const liar of result.liars) this.#init.events.onLiar(liar, piece.piece)
  }

  #complete(piece: PieceFetch, last: Fetch<Load>, data: Buffer): void {
    this.#pieces.delete(piece.piece)
    let begin = 0
    for (const block of piece.whole()) {
      this.#cache.add(piece.piece, begin, block)
      begin += block.length
    }
    this.#fetched.add(piece.piece)
    deliverAll(last, data)
    this.#init.events.onPiece(piece.piece)
    this.#retryDeferred()
  }

  /** All blocks are fetched again. Those who wait for the last one wait on. */
  #restart(piece: PieceFetch, last: Fetch<Load>): void {
    const geometry = this.#geometry as TorrentGeometry
    this.#init.events.onInvalid(piece.piece)
    for (let index = 0; index < piece.blocks; index++) {
      const fetch = this.#fetches.enqueue(geometry.block(piece.piece, index))
      if (fetch.key === last.key) fetch.waiting.push(...last.waiting)
    }
  }

  /** Memory is free again. */
  retry(): void {
    this.#retryDeferred()
    this.#pump()
  }

  #retryDeferred(): void {
    if (this.#deferred.length === 0 || this.#isOnHold) return
    for (const { requester, block } of this.#deferred.splice(0)) this.request(requester, block)
  }

  // ---- The queue

  /** Looks for holders that do not answer. Called a few times a second. */
  tick(): void {
    const nowMs = this.#init.nowMs()
    this.#fetches.tick(nowMs)
    if (nowMs - this.#parkedLookMs >= PARKED_LOOK_MS) {
      this.#parkedLookMs = nowMs
      // The next kind of holder is asked, or a holder that was avoided.
      for (const { piece, sinceMs } of this.#fetches.queue.parked())
        if (nowMs - sinceMs >= CHOKED_WAIT_MS) this.#fetches.queue.unpark(piece)
    }
    // Another torrent may have given memory back.
    this.retry()
  }

  #pump(): void {
    if (this.#isPumping) {
      this.#pumpsAgain = true
      return
    }
    this.#isPumping = true
    do {
      this.#pumpsAgain = false
      if (!this.#isOnHold) this.#assignQueued()
    } while (this.#pumpsAgain)
    this.#isPumping = false
  }

  #assignQueued(): void {
    let skipped = 0
    const nowMs = this.#init.nowMs()
    for (const fetch of this.#fetches.queue.queued) {
      const { piece } = fetch.block
      const wish = {
        piece,
        wasFetched: this.#fetched.has(piece),
        waitedMs: nowMs - fetch.waitsSinceMs,
        nowMs,
      }
      const choice = this.#fetches.loads.choose(wish, this.#pieces.get(piece)?.only)
      if (choice === 'busy') {
        if (++skipped >= SKIPPED_MAX) return
        continue
      }
      if (choice === 'choked' || choice === 'none') {
        const isFirst = this.#fetches.queue.park(fetch)
        if (isFirst && choice === 'choked') this.#init.events.onChoked(piece)
      } else this.#ask(choice, fetch)
    }
  }

  #ask(load: Load, fetch: Fetch<Load>): void {
    this.#fetches.queue.take(fetch)
    const piece = this.#pieces.get(fetch.block.piece)
    if (piece?.isSuspect === true) piece.only ??= load.holder
    this.#fetches.loads.ask(load, fetch, this.#init.nowMs())
  }
}
