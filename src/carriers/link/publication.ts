/**
 * A torrent of this node that the other node of a connection subscribed to: sends it the state and the pieces of the
 * site, and answers its requests. Blocks wait here until the connection has room for them.
 */
import type { Block } from '../../wire/peer/block.ts'
import type { CarrierView } from '../carrier-view.ts'
import { PendingRequests } from '../pending-requests.ts'
import type { Downstream } from '../site-availability.ts'
import type { TorrentCarrier } from '../torrent-carrier.ts'
import { TransferRate } from '../transfer-rate.ts'
import { type CarrierState, writeAvailable, writeInvalid, writePieces, writeState } from './frame.ts'

/** A second at 4 Gbit/s is requested ahead at most. What is routed may be delivered at once, and is in the cache anyway. */
const LIMITS = { requestsMax: 32_768, routedBytesMin: 2_097_152, routedBytesMax: 67_108_864 }
/** A subscriber that has requested nothing for this time fetches from elsewhere. */
const ACTIVE_MS = 10_000
/** Pieces of one `available` frame. */
const AVAILABLE_MAX = 1_024

export interface Published {
  readonly carrier: TorrentCarrier
  readonly view: CarrierView
}

export interface QueuedBlock {
  readonly block: Block
  readonly data: Buffer
}

/** Another node of the site carries the torrent, or none does. */
const NOT_CARRIED: CarrierState = { hasSource: false, rank: undefined, sitesFed: 0, pieces: 0, path: [] }

export class Publication implements Downstream {
  readonly channel: number
  readonly infoHash: Buffer
  readonly #send: (frame: Buffer) => void
  readonly #nowMs: () => number
  readonly #onQueued: () => void
  readonly #requests = new PendingRequests(LIMITS)
  readonly #blocks: QueuedBlock[] = []
  readonly #available: number[] = []
  readonly #rate: TransferRate
  #published: Published | undefined
  #sent: CarrierState | undefined
  #areReplaced = true
  #requestedMs = -Infinity
  #isServing = false

  constructor({
    channel,
    infoHash,
    send,
    nowMs,
    onQueued,
  }: {
    readonly channel: number
    readonly infoHash: Buffer
    readonly send: (frame: Buffer) => void
    readonly nowMs: () => number
    /** A block waits for the connection. */
    readonly onQueued: () => void
  }) {
    this.channel = channel
    this.infoHash = infoHash
    this.#send = send
    this.#nowMs = nowMs
    this.#onQueued = onQueued
    this.#rate = new TransferRate(nowMs())
  }

  // ---- Downstream

  get isActive(): boolean {
    return this.#requests.count > 0 || this.hasBlocks || this.#nowMs() - this.#requestedMs < ACTIVE_MS
  }

  available(piece: number): void {
    this.#available.push(piece)
  }

  replaced(): void {
    this.#areReplaced = true
  }

  invalid(piece: number): void {
    this.#send(writeInvalid(this.channel, piece))
  }

  deliver(block: Block, data: Buffer): void {
    if (!this.#requests.answer(block)) return
    this.#blocks.push({ block, data })
    this.#onQueued()
    this.serve()
  }

  /** The other node notices that the block does not arrive. */
  refuse(block: Block): void {
    this.#requests.answer(block)
  }

  // ---- Requests of the subscriber

  /** Returns false where the subscriber has too many requests. */
  request(block: Block): boolean {
    if (!this.#requests.add(block)) return false
    this.#requestedMs = this.#nowMs()
    this.serve()
    return true
  }

  cancel(block: Block): void {
    if (this.#requests.cancel(block)) this.#published?.carrier.cancel(this, block)
    const at = this.#blocks.findIndex(
      ({ block: queued }) => queued.piece === block.piece && queued.begin === block.begin,
    )
    if (at >= 0) this.#blocks.splice(at, 1)
  }

  /** The next block for the connection. */
  take(): QueuedBlock | undefined {
    const next = this.#blocks.shift()
    if (next === undefined) return undefined
    this.#rate.add(next.data.length, this.#nowMs())
    if (this.#blocks.length === 0) this.serve()
    return next
  }

  get hasBlocks(): boolean {
    return this.#blocks.length > 0
  }

  /** Passes requests to the carrier. Blocks that wait for the connection count as routed, up to a second of them. */
  serve(): void {
    if (this.#isServing || this.#published === undefined) return
    this.#isServing = true
    const rate = this.#rate.at(this.#nowMs())
    for (;;) {
      const block =
        this.#blocks.length * 16_384 < LIMITS.routedBytesMin ? this.#requests.takeNext(rate) : undefined
      if (block === undefined) break
      if (this.#published.carrier.request(this, block) === 'out-of-range') this.#requests.answer(block)
    }
    this.#isServing = false
  }

  // ---- Time

  /** `published`: undefined while this node does not carry the torrent. Called a few times a second. */
  tick(published: Published | undefined): void {
    if (published?.carrier !== this.#published?.carrier) this.#attach(published)
    if (published === undefined) {
      if (this.#sent !== undefined) this.#send(writeState(this.channel, NOT_CARRIED))
      this.#sent = undefined
      return
    }
    const { view, carrier } = published
    const { hasSource, rank, path, pieces } = view
    // Its own subscription is not a reason to choose another site.
    const sitesFed = view.sitesFed - (this.isActive ? 1 : 0)
    const state = { hasSource, rank, path, pieces, sitesFed }
    const hadPieces = (this.#sent?.pieces ?? 0) > 0
    if (this.#sent === undefined || !isSameState(state, this.#sent)) {
      this.#sent = state
      this.#send(writeState(this.channel, state))
    }
    if (pieces === 0) return
    if (this.#areReplaced || !hadPieces) {
      this.#areReplaced = false
      this.#available.length = 0
      this.#send(writePieces(this.channel, carrier.availablePieces.bits))
    }
    while (this.#available.length > 0)
      this.#send(writeAvailable(this.channel, this.#available.splice(0, AVAILABLE_MAX)))
    this.serve()
  }

  close(): void {
    this.#attach(undefined)
  }

  #attach(published: Published | undefined): void {
    const previous = this.#published
    this.#published = published
    this.#areReplaced = true
    if (previous !== undefined) {
      for (const block of this.#requests.clear()) previous.carrier.cancel(this, block)
      previous.carrier.removeDownstream(this)
    }
    this.#blocks.length = 0
    published?.carrier.addDownstream(this)
  }
}

function isSameState(a: CarrierState, b: CarrierState): boolean {
  return (
    a.hasSource === b.hasSource &&
    a.rank === b.rank &&
    a.sitesFed === b.sitesFed &&
    a.pieces === b.pieces &&
    a.path.length === b.path.length &&
    a.path.every((site, at) => site === b.path[at])
  )
}
