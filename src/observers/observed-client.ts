/**
 * State of one client under observation. About 500 bytes beside its connection, and no timer: the scheduler has one queue
 * for all clients.
 */
import type { Address } from '../core/address.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { DueItem, DueQueue } from './due-queue.ts'
import type { LivenessProbe } from './liveness-probe.ts'
import type { ClientAddress, Observation, Priority, Reachability } from './observation.ts'
import type { ObserverConnection } from './observer-connection.ts'
import { Progress } from './progress.ts'
import type { ShownPieces, TorrentPieces } from './torrent-pieces.ts'

/** A client as its announces and its role describe it. Times are UTC. */
export interface ClientUpdate extends ClientAddress {
  readonly priority: Priority
  /** `left=0` in its last announce. */
  readonly isAnnouncedComplete: boolean
  /** `left` of its last announce, rounded up. Undefined where it reported none. */
  readonly leftKib?: number | undefined
  readonly firstSeenMs: number
  readonly announcedMs: number
  /** It was observed to accept connections, by this node or another one. */
  readonly wasAlive?: boolean
  /** Number of pieces, where the torrent is registered. */
  readonly pieces: number | undefined
}

/** A client with more counts as near its end: the node sees the moment at which it is complete. */
const NEAR_COMPLETION_SHARE = 0.9
/** A client that looks complete, and whose torrent may have a few more pieces, is complete after this time. */
const CONFIRMED_AFTER_MS = 1_500
/** The stall of a vital client is reported at this interval while it lasts. */
const STALL_REPORT_MS = 5_000

const HOLD_RANKS: Readonly<Record<Priority, number>> = {
  gateway: 0,
  source: 1,
  'near-completion': 2,
  stalled: 2,
  other: 3,
}

export class ObservedClient implements ClientAddress, DueItem {
  readonly infoHash: Buffer
  readonly address: Address
  readonly addressText: string
  readonly port: number
  readonly torrent: TorrentPieces
  readonly firstSeenMs: number
  priority: Priority
  isAnnouncedComplete: boolean
  announcedMs: number
  /** By the peer id of its handshake; true until that arrives. */
  sendsHave = true

  reachability: Reachability = 'unknown'
  readonly progress = new Progress()
  isComplete = false
  isGone = false
  isStalled = false
  /** Engine time of the last message, or of the last outcome of a dial. */
  checkedMs: number | undefined
  /** Since when the client looks complete without certainty, and with how many pieces. */
  #provisionalMs: number | undefined
  #provisionalPieces = 0
  #stallNotedMs = 0

  /** The queue that contains the client, and its place there. */
  queue: DueQueue<ObservedClient> | undefined
  dueMs = Infinity
  queueIndex = -1

  connection: ObserverConnection | undefined
  /** The latest connection has shown the pieces of the client. */
  isShown = false
  probe: LivenessProbe | undefined
  /** A dial has been accepted at some time. */
  wasAlive: boolean
  dialledMs = -Infinity
  /** Consecutive dials without an answer while the client counts as alive. */
  silences = 0
  /** Consecutive refused or silent dials. */
  failures = 0
  /** Consecutive connections that the client closed before it had shown its pieces. */
  closes = 0
  /** Violations and floods. Never forgotten: the next one costs a longer backoff. */
  offences = 0
  pollDueMs = Infinity

  constructor(update: ClientUpdate, torrent: TorrentPieces) {
    this.infoHash = Buffer.from(update.infoHash)
    this.address = update.address
    this.addressText = update.address.toString()
    this.port = update.port
    this.torrent = torrent
    this.firstSeenMs = update.firstSeenMs
    this.wasAlive = update.wasAlive === true
    this.priority = update.priority
    this.isAnnouncedComplete = update.isAnnouncedComplete
    this.announcedMs = update.announcedMs
  }

  /** Order in which connections are closed: the highest rank first. */
  get holdRank(): number {
    const rank = HOLD_RANKS[this.priority]
    if (rank < HOLD_RANKS.stalled || this.isComplete) return rank
    const { share } = this.progress
    const isNear = share !== undefined && share >= NEAR_COMPLETION_SHARE
    return isNear || this.isStalled ? HOLD_RANKS.stalled : rank
  }

  /** A gateway or source: its loss must be noticed within seconds. */
  get isVital(): boolean {
    return HOLD_RANKS[this.priority] <= HOLD_RANKS.source
  }

