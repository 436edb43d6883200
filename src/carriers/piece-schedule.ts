/**
 * Begins the pieces of one torrent in one site and offers them to its hosts, as far as the windows of the hosts, the
 * requests of the holders and the memory allow.
 *
 * A torrent is fetched into the cache in the order of its pieces, and a piece is offered once it was begun: a host that
 * requests it does not wait long. It stays in memory until a host of the site has it. While the size of a piece is not
 * known, pieces are offered first, and fetched ahead of the requests for them once it is.
 *
 * Hosts exchange most pieces with each other. A host with a free window is also offered pieces that other hosts have, from
 * the cache, while no new piece is there for it; and each piece that it lacks, once each piece was offered to one host and no
 * block for another site waits. A host that has fewer pieces than most others (`hosts-behind.ts`) is offered such pieces
 * before that, and no new ones.
 */
import type { Random } from '../core/random.ts'
import type { PieceSet } from '../wire/peer/piece-set.ts'
import type { SiteBlocks } from './block-cache.ts'
import type { BlockRouter } from './block-router.ts'
import type { CarriedClient } from './carried-client.ts'
import { findHostsBehind } from './hosts-behind.ts'
import type { LearnedPieceSize } from './learned-piece-size.ts'
import { PieceAssignment } from './piece-assignment.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'

/** Pieces that were fetched and not offered yet: as much as all hosts of a site take in a moment. */
const AHEAD_BYTES_MAX = 33_554_432
const AHEAD_PIECES_MIN = 2
/** Blocks that wait for a free request of a holder. Below that, the next piece is begun. */
const QUEUED_BLOCKS_MIN = 64
/** A piece of which no host received a block in this time may be evicted. Longer than two offers last. */
const KEPT_MS_MAX = 30_000
/**
 * Pieces of other hosts that a host is offered while the site fills or blocks for other sites wait, and bytes of them that the
 * site is offered: new pieces and other sites keep most of the link of the node. A host that is behind is offered as many
 * bytes in addition: 160 ms at 100 Mbit/s.
 */
const EARLY_LATE_MAX = 2
const EARLY_LATE_BYTES_MAX = 2_097_152
/** Hosts that receive late offers in one tick, and hosts of a site whose late offers do not wait for the tick. */
const LATE_HOSTS_MAX = 256
const LATE_AT_ONCE_HOSTS_MAX = 64

export interface ScheduleInit {
  readonly geometry: TorrentGeometry | undefined
  readonly router: BlockRouter
  readonly cache: SiteBlocks
  /** Of a torrent that is not registered. */
  readonly pieceSize: LearnedPieceSize
  /** Pieces that the site can deliver. */
  readonly available: PieceSet
  readonly pieces: number
  /** The first piece in the order. */
  readonly start: number
  /**
   * The node is in another site: what a host receives from it crosses the link of the site, although another host may
   * have it.
   */
  readonly isRemote: () => boolean
  /** The connections to other nodes have blocks to send, which come before late offers. */
  readonly isCongested: () => boolean
  readonly random: Random
  readonly nowMs: () => number
}

interface LateOffers {
  /** Late offers to the host at the same time. */
  readonly lateMax: number
  readonly isOfferable: (piece: number) => boolean
}

const ANY: LateOffers = { lateMax: Infinity, isOfferable: () => true }
const NONE: LateOffers = { lateMax: 0, isOfferable: () => false }

export class PieceSchedule {
  readonly assignment: PieceAssignment<CarriedClient>
  readonly #init: ScheduleInit
  /** Pieces that were begun and not offered. */
  readonly #begun = new Set<number>()
  /** Pieces that were offered and not begun. */
  readonly #offeredFirst = new Set<number>()
  /**
   * Pieces in memory that no host has, with the time of their arrival, or where they are not checked the begin, or of the last
   * block that a host received.
   */
  readonly #kept = new Map<number, number>()
  #geometry: TorrentGeometry | undefined
  #cache: SiteBlocks
  #isRunning = false
  /** No piece can be begun until something changes. */
  #isExhausted = false
  #isOnHold = false
  #lateTurn = 0
  /** Late offers to hosts that are behind, at the last tick. */
  #offersBehind = 0
  /** Time of the last piece that no host of the site had before. */
  #filledMs: number

  constructor(init: ScheduleInit) {
    this.#init = init
    this.#geometry = init.geometry
    this.#cache = init.cache
    this.#filledMs = init.nowMs()
    this.assignment = new PieceAssignment(init)
  }

  addHost(host: CarriedClient): void {
    this.assignment.addHost(host)
    if (host.leftKib !== undefined) this.#init.pieceSize.announced(host.leftKib, this.assignment.pieces)
  }

