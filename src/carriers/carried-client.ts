/**
 * One client of a carried torrent: its connection, the pieces that it was offered, and its progress. The carrier links
 * each client once, and reports what it sees there as observations, in place of an observer.
 */
import type { Address } from '../core/address.ts'
import { pausesWithoutOffers, sendsHave } from '../observers/client-kind.ts'
import type { Observation, Reachability } from '../observers/observation.ts'
import { Progress } from '../observers/progress.ts'
import type { TorrentPieces } from '../observers/torrent-pieces.ts'
import type { Block } from '../wire/peer/block.ts'
import type { ClientLink } from './client-link.ts'
import type { LinkEnd } from './link-init.ts'
import { AssignedHost } from './piece-assignment.ts'
import type { PortCheck } from './port-check.ts'

/** As the tracker knows the client. */
export interface CarriedClientUpdate {
  readonly address: Address
  readonly port: number
  /** `left=0` in its last announce. */
  readonly isAnnouncedComplete: boolean
  /** KiB that it lacked, where it reported them. */
  readonly leftKib?: number | undefined
}

/** Offers to a client that has requested nothing yet; to one that has; and in seconds of its rate. */
const FIRST_WINDOW_BYTES = 524_288
const WINDOW_BYTES_MIN = 1_048_576
const WINDOW_SECONDS = 2
/** Transmission polls its offers once a second, and multiplies its requests within a few seconds. */
const SLOW_WINDOW_BYTES_MIN = 4_194_304
/** The same for one that gets nothing from neighbours: each time that its offers run out, it waits for ten seconds. */
const ALONE_SLOW_WINDOW_BYTES_MIN = 16_777_216
const WINDOW_PIECES_MIN = 2
const WINDOW_PIECES_MAX = 256
/** Where the size of a piece is not known. */
const WINDOW_PIECES = 4
/** A client that wants a piece requests it within a round trip. It may be busy with an earlier one. */
const OFFER_MS_MAX = 10_000
/** Transmission decides each ten seconds whether it is interested, and then requests once a second. */
const SLOW_OFFER_MS_MAX = 25_000
/** Transmission requests once a second. */
const SETTLED_MS = 2_500
/** A host that lacks pieces of other hosts, and gained none for this time, gets them from the node. */
const ALONE_MS_MIN = 10_000
/** Transmission shows its pieces in batches, up to ten seconds late, and decides each ten seconds about its neighbours. */
const SLOW_ALONE_MS_MIN = 25_000
/** The same for the last pieces of a host. A second is several round trips, and little of the time of a rollout. */
const LAST_PIECES_MAX = 4
const LAST_MS_MIN = 1_000
/** First and longest delay before a client is dialled again. It doubles after each failure. */
const REDIAL_MS_MIN = 1_000
const REDIAL_MS_MAX = 60_000
/**
 * A client that was linked for a while is dialled at once: the port of one that was killed is closed. So is a complete one,
 * because libtorrent and others close a connection to a peer that has told them of all pieces when they have them too.
 */
const RECONNECT_AFTER_MS = 100
const LASTING_MS = 5_000

/** Undefined where the size of a piece is not known. A client that sends no HAVE confirms no piece, and less is enough. */
export type PieceBytes = (client: { readonly sendsHave: boolean }) => number | undefined

export class CarriedClient {
  readonly address: Address
  readonly port: number
  readonly name: string
  readonly kind: 'source' | 'host'
  /** KiB that it lacked when it announced first. */
  readonly leftKib: number | undefined
  readonly progress = new Progress()
  /** Of no piece until their number is known. */
  assigned = new AssignedHost(0)
  isAnnouncedComplete: boolean
  isComplete = false
  /** Shows all pieces and delivers none; see `withholding-clients.ts`. */
  isWithholding = false
  reachability: Reachability = 'unknown'
  isGone = false
  /** It accepted a dial and refused the handshake, as a client does that requires encryption. */
  refusesNode = false
  /** It sent wrong data. It is not dialled again. */
  isBanned = false
  link: ClientLink | undefined
  /** The connection before, while the client may return. */
  awayLink: ClientLink | undefined
  awayUntilMs = 0
  dialDueMs = 0
  /** Of the first tick after a dial that has no outcome. */
  silentSinceMs: number | undefined
  /** Of a client that connected to the node, until it has an outcome. */
  portCheck: PortCheck | undefined
  observedMs = 0
  /** The client shows new pieces by HAVE. */
  sendsHave = true
  /** Time of the last need for its blocks, for a host that is asked only now and then. */
  neededMs = -Infinity
  #pausesWithoutOffers = false
  #gainedMs: number
  #isAlone = false
  /** Bytes of each piece that were served to a client which sends no HAVE. */
  readonly #served = new Map<number, { bytes: number; lastMs: number }>()
  readonly #nowMs: () => number
  readonly #pieceBytes: PieceBytes
  #failures = 0
  #reachedMs = 0
  #isStalled = false

