/**
 * Decides which host of a site is offered which piece of one torrent.
 *
 * While the site fills, each piece is offered to one host, so that the hosts hold disjoint pieces at once and exchange
 * them directly. The order of the pieces is the same in all sites, so that the cache of one carrier serves the others.
 * When each piece is at a host or offered to one, the pieces that a host still lacks are offered to it, the rarest of
 * the site first.
 *
 * A piece counts as offered until the host has it. It is offered to another host when the host leaves, or does nothing
 * about it for some seconds.
 */
import { assert } from '../core/assert.ts'
import type { Random } from '../core/random.ts'
import { PieceSet } from '../wire/peer/piece-set.ts'

/** Missing pieces that are compared to find the rarest ones. */
const COMPARED_MAX = 64
/** Pieces that no holder has are skipped, up to this number at once. */
const SKIPPED_MAX = 4_096

/** The part of a host that the assignment changes. */
export class AssignedHost {
  /** Pieces that the host has, or that were served to it whole. */
  readonly had: PieceSet
  /** Pieces that the host has or was offered. */
  readonly told: PieceSet
  /** Offered pieces that the host lacks, with the time of the offer or of the last block of the piece. */
  readonly offered = new Map<number, number>()
  /** Those of the offered pieces that another host of the site has or was offered. */
  readonly late = new Set<number>()
  /** The host has fewer pieces than others, and is offered pieces of other hosts only; see `hosts-behind.ts`. */
  isBehind = false
  /** Consecutive offers without an effect. */
  ignored = 0
  /** Number of the last offer, for an equal distribution. */
  turn = 0

  constructor(pieces: number) {
    const bytes = (pieces + 7) >> 3
    this.had = new PieceSet(bytes)
    this.told = new PieceSet(bytes)
  }
}

export interface Offer<Host> {
  readonly host: Host
  readonly piece: number
}

export interface AssignableHost {
  readonly assigned: AssignedHost
  /** Pieces that may be offered to the host and not be there yet. */
  readonly offersMax: number
  /** Time after which an offer without a request counts as ignored. */
  readonly offerMsMax: number
}

export class PieceAssignment<Host extends AssignableHost> {
  readonly pieces: number
  readonly #start: number
  readonly #random: Random
  readonly #hosts = new Set<Host>()
  /** Hosts whose window may have a free part. */
  readonly #open = new Set<Host>()
  /** Hosts that have the piece. */
  readonly #counts: Uint16Array
  readonly #assignedTo = new Map<number, Host>()
  /** Position in the order of pieces: all pieces before it are at a host or offered. */
  #cursor = 0
  #turns = 0
  /** Late offers to all hosts. */
  lateOffers = 0

  /** `start`: the first piece in the order. */
  constructor({ pieces, start, random }: { pieces: number; start: number; random: Random }) {
    assert(start < pieces, 'the order begins at a piece')
    this.pieces = pieces
    this.#start = start
    this.#random = random
    this.#counts = new Uint16Array(pieces)
  }

