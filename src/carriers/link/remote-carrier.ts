/**
 * The carrier of another node's site for one torrent, as the subscriber of a channel sees it: its state, its pieces, and
 * the blocks that carriers of this process fetch from it.
 */
import { BLOCK_BYTES_MAX } from '../../core/limits.ts'
import type { Block } from '../../wire/peer/block.ts'
import { PieceSet } from '../../wire/peer/piece-set.ts'
import { blockKey } from '../block-key.ts'
import type { CarrierCounters } from '../carrier-counters.ts'
import type { CarrierView, UpstreamConnection } from '../carrier-view.ts'
import type { Holder } from '../holder.ts'
import type { TorrentCarrier } from '../torrent-carrier.ts'
import { TransferRate } from '../transfer-rate.ts'
import { type CarrierState, writeBlockRequest } from './frame.ts'

/** A second of blocks at the present rate, within these limits: one megabyte, and a second at 1 Gbit/s. */
const OUTSTANDING_MIN = 64
const OUTSTANDING_MAX = 8_192
/** Cancelled blocks that may still be on their way: as many as can be outstanding. */
const CANCELLED_MAX = OUTSTANDING_MAX

export interface RemoteCarrierInit {
  readonly site: string
  readonly channel: number
  readonly counters: CarrierCounters
  readonly nowMs: () => number
  readonly send: (frame: Buffer) => void
}

const UNKNOWN: CarrierState = { hasSource: false, rank: undefined, sitesFed: 0, pieces: 0, path: [] }

export class RemoteCarrier implements CarrierView {
  readonly site: string
  readonly #init: RemoteCarrierInit
  readonly #connections = new Set<RemoteUpstream>()
  /** Blocks that were requested and cancelled, with the site that requested them. */
  readonly #cancelled = new Map<number, string>()
  #state = UNKNOWN
  #pieces = new PieceSet(0)

  constructor(init: RemoteCarrierInit) {
    this.#init = init
    this.site = init.site
  }

  get hasSource(): boolean {
    return this.#state.hasSource
  }

  get rank(): number | undefined {
    return this.#state.rank
  }

  get path(): readonly string[] {
    return this.#state.path
  }

  get pieces(): number {
    return this.#state.pieces
  }

  get availablePieces(): number {
    return this.#pieces.count
  }

  get sitesFed(): number {
    return this.#state.sitesFed
  }

  has(piece: number): boolean {
    return this.#pieces.has(piece)
  }

  connect(to: TorrentCarrier): UpstreamConnection {
    const connection = new RemoteUpstream(this, to, this.#init)
    this.#connections.add(connection)
    return {
      holder: connection,
      tick: () => {},
      close: () => {
        this.#connections.delete(connection)
        connection.cancelAll()
      },
    }
  }

  // ---- Frames of the publisher

  update(state: CarrierState): void {
    this.#state = state
    if (state.pieces === 0) this.#pieces = new PieceSet(0)
  }

  /** Returns whether the bits fit the number of pieces. */
  replacePieces(bits: Buffer): boolean {
    if (bits.length !== (this.#state.pieces + 7) >> 3) return false
    this.#pieces = new PieceSet(bits.length)
    this.#pieces.replace(bits, 0)
    for (const { to } of this.#connections) to.upstreamReplaced()
    return true
  }

  /** Returns whether the torrent has the pieces. */
  addPieces(pieces: readonly number[]): boolean {
    for (const piece of pieces) {
      if (piece >= this.#state.pieces || piece >= this.#pieces.bytes * 8) return false
      if (this.#pieces.add(piece)) for (const { to } of this.#connections) to.upstreamGained(piece)
    }
    return true
  }

  invalid(piece: number): void {
    for (const { to } of this.#connections) to.upstreamInvalid(piece)
  }

  /**
   * A block is delivered to each carrier that asked for it. It crossed the link once, also where the cancel of its request
   * reached the other node too late.
   */
  receive(block: Block, data: Buffer): void {
    const takers = [...this.#connections].filter((connection) => connection.takes(block))
    const site = takers[0]?.to.site ?? this.#takeCancelled(block)
    if (site === undefined) this.#init.counters.unrequestedBytes += data.length
    else this.#init.counters.addRelayed(site, this.site, data.length)
    for (const connection of takers) connection.to.received(connection, block, data)
  }

  #takeCancelled(block: Block): string | undefined {
    const key = blockKey(block)
    const site = this.#cancelled.get(key)
    this.#cancelled.delete(key)
    return site
  }

  /** The site does not need the block any more. */
  cancelled(block: Block, site: string): void {
    const key = blockKey(block)
    this.#cancelled.delete(key)
    this.#cancelled.set(key, site)
    if (this.#cancelled.size <= CANCELLED_MAX) return
    for (const oldest of this.#cancelled.keys()) {
      this.#cancelled.delete(oldest)
      return
    }
  }

  isOutstanding(block: Block, except: RemoteUpstream): boolean {
    for (const connection of this.#connections)
      if (connection !== except && connection.isOutstanding(block)) return true
    return false
  }
}

class RemoteUpstream implements Holder {
  readonly kind = 'site'
  readonly isReady = true
  readonly to: TorrentCarrier
  readonly #from: RemoteCarrier
  readonly #init: RemoteCarrierInit
  readonly #outstanding = new Map<number, Block>()
  readonly #rate: TransferRate

  constructor(from: RemoteCarrier, to: TorrentCarrier, init: RemoteCarrierInit) {
    this.#from = from
    this.to = to
    this.#init = init
    this.#rate = new TransferRate(init.nowMs())
  }

  get name(): string {
    return this.#from.site
  }

  get outstandingMax(): number {
    const blocks = Math.ceil(this.#rate.at(this.#init.nowMs()) / BLOCK_BYTES_MAX)
    return Math.min(OUTSTANDING_MAX, Math.max(OUTSTANDING_MIN, blocks))
  }

  has(piece: number): boolean {
    return this.#from.has(piece)
  }

  isOutstanding(block: Block): boolean {
    return this.#outstanding.has(blockKey(block))
  }

  takes(block: Block): boolean {
    if (!this.#outstanding.delete(blockKey(block))) return false
    this.#rate.add(block.length, this.#init.nowMs())
    return true
  }

  request(block: Block): void {
    this.#outstanding.set(blockKey(block), block)
    if (!this.#from.isOutstanding(block, this)) this.#send('request', block)
  }

  cancel(block: Block): void {
    if (!this.#outstanding.delete(blockKey(block))) return
    if (this.#from.isOutstanding(block, this)) return
    this.#from.cancelled(block, this.to.site)
    this.#send('cancel', block)
  }

  cancelAll(): void {
    for (const block of this.#outstanding.values()) this.cancel(block)
  }

  #send(kind: 'request' | 'cancel', block: Block): void {
    this.#init.send(writeBlockRequest(kind, this.#init.channel, block))
  }
}
