/**
 * Blocks between the carriers of two sites in one process: a node that carries for a site without a node of its own.
 * Counts the bytes, and keeps the rate of the link, as a connection between nodes does.
 */
import { BLOCK_BYTES_MAX } from '../core/limits.ts'
import type { Block } from '../wire/peer/block.ts'
import type { CarrierCounters } from './carrier-counters.ts'
import type { UpstreamConnection } from './carrier-view.ts'
import type { Holder } from './holder.ts'
import type { LinkRates } from './link/link-rates.ts'
import type { Downstream } from './site-availability.ts'
import type { TorrentCarrier } from './torrent-carrier.ts'
import { blockKey } from './block-key.ts'
import { TransferRate } from './transfer-rate.ts'

/** A second of blocks at the present rate, within these limits: one megabyte, and a second at 256 Mbit/s. */
const OUTSTANDING_MIN = 64
const OUTSTANDING_MAX = 2_048

export class LocalRelay implements Holder, Downstream, UpstreamConnection {
  readonly kind = 'site'
  readonly isReady = true
  readonly isActive = true
  readonly #from: TorrentCarrier
  readonly #to: TorrentCarrier
  readonly #counters: CarrierCounters
  readonly #rates: LinkRates
  /** Outstanding blocks that wait for the rate. */
  readonly #delayed = new Map<number, Block>()
  readonly #outstanding = new Map<number, Block>()
  readonly #nowMs: () => number
  readonly #rate: TransferRate

  constructor({
    from,
    to,
    counters,
    rates,
    nowMs,
  }: {
    readonly from: TorrentCarrier
    readonly to: TorrentCarrier
    readonly counters: CarrierCounters
    readonly rates: LinkRates
    readonly nowMs: () => number
  }) {
    this.#rates = rates
    this.#nowMs = nowMs
    this.#rate = new TransferRate(nowMs())
    this.#from = from
    this.#to = to
    this.#counters = counters
    from.addDownstream(this)
  }

  get holder(): Holder {
    return this
  }

  get name(): string {
    return this.#from.site
  }

  get outstandingMax(): number {
    const blocks = Math.ceil(this.#rate.at(this.#nowMs()) / BLOCK_BYTES_MAX)
    return Math.min(OUTSTANDING_MAX, Math.max(OUTSTANDING_MIN, blocks))
  }

  close(): void {
    this.#from.removeDownstream(this)
    for (const block of this.#outstanding.values()) this.cancel(block)
  }

  tick(): void {
    this.#pass()
  }

  has(piece: number): boolean {
    return this.#from.availablePieces.has(piece)
  }

  request(block: Block): void {
    this.#outstanding.set(blockKey(block), block)
    this.#delayed.set(blockKey(block), block)
    this.#pass()
  }

  cancel(block: Block): void {
    const key = blockKey(block)
    if (this.#outstanding.delete(key) && !this.#delayed.delete(key)) this.#from.cancel(this, block)
  }

  /** Passes requests to the other carrier, as fast as the rate of the link allows. */
  #pass(): void {
    const [from, to] = [this.#from.site, this.#to.site]
    for (const [key, block] of this.#delayed) {
      if (!this.#rates.isOpen(from, to)) return
      this.#delayed.delete(key)
      this.#rates.spend(from, to, block.length)
      this.#from.request(this, block)
    }
  }

  deliver(block: Block, data: Buffer): void {
    if (!this.#outstanding.delete(blockKey(block))) return
    this.#rate.add(block.length, this.#nowMs())
    this.#counters.addRelayed(this.#to.site, this.#from.site, block.length)
    this.#to.received(this, block, data)
  }

  refuse(block: Block): void {
    if (this.#outstanding.delete(blockKey(block))) this.#to.refused(this, block)
  }

  available(piece: number): void {
    this.#to.upstreamGained(piece)
  }

  replaced(): void {
    this.#to.upstreamReplaced()
  }

  invalid(piece: number): void {
    this.#to.upstreamInvalid(piece)
  }
}