  /** The piece at a position in the order. */
  at(position: number): number {
    return (this.#start + position) % this.pieces
  }

  /** Hosts of the site that have the piece. */
  hostsWith(piece: number): number {
    return this.#counts[piece] ?? 0
  }

  /** Pieces that were offered to one host and that the site lacks. */
  get assignedPieces(): number {
    return this.#assignedTo.size
  }

  isAssigned(piece: number): boolean {
    return this.#assignedTo.has(piece)
  }

  /** The site lacks the piece, and it was offered to no host. */
  isNew(piece: number): boolean {
    return this.#counts[piece] === 0 && !this.#assignedTo.has(piece)
  }

  addHost(host: Host): void {
    assert(host.assigned.had.count === 0, 'the pieces of a host are recorded after it was added')
    this.#hosts.add(host)
    this.#open.add(host)
  }

  removeHost(host: Host): void {
    if (!this.#hosts.delete(host)) return
    this.#open.delete(host)
    for (const piece of host.assigned.offered.keys()) this.#withdraw(host, piece)
    this.lateOffers -= host.assigned.late.size
    host.assigned.late.clear()
    for (let piece = 0; piece < this.pieces; piece++) {
      if (!host.assigned.had.has(piece)) continue
      this.#counts[piece] = this.hostsWith(piece) - 1
      if (this.hostsWith(piece) === 0) this.#rewind(piece)
    }
  }

  /** The host has the piece. Returns whether that is new. */
  gained(host: Host, piece: number): boolean {
    if (piece >= this.pieces || !this.#hosts.has(host)) return false
    const { assigned } = host
    if (assigned.offered.delete(piece)) assigned.ignored = 0
    if (assigned.late.delete(piece)) this.lateOffers--
    this.#open.add(host)
    if (this.#assignedTo.get(piece) === host) this.#assignedTo.delete(piece)
    assigned.told.add(piece)
    if (!assigned.had.add(piece)) return false
    this.#counts[piece] = Math.min(0xffff, this.hostsWith(piece) + 1)
    return true
  }

  /** A block of an offered piece was served. */
  served(host: Host, piece: number, nowMs: number): void {
    if (host.assigned.offered.has(piece)) host.assigned.offered.set(piece, nowMs)
  }

  /** Takes back the offers that had no effect. Windows grow with time, therefore each host may have a free part. */
  expire(nowMs: number): void {
    for (const host of this.#hosts) {
      this.#open.add(host)
      for (const [piece, sinceMs] of host.assigned.offered) {
        if (nowMs - sinceMs < host.offerMsMax) continue
        host.assigned.ignored++
        host.assigned.offered.delete(piece)
        if (host.assigned.late.delete(piece)) this.lateOffers--
        this.#withdraw(host, piece)
      }
    }
  }

  /** A host may have a free part of its window. */
  get hasOpenHost(): boolean {
    return this.#open.size > 0
  }

  /** Offers a new piece to one host. Undefined where no window has a free part. */
  offerNew(piece: number, nowMs: number): Offer<Host> | undefined {
    const host = this.#freest()
    if (host === undefined) return undefined
    this.#assignedTo.set(piece, host)
    return this.#offer(host, piece, nowMs)
  }

  /** The first piece in the order that the site lacks and that was offered to no host. */
  nextNew(isOfferable: (piece: number) => boolean): number | undefined {
    while (this.#cursor < this.pieces && !this.isNew(this.at(this.#cursor))) this.#cursor++
    const end = Math.min(this.pieces, this.#cursor + SKIPPED_MAX)
    for (let position = this.#cursor; position < end; position++) {
      const piece = this.at(position)
      if (this.isNew(piece) && isOfferable(piece)) return piece
    }
    return undefined
  }

  /** Each piece is at a host or offered to one. */
  get isDistributed(): boolean {
    while (this.#cursor < this.pieces && !this.isNew(this.at(this.#cursor))) this.#cursor++
    return this.#cursor === this.pieces
  }

  /** Pieces for which `isOfferable` holds and that the host lacks, up to `lateMax` of them at the same time. */
  *offerLate(
    host: Host,
    {
      isOfferable,
      lateMax,
      nowMs,
    }: {
      readonly isOfferable: (piece: number) => boolean
      readonly lateMax: number
      readonly nowMs: number
    },
  ): Iterable<number> {
    if (!this.#hosts.has(host)) return
    const { late, isBehind } = host.assigned
    // New pieces that the host was offered before arrive with those of its site, and do not delay the others.
    let free = isBehind ? host.offersMax - late.size : this.#free(host)
    for (; free > 0 && late.size < lateMax; free--) {
      const piece = this.#rarestFor(host, isOfferable)
      if (piece === undefined) return
      late.add(piece)
      this.lateOffers++
      this.#offer(host, piece, nowMs)
      yield piece
    }
  }

  #offer(host: Host, piece: number, nowMs: number): Offer<Host> {
    host.assigned.told.add(piece)
    host.assigned.offered.set(piece, nowMs)
    host.assigned.turn = ++this.#turns
    return { host, piece }
  }

  #withdraw(host: Host, piece: number): void {
    if (this.#assignedTo.get(piece) !== host) return
    this.#assignedTo.delete(piece)
    this.#rewind(piece)
  }

  #rewind(piece: number): void {
    this.#cursor = Math.min(this.#cursor, (piece - this.#start + this.pieces) % this.pieces)
  }

  /** A host that ignores offers gets one at a time. */
  #free({ assigned, offersMax }: Host): number {
    return (assigned.ignored > 0 ? 1 : offersMax) - assigned.offered.size
  }

  /** The host with the largest free part of its window; of equal ones, the one that has waited longest. */
  #freest(): Host | undefined {
    let best: Host | undefined
    let bestShare = 0
    for (const host of this.#open) {
      const isClosed = host.assigned.had.count === this.pieces || host.assigned.isBehind
      const share = isClosed ? 0 : this.#free(host) / host.offersMax
      if (share <= 0) {
        this.#open.delete(host)
        continue
      }
      const isBetter =
        share > bestShare || (share === bestShare && host.assigned.turn < (best?.assigned.turn ?? 0))
      if (isBetter) [best, bestShare] = [host, share]
    }
    return best
  }

  #rarestFor({ assigned: { told } }: Host, isOfferable: (piece: number) => boolean): number | undefined {
    if (told.count === this.pieces) return undefined
    const start = this.#random.below(this.pieces)
    let best: number | undefined
    let compared = 0
    for (let step = 0; step < this.pieces && compared < COMPARED_MAX; step++) {
      const piece = (start + step) % this.pieces
      if ((piece & 7) === 0 && told.bits[piece >> 3] === 0xff) {
        // The host has or was offered all eight pieces.
        step += 7
        continue
      }
      if (told.has(piece) || !isOfferable(piece)) continue
      compared++
      if (best === undefined || this.hostsWith(piece) < this.hostsWith(best)) best = piece
    }
    return best
  }
}