  /** Order of dials: vital clients, then first checks and clients that are nearly complete or stalled, then polls. */
  get dialRank(): number {
    if (this.isVital) return 0
    return this.reachability === 'unknown' || this.holdRank === HOLD_RANKS.stalled ? 1 : 2
  }

  /** The client announces that it is complete, and its pieces show that it is not. */
  get isFalseSeed(): boolean {
    return this.isAnnouncedComplete && this.progress.share !== undefined && !this.isComplete
  }

  /** New pieces appear only in the bitfield of a new connection. */
  get isReconnected(): boolean {
    if (this.isComplete) return false
    if (!this.sendsHave) return true
    const shown = this.connection?.pieces
    const lacksBitfield = shown !== undefined && !shown.hasBitfield && shown.pieces.count > 0
    return lacksBitfield && this.torrent.count === undefined
  }

  /** Applies what the connection has shown, on a new connection for the first time. Returns whether that is new. */
  recordPieces(nowMs: number, isFirst: boolean): boolean {
    const shown = this.connection?.pieces
    if (shown === undefined || !shown.isShown) return false
    this.torrent.note(this.addressText, shown)
    const wasComplete = this.isComplete
    this.isComplete = this.#isConfirmed(shown, nowMs)
    const isChanged = this.progress.record(this.torrent.shareOf(shown), nowMs)
    const wasStalled = this.isStalled
    // Between its polls, a reconnected client shows no progress.
    if (isFirst || !this.isReconnected)
      this.isStalled = !this.isComplete && nowMs >= this.progress.stallsAtMs()
    return isChanged || wasComplete !== this.isComplete || wasStalled !== this.isStalled
  }

  #isConfirmed(shown: ShownPieces, nowMs: number): boolean {
    const completion = this.torrent.completionOf(shown)
    if (completion !== 'provisional') {
      this.#provisionalMs = undefined
      return completion === 'certain'
    }
    // A client that downloads the last byte of its bitfield in order looks complete after each piece.
    if (this.#provisionalMs === undefined || shown.pieces.count !== this.#provisionalPieces) {
      this.#provisionalMs = nowMs
      this.#provisionalPieces = shown.pieces.count
    }
    return this.isComplete || this.isAnnouncedComplete || nowMs >= this.confirmedAtMs()
  }

  /** Time at which a client that looks complete counts as complete. Infinity where it does not look so, or counts already. */
  confirmedAtMs(): number {
    return this.#provisionalMs === undefined || this.isComplete
      ? Infinity
      : this.#provisionalMs + CONFIRMED_AFTER_MS
  }

  /**
   * Time at which `noteStall` is due: repeatedly for a vital client, because its stall matters from the moment at
   * which its upstream is ahead of it. Infinity where more pieces do not show on this connection, or are not needed.
   */
  stallDueMs(): number {
    if (this.isComplete || this.isReconnected) return Infinity
    if (!this.isStalled) return this.progress.stallsAtMs()
    return this.isVital ? this.#stallNotedMs + STALL_REPORT_MS : Infinity
  }

  /** Returns whether the stall is to be reported. */
  noteStall(nowMs: number): boolean {
    if (nowMs < this.stallDueMs()) return false
    this.isStalled = true
    this.#stallNotedMs = nowMs
    return true
  }

  /** `toUtcMs` converts engine time. */
  observation(nowMs: number, toUtcMs: (engineMs: number) => number): Observation {
    const { share, progressedMs } = this.progress
    const isCurrent = this.connection !== undefined && this.isShown && !this.isReconnected
    return {
      infoHash: this.infoHash,
      address: this.address,
      port: this.port,
      reachability: this.reachability,
      // A provisional client has all pieces that are known to exist.
      share: share === 1 && !this.isComplete ? LARGEST_INCOMPLETE_SHARE : share,
      isComplete: this.isComplete,
      observedAtMs: toUtcMs(isCurrent ? nowMs : (this.checkedMs ?? nowMs)),
      progressedAtMs: progressedMs === undefined ? undefined : toUtcMs(progressedMs),
      sharePerSecond: this.progress.rateAt(nowMs),
      isGone: this.isGone,
      isStalled: this.isStalled,
    }
  }
}

const LARGEST_INCOMPLETE_SHARE = 0.9999

/** One client of one torrent. Binary: 20 bytes of infohash, then text. */
export function clientKey({ infoHash, address, port }: ClientAddress): string {
  return `${infoHashKey(infoHash)}${address.toString()}:${port}`
}
