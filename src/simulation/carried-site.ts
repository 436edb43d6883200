/**
 * The carrier of one site in a simulated rollout: fetches each piece once, from the source or from the carrier of another
 * site, and offers it to one host. The assignment of pieces to hosts is that of the nodes
 * (`carriers/piece-assignment.ts`), and the bounds are those of `carriers/piece-schedule.ts`.
 *
 * Two things are coarser than in a node. A piece is passed on when it is complete, not block by block, so that each site
 * between the source and a host adds the time of one piece. A piece that the cache has lost is fetched from a host when
 * it is offered, not when it is requested.
 */
import { PieceAssignment } from '../carriers/piece-assignment.ts'
import type { Random } from '../core/random.ts'
import { CarriedHost } from './carried-host.ts'
import type { Exchange } from './exchange.ts'
import { PieceCache } from './piece-cache.ts'
import type { Population } from './population.ts'

/** The default of `carry.cache`. */
const CACHE_BYTES = 268_435_456
const CACHE_PIECES_MIN = 8
/** Pieces that were fetched and not offered. */
const AHEAD_BYTES_MAX = 33_554_432
const AHEAD_PIECES_MIN = 2
/** Share of the cache for pieces that arrive or that no host has: where they are fetched ahead, and of all. */
const AHEAD_SHARE = 0.5
const KEPT_SHARE = 0.75
/** Pieces that are requested before the first missing one, while that is recalled from a host of the other site. */
const SKIPPED_MAX = 8
/** Bounds of late offers while the site fills, and hosts that receive some in each tick. */
const EARLY_LATE_MAX = 2
const EARLY_LATE_BYTES_MAX = 2_097_152
const LATE_HOSTS_MAX = 256
const TICK_MS = 100
/** Offers without an effect are taken back this often. */
const EXPIRE_MS = 1_000

export interface CarriedSiteInit {
  readonly site: number
  /** The site that this one fetches from. Undefined at the site of the source. */
  readonly upstream: CarriedSite | undefined
  readonly population: Population
  readonly exchange: Exchange
  readonly pieces: number
  readonly pieceBytes: number
  readonly random: Random
}

export class CarriedSite {
  readonly carrier: number
  readonly #init: CarriedSiteInit
  readonly #fetchEdge: number
  readonly #assignment: PieceAssignment<CarriedHost>
  readonly #cache: PieceCache
  readonly #hosts = new Map<number, CarriedHost>()
  /** The same hosts, in the order of their turns for late offers. */
  #inTurn: CarriedHost[] = []
  #turn = 0
  /** Pieces that were requested from the source or the upstream. */
  readonly #fetched: Uint8Array
  /** Position in the order of pieces: all before it were fetched. */
  #fetchedUpTo = 0
  /** Pieces that are in memory and were not offered. */
  readonly #ready = new Set<number>()
  /** Pieces on their way to the carrier. */
  readonly #coming = new Set<number>()
  /** Hosts that were offered a piece which is not in memory, by piece. */
  readonly #waiting = new Map<number, CarriedHost[]>()
  /** Sites that fetch from this one. */
  readonly #downstreams: CarriedSite[] = []
  #expiredMs = 0

  constructor(init: CarriedSiteInit) {
    const { site, upstream, population, exchange, pieces, pieceBytes, random } = init
    this.#init = init
    this.carrier = population.carrierOf(site)
    this.#fetchEdge = exchange.connections.join(upstream?.carrier ?? 0, this.carrier)
    this.#assignment = new PieceAssignment({ pieces, start: 0, random })
    this.#cache = new PieceCache(Math.max(CACHE_PIECES_MIN, Math.floor(CACHE_BYTES / pieceBytes)))
    this.#fetched = new Uint8Array(pieces)
    if (upstream !== undefined) upstream.#downstreams.push(this)
  }