  /** The torrent was registered, and has as many pieces as before. */
  setGeometry(geometry: TorrentGeometry, cache: SiteBlocks): void {
    this.#geometry = geometry
    this.#cache = cache
  }

  /** On hold, nothing is offered and no memory is held. */
  setHold(isOnHold: boolean): void {
    this.#isOnHold = isOnHold
    if (isOnHold) this.#expire(this.#init.nowMs(), false)
  }

  /** `needsPieces`: hosts of the site lack pieces. A site that only forwards them fetches on demand. */
  run(needsPieces: boolean): void {
    // A piece that is cached is delivered at once, and calls this again.
    if (this.#isRunning || this.#isOnHold) return
    this.#isRunning = true
    const nowMs = this.#init.nowMs()
    const { available } = this.#init
    const pieceBytes = this.#pieceBytes
    for (;;) {
      if (pieceBytes !== undefined && needsPieces) this.#fetchAhead(pieceBytes)
      if (!this.assignment.hasOpenHost) break
      const piece =
        pieceBytes === undefined ? this.assignment.nextNew((next) => available.has(next)) : this.#firstBegun()
      const offer = piece === undefined ? undefined : this.assignment.offerNew(piece, nowMs)
      if (offer === undefined) break
      if (!this.#begun.delete(offer.piece)) this.#offeredFirst.add(offer.piece)
      offer.host.link?.have(offer.piece)
    }
    this.#isRunning = false
  }

  /** Undefined until it is known. */
  get #pieceBytes(): number | undefined {
    return this.#geometry?.pieceBytes ?? this.#init.pieceSize.bytes
  }

  /** The site can deliver another piece, or a host lost one. `run` follows. */
  wake(): void {
    this.#isExhausted = false
  }

  #firstBegun(): number | undefined {
    for (const piece of this.#begun) {
      if (this.assignment.isNew(piece)) return piece
      // A host of the site got it from elsewhere.
      this.#begun.delete(piece)
    }
    return undefined
  }

  // ---- Memory

  /** The piece is in memory, and held there. */
  arrived(piece: number, needsPieces: boolean): void {
    if (needsPieces && this.assignment.hostsWith(piece) === 0) this.#kept.set(piece, this.#init.nowMs())
    else this.#release(piece)
  }

