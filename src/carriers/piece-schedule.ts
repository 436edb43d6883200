/**
 * Begins the pieces of one torrent in one site and offers them to its hosts, as far as the windows of the hosts and the
 * requests of the holders allow.
 *
 * A registered torrent is fetched into the cache in the order of its pieces, and a piece is offered once it was begun:
 * a host that requests it does not wait long. Any other torrent is offered first.
 */
import type { Random } from '../core/random.ts'
import type { PieceSet } from '../wire/peer/piece-set.ts'
import type { BlockRouter } from './block-router.ts'
import type { CarriedClient } from './carried-client.ts'
import { PieceAssignment } from './piece-assignment.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'

/** Pieces that were fetched and not offered yet: as much as all hosts of a site take in a moment. */
const AHEAD_BYTES_MAX = 33_554_432
/**
 * Share of the cache for pieces that were begun and that no host of the site has. Hosts may take them later than they
 * arrive, and a piece that the cache has lost by then is fetched twice.
 */
const CACHE_SHARE = 0.25
/** Blocks that wait for a free request of a holder. Below that, the next piece is begun. */
const QUEUED_BLOCKS_MIN = 64

export interface ScheduleInit {
  readonly geometry: TorrentGeometry | undefined
  readonly router: BlockRouter
  /** Pieces that the site can deliver. */
  readonly available: PieceSet
  readonly pieces: number
  readonly cacheBytes: number
  /** The first piece in the order. */
  readonly start: number
  readonly random: Random
  readonly nowMs: () => number
}

export class PieceSchedule {
  readonly assignment: PieceAssignment<CarriedClient>
  readonly #init: ScheduleInit
  /** Pieces that were begun and not offered. */
  readonly #begun = new Set<number>()
  #isRunning = false

  constructor(init: ScheduleInit) {
    this.#init = init
    this.assignment = new PieceAssignment(init)
  }

  /** `needsPieces`: hosts of the site lack pieces. A site that only forwards them fetches on demand. */
  run(needsPieces: boolean): void {
    // A piece that is cached is delivered at once, and calls this again.
    if (this.#isRunning) return
    this.#isRunning = true
    const nowMs = this.#init.nowMs()
    const { geometry, available } = this.#init
    const isOfferable = (piece: number) =>
      geometry === undefined ? available.has(piece) : this.#begun.has(piece)
    for (;;) {
      if (geometry !== undefined && needsPieces) this.#fetchAhead(geometry)
      const offer = this.assignment.offerNew(isOfferable, nowMs)
      if (offer === undefined) break
      this.#begun.delete(offer.piece)
      offer.host.link?.have(offer.piece)
    }
    this.#isRunning = false
  }

  /** Pieces that these hosts lack, once each piece was offered to one host. */
  offerLate(hosts: Iterable<CarriedClient>): void {
    if (!this.assignment.isDistributed) return
    const nowMs = this.#init.nowMs()
    for (const host of hosts)
      for (const piece of this.assignment.offerLate(host, nowMs)) host.link?.have(piece)
  }

  #fetchAhead(geometry: TorrentGeometry): void {
    const { router, available } = this.#init
    // Hosts of the site got some of them from elsewhere.
    for (const piece of this.#begun) if (!this.assignment.isNew(piece)) this.#begun.delete(piece)
    const aheadMax = AHEAD_BYTES_MAX / geometry.pieceBytes
    const pendingMax = (CACHE_SHARE * this.#init.cacheBytes) / geometry.pieceBytes
    while (
      this.#begun.size < aheadMax &&
      this.#begun.size + this.assignment.assignedPieces < pendingMax &&
      router.queuedBlocks < QUEUED_BLOCKS_MIN
    ) {
      const piece = this.assignment.nextNew((next) => !this.#begun.has(next) && available.has(next))
      if (piece === undefined || !router.fetchAhead(piece)) return
      this.#begun.add(piece)
    }
  }
}