  addHost(host: number): void {
    if (this.#hosts.has(host)) return
    const { population, exchange, pieces, pieceBytes } = this.#init
    const { connections } = exchange
    const carried = new CarriedHost({
      host,
      offerEdge: exchange.openOffers(population.offersTo(host), host),
      recallEdge: connections.join(host, this.carrier),
      pieces,
      pieceBytes,
    })
    this.#hosts.set(host, carried)
    this.#inTurn.push(carried)
    this.#assignment.addHost(carried)
  }

  /** Its connections are closed by the exchange. */
  removeHost(host: number): void {
    const carried = this.#hosts.get(host)
    if (carried === undefined) return
    this.#assignment.removeHost(carried)
    this.#hosts.delete(host)
    this.#inTurn = [...this.#hosts.values()]
    this.#init.exchange.downloads.stopOver(carried.recallEdge)
    for (const [piece, hosts] of this.#waiting)
      this.#waiting.set(
        piece,
        hosts.filter((other) => other !== carried),
      )
    // A piece that was on its way from this host is requested again.
    for (const piece of this.#coming)
      if (!this.#init.exchange.pieces.isRequested(this.carrier, piece)) this.#coming.delete(piece)
  }

  /** A host of the site has the piece. */
  gained(host: number, piece: number): void {
    const carried = this.#hosts.get(host)
    if (carried === undefined) return
    this.#assignment.gained(carried, piece)
    this.#cache.release(piece)
  }

  /** The carrier has the piece. */
  arrived(piece: number): void {
    this.#coming.delete(piece)
    this.#cache.add(piece, this.#assignment.hostsWith(piece) === 0)
    for (const carried of this.#waiting.get(piece) ?? []) this.#show(carried, piece)
    this.#waiting.delete(piece)
    if (this.#assignment.isNew(piece)) this.#ready.add(piece)
  }

  step(nowMs: number, stepMs: number): void {
    for (const carried of this.#inTurn) carried.measure(this.#init.exchange, stepMs)
    if (nowMs - this.#expiredMs >= EXPIRE_MS) this.#expire(nowMs)
    this.#fetch()
    this.#offer(nowMs)
    this.#offerLate(nowMs, stepMs)
    for (const piece of this.#waiting.keys()) this.#recall(piece)
  }

  // ---- Fetching

  #fetch(): void {
    if (this.#hosts.size === 0 && this.#downstreams.length === 0) return
    const { pieceBytes, exchange } = this.#init
    const aheadMax = Math.max(AHEAD_PIECES_MIN, AHEAD_BYTES_MAX / pieceBytes)
    const keptMax = Math.max(AHEAD_PIECES_MIN, this.#cache.piecesMax * AHEAD_SHARE)
    while (this.#ready.size < aheadMax && this.#coming.size + this.#cache.keptPieces < keptMax) {
      const piece = this.#nextToFetch()
      if (piece === undefined || !exchange.downloads.request(this.#fetchEdge, piece)) return
      this.#fetched[piece] = 1
      this.#coming.add(piece)
    }
  }

  /** The first piece in the order that the source or the upstream can send, among the next few. */
  #nextToFetch(): number | undefined {
    const { upstream, pieces } = this.#init
    const assignment = this.#assignment
    while (this.#fetchedUpTo < pieces && this.#fetched[assignment.at(this.#fetchedUpTo)] === 1)
      this.#fetchedUpTo++
    const end = Math.min(pieces, this.#fetchedUpTo + SKIPPED_MAX)
    for (let position = this.#fetchedUpTo; position < end; position++) {
      const piece = assignment.at(position)
      if (this.#fetched[piece] === 1) continue
      if (upstream === undefined || upstream.#cache.has(piece)) return piece
      upstream.#recall(piece)
    }
    return undefined
  }

  /** Fetches a piece that the cache has lost, from a host of the site that has it. */
  #recall(piece: number): void {
    const isFull = this.#coming.size + this.#cache.keptPieces >= this.#cache.piecesMax * KEPT_SHARE
    if (isFull || this.#coming.has(piece) || this.#assignment.hostsWith(piece) === 0) return
    const { exchange, random } = this.#init
    const start = random.below(this.#inTurn.length)
    for (let at = 0; at < this.#inTurn.length; at++) {
      const { host, recallEdge } = this.#inTurn[(start + at) % this.#inTurn.length] as CarriedHost
      if (!exchange.pieces.has(host, piece)) continue
      if (exchange.downloads.request(recallEdge, piece)) this.#coming.add(piece)
      return
    }
  }

  // ---- Offers

  /** Takes back offers without an effect. Their pieces are offered again, or fetched again. */
  #expire(nowMs: number): void {
    const assignment = this.#assignment
    this.#expiredMs = nowMs
    for (const carried of this.#inTurn) {
      const piece = this.#init.exchange.downloads.firstOver(carried.offerEdge)
      if (piece >= 0) assignment.served(carried, piece, nowMs)
    }
    assignment.expire(nowMs)
    const isLost = (piece: number) =>
      this.#fetched[piece] === 1 && !this.#coming.has(piece) && !this.#ready.has(piece)
    for (;;) {
      const piece = assignment.nextNew(isLost)
      if (piece === undefined) return
      if (this.#cache.has(piece)) this.#ready.add(piece)
      else {
        this.#fetched[piece] = 0
        this.#fetchedUpTo = 0
      }
    }
  }

  #offer(nowMs: number): void {
    for (const piece of this.#ready) {
      if (!this.#assignment.isNew(piece)) {
        // A host of the site got it from elsewhere.
        this.#ready.delete(piece)
        continue
      }
      const offer = this.#assignment.offerNew(piece, nowMs)
      if (offer === undefined) return
      this.#ready.delete(piece)
      this.#show(offer.host, piece)
    }
  }

  /**
   * Pieces of other hosts: a few of those in memory until each piece is at a host or offered to one, and none while other
   * sites wait for blocks; then a few of all while other sites wait, and after that all.
   */
  #offerLate(nowMs: number, stepMs: number): void {
    const assignment = this.#assignment
    const { isDistributed } = assignment
    const isCongested = this.#isCongested
    if (this.#inTurn.length === 0 || (!isDistributed && (isCongested || this.#ready.size > 0))) return
    const isLimited = !isDistributed || isCongested
    const isOfferable = (piece: number) =>
      isDistributed || (assignment.hostsWith(piece) > 0 && this.#cache.has(piece))
    const hosts = Math.min(this.#inTurn.length, Math.ceil(LATE_HOSTS_MAX * Math.max(1, stepMs / TICK_MS)))
    for (let turn = 0; turn < hosts; turn++) {
      const early = this.#earlyLateLeft
      if (isLimited && early <= 0) return
      const carried = this.#inTurn[++this.#turn % this.#inTurn.length] as CarriedHost
      const lateMax = isLimited ? Math.min(EARLY_LATE_MAX, carried.assigned.late.size + early) : Infinity
      for (const piece of assignment.offerLate(carried, { isOfferable, lateMax, nowMs }))
        this.#show(carried, piece)
    }
  }

  /** Another site waits for a piece. */
  get #isCongested(): boolean {
    const { downloads } = this.#init.exchange
    return this.#downstreams.some((downstream) => downloads.firstOver(downstream.#fetchEdge) >= 0)
  }

  /** Late offers that the site may get while they are limited. */
  get #earlyLateLeft(): number {
    return Math.max(1, EARLY_LATE_BYTES_MAX / this.#init.pieceBytes) - this.#assignment.lateOffers
  }

  /** The host sees the piece at the carrier, once that has it. */
  #show(carried: CarriedHost, piece: number): void {
    const { exchange, population } = this.#init
    if (!this.#cache.has(piece)) {
      const waiting = this.#waiting.get(piece)
      if (waiting === undefined) this.#waiting.set(piece, [carried])
      else waiting.push(carried)
      return
    }
    exchange.pieces.add(population.offersTo(carried.host), piece)
    exchange.downloads.tryStart(carried.offerEdge)
  }
}