  /** A host of the site has the piece. */
  gained(piece: number): void {
    if (this.assignment.hostsWith(piece) === 1) this.#filledMs = this.#init.nowMs()
    if (this.#kept.delete(piece)) this.#release(piece)
  }

  /** A host is about to have a piece that it was offered. */
  learnPieceSize(piece: number): void {
    const { pieceSize } = this.#init
    const isLast = piece === this.assignment.pieces - 1
    if (this.#pieceBytes !== undefined || isLast || this.assignment.hostsWith(piece) > 0) return
    pieceSize.completed(this.#cache.bytesOf(piece))
    this.wake()
  }

  #release(piece: number): void {
    this.#isExhausted = false
    this.#cache.release(piece)
  }

  /** A block of the piece, up to this position, was passed to a host. */
  served(piece: number, end: number): void {
    if (this.#pieceBytes === undefined) {
      this.#init.pieceSize.sent(end)
      this.wake()
    }
    if (this.#kept.has(piece)) this.#kept.set(piece, this.#init.nowMs())
  }

  #expire(nowMs: number, needsPieces: boolean): void {
    for (const [piece, sinceMs] of this.#kept) {
      if (needsPieces && nowMs - sinceMs < KEPT_MS_MAX) continue
      this.#kept.delete(piece)
      this.#begun.delete(piece)
      this.#release(piece)
    }
  }

  // ---- Late offers

  /** Called a few times a second. */
  tick(hosts: readonly CarriedClient[], needsPieces: boolean): void {
    if (this.#isOnHold) return
    const nowMs = this.#init.nowMs()
    this.assignment.expire(nowMs)
    this.#expire(nowMs, needsPieces)
    findHostsBehind(hosts, !this.#init.isRemote() && !this.assignment.isDistributed)
    this.#offersBehind = 0
    for (const { assigned } of hosts) if (assigned.isBehind) this.#offersBehind += assigned.late.size
    this.wake()
    this.run(needsPieces)
    const count = Math.min(LATE_HOSTS_MAX, hosts.length)
    for (let at = 0; at < count; at++)
      this.#offerLate(hosts[(this.#lateTurn + at) % hosts.length] as CarriedClient)
    this.#lateTurn = hosts.length === 0 ? 0 : (this.#lateTurn + count) % hosts.length
  }

  /** The host has one piece more. */
  offerNext(host: CarriedClient, hosts: number): void {
    if (hosts <= LATE_AT_ONCE_HOSTS_MAX) this.#offerLate(host)
  }

  /** The host is going to receive another offer. */
  mayOffer({ assigned }: CarriedClient): boolean {
    if (this.#isOnHold) return false
    if (!this.assignment.isDistributed) return true
    return !this.#init.isRemote() && assigned.told.count < this.assignment.pieces
  }

  /** Pieces that the host lacks and that another host has or was offered. */
  #offerLate(host: CarriedClient): void {
    if (this.#isOnHold) return
    const nowMs = this.#init.nowMs()
    const offers = this.#init.isRemote() ? this.#lateOverLink(host, nowMs) : this.#lateInSite(host, nowMs)
    for (const piece of this.assignment.offerLate(host, { ...offers, nowMs })) host.link?.have(piece)
  }

  #lateInSite(host: CarriedClient, nowMs: number): LateOffers {
    if (this.assignment.isDistributed) return this.#lateOfDistributed(host, nowMs)
    const mustWait = !host.assigned.isBehind && (this.#begun.size > 0 || this.#init.isCongested())
    if (mustWait) return NONE
    const isOfferable = (piece: number) => this.assignment.hostsWith(piece) > 0 && this.#cache.has(piece)
    return { lateMax: this.#earlyLateMax(host), isOfferable }
  }

  /**
   * Hosts that exchange their pieces get few of them from the node while blocks for other sites wait: of its link, each of a
   * thousand connections to hosts would take as much as that to the next site.
   */
  #lateOfDistributed(host: CarriedClient, nowMs: number): LateOffers {
    const getsFromHosts =
      host.sendsHave &&
      !host.dependsOnNode(nowMs, this.#filledMs) &&
      !host.lacksLastPieces(this.assignment.pieces, nowMs, this.#filledMs)
    if (!getsFromHosts || !this.#init.isCongested()) return ANY
    return { ...ANY, lateMax: this.#earlyLateMax(host) }
  }

  /** From a node in another site. */
  #lateOverLink(host: CarriedClient, nowMs: number): LateOffers {
    if (!this.assignment.isDistributed) return NONE
    if (host.dependsOnNode(nowMs, this.#filledMs)) return ANY
    if (!host.lacksLastPieces(this.assignment.pieces, nowMs, this.#filledMs)) return NONE
    // One at a time, and no piece that is on its way to another host.
    return { lateMax: 1, isOfferable: (piece) => this.assignment.hostsWith(piece) > 0 }
  }

  #earlyLateMax({ assigned }: CarriedClient): number {
    const pieceBytes = this.#pieceBytes ?? EARLY_LATE_BYTES_MAX / EARLY_LATE_MAX
    const piecesMax = Math.max(1, EARLY_LATE_BYTES_MAX / pieceBytes)
    if (assigned.isBehind) return Math.max(EARLY_LATE_MAX, piecesMax)
    const left = piecesMax - (this.assignment.lateOffers - this.#offersBehind)
    return Math.min(EARLY_LATE_MAX, assigned.late.size + left)
  }

  #fetchAhead(pieceBytes: number): void {
    const { router, available } = this.#init
    const aheadMax = Math.max(AHEAD_PIECES_MIN, AHEAD_BYTES_MAX / pieceBytes)
    for (const piece of this.#offeredFirst) {
      if (router.queuedBlocks >= QUEUED_BLOCKS_MIN) return
      if (this.assignment.isAssigned(piece) && !this.#begin(piece, pieceBytes)) break
      this.#offeredFirst.delete(piece)
    }
    while (!this.#isExhausted && this.#begun.size < aheadMax && router.queuedBlocks < QUEUED_BLOCKS_MIN) {
      const piece = this.assignment.nextNew((next) => !this.#begun.has(next) && available.has(next))
      if (piece === undefined || !this.#begin(piece, pieceBytes)) this.#isExhausted = true
      else this.#begun.add(piece)
    }
  }

  /** Returns false where there is no room for the piece. */
  #begin(piece: number, pieceBytes: number): boolean {
    const { router, pieceSize, nowMs } = this.#init
    if (this.#geometry !== undefined) return router.fetchAhead(piece)
    // The last piece is smaller. It is fetched when a host requests it.
    if (piece === this.assignment.pieces - 1) return true
    if (!this.#cache.hold(piece, pieceBytes, true)) return false
    this.#kept.set(piece, nowMs())
    router.prefetch(pieceSize.blocks(piece))
    return true
  }
}