  constructor(update: CarriedClientUpdate, nowMs: () => number, pieceBytes: PieceBytes) {
    this.#nowMs = nowMs
    this.#pieceBytes = pieceBytes
    this.#gainedMs = nowMs()
    this.address = update.address
    this.port = update.port
    const host = update.address.toString()
    this.name = update.address.isV4 ? `${host}:${update.port}` : `[${host}]:${update.port}`
    this.kind = update.isAnnouncedComplete ? 'source' : 'host'
    this.isAnnouncedComplete = update.isAnnouncedComplete
    this.leftKib = update.leftKib
  }

  get offerMsMax(): number {
    return this.sendsHave ? OFFER_MS_MAX : SLOW_OFFER_MS_MAX
  }

  get offersMax(): number {
    const pieceBytes = this.#pieceBytes(this)
    if (pieceBytes === undefined) return WINDOW_PIECES
    const rate = this.link?.sent.at(this.#nowMs()) ?? 0
    const bytesMin = this.#windowBytesMin(rate)
    const pieces = Math.ceil(Math.max(bytesMin, rate * WINDOW_SECONDS) / pieceBytes)
    return Math.min(WINDOW_PIECES_MAX, Math.max(WINDOW_PIECES_MIN, pieces))
  }

  #windowBytesMin(rate: number): number {
    if (!this.sendsHave && this.#isAlone) return ALONE_SLOW_WINDOW_BYTES_MIN
    if (rate === 0) return FIRST_WINDOW_BYTES
    return this.sendsHave ? WINDOW_BYTES_MIN : SLOW_WINDOW_BYTES_MIN
  }

  greeted(peerId: Buffer): void {
    this.#failures = 0
    this.refusesNode = false
    this.sendsHave = sendsHave(peerId)
    this.#pausesWithoutOffers = pausesWithoutOffers(peerId)
  }

  /** The client accepted a dial. */
  reached(nowMs: number): void {
    this.reachability = 'reachable'
    this.isGone = false
    this.observedMs = nowMs
    this.#reachedMs = nowMs
  }

  /** The client has not accepted a dial so far. */
  silent(nowMs: number): void {
    this.reachability = 'unreachable'
    this.observedMs = nowMs
  }

  /** The connection, or the attempt, ended. */
  ended(isAnswered: boolean, end: LinkEnd, nowMs: number): void {
    this.link = undefined
    this.observedMs = nowMs
    this.#served.clear()
    const isUnanswered = !isAnswered && end !== 'local'
    if (isUnanswered || end === 'silent' || end === 'refused') {
      this.isGone = this.isGone || this.reachability === 'reachable'
      this.reachability = 'unreachable'
    }
    const isLasting = nowMs - this.#reachedMs >= LASTING_MS || (this.isComplete && this.#failures === 0)
    const isAtOnce = isAnswered && end === 'closed' && isLasting
    const delayMs = isAtOnce ? RECONNECT_AFTER_MS : REDIAL_MS_MIN * 2 ** this.#failures
    this.dialDueMs = nowMs + Math.min(REDIAL_MS_MAX, delayMs)
    this.#failures++
  }

  /** `isOffered`: by the node. Any other piece came from a neighbour. */
  gained(isOffered: boolean, nowMs: number): void {
    this.#gainedMs = nowMs
    if (!isOffered) this.#isAlone = false
  }

  /** Its neighbours do not deliver pieces. `filledMs`: since when the site has received no piece that it lacked. */
  dependsOnNode(nowMs: number, filledMs: number): boolean {
    const aloneMsMin = this.sendsHave ? ALONE_MS_MIN : SLOW_ALONE_MS_MIN
    this.#isAlone = this.#isAlone || nowMs - Math.max(this.#gainedMs, filledMs) >= aloneMsMin
    return this.#isAlone
  }

  /**
   * It lacks a few pieces at the end, of which it gained none for a moment. libtorrent disconnects a neighbour that
   * completes before it has announced its last piece, and reconnects after a minute: in a site of two or three hosts no
   * other one has that piece.
   */
  lacksLastPieces(pieces: number, nowMs: number, filledMs: number): boolean {
    const lacking = pieces - this.assigned.had.count
    if (lacking === 0 || lacking > LAST_PIECES_MAX) return false
    return nowMs - Math.max(this.#gainedMs, filledMs) >= LAST_MS_MIN
  }

  /** Returns whether all of the piece was served to a client that will not confirm it. */
  served(piece: number, bytes: number, pieceBytes: number | undefined): boolean {
    if (this.sendsHave) return false
    const served = this.#served.get(piece) ?? { bytes: 0, lastMs: 0 }
    served.bytes += bytes
    served.lastMs = this.#nowMs()
    this.#served.set(piece, served)
    return pieceBytes !== undefined && served.bytes >= pieceBytes && this.#served.delete(piece)
  }

  /** With this block the client has all that it was offered, and pauses. */
  pausesAfter(block: Block): boolean {
    const pieceBytes = this.#pieceBytes(this)
    if (!this.#pausesWithoutOffers || pieceBytes === undefined) return false
    for (const piece of this.assigned.offered.keys()) {
      const bytes = (this.#served.get(piece)?.bytes ?? 0) + (piece === block.piece ? block.length : 0)
      if (bytes < pieceBytes) return false
    }
    return true
  }

  /** Pieces of unknown size that were served, and of which the client has requested no further block for a while. */
  *settled(pieceBytesSeen: number): Iterable<number> {
    for (const [piece, { bytes, lastMs }] of this.#served) {
      if (bytes < pieceBytesSeen || this.#nowMs() - lastMs < SETTLED_MS) continue
      this.#served.delete(piece)
      yield piece
    }
  }

  /** Returns whether the completion changed. */
  record(torrent: TorrentPieces, nowMs: number): boolean {
    const shown = this.link?.pieces
    if (shown === undefined || !shown.isShown) return false
    torrent.note(this.address.toString(), shown)
    const wasComplete = this.isComplete
    this.isComplete = torrent.completionOf(shown) !== 'no' || (!this.sendsHave && this.isAnnouncedComplete)
    const share = torrent.shareOf(shown)
    return this.progress.record(share, nowMs) || wasComplete !== this.isComplete
  }

  /** Returns whether the client has just stalled, or continues. */
  noteStall(nowMs: number): boolean {
    const isStalled = !this.isComplete && nowMs >= this.progress.stallsAtMs()
    const isChanged = isStalled !== this.#isStalled
    this.#isStalled = isStalled
    return isChanged
  }

  observation(infoHash: Buffer, nowMs: number, toUtcMs: (engineMs: number) => number): Observation {
    const { share, progressedMs } = this.progress
    return {
      infoHash,
      address: this.address,
      port: this.port,
      reachability: this.reachability,
      share: share === 1 && !this.isComplete ? LARGEST_INCOMPLETE_SHARE : share,
      isComplete: this.isComplete,
      observedAtMs: toUtcMs(this.observedMs),
      progressedAtMs: progressedMs === undefined ? undefined : toUtcMs(progressedMs),
      sharePerSecond: this.progress.rateAt(nowMs),
      isGone: this.isGone,
      isStalled: !this.isComplete && nowMs >= this.progress.stallsAtMs(),
      refusesNode: this.refusesNode,
    }
  }
}

const LARGEST_INCOMPLETE_SHARE = 0.9999
