/**
 * Blocks between the carriers of two sites in one process: a node that carries for a site without a node of its own.
 * Counts the bytes as a connection between nodes does.
 */
import type { Block } from '../wire/peer/block.ts'
import type { CarrierCounters } from './carrier-counters.ts'
import type { UpstreamConnection } from './carrier-view.ts'
import type { Holder } from './holder.ts'
import type { Downstream } from './site-availability.ts'
import type { TorrentCarrier } from './torrent-carrier.ts'
import { blockKey } from './block-key.ts'

/** Eight megabytes: a second at 64 Mbit/s. Blocks of the same process wait for the upstream's holders only. */
const OUTSTANDING_MAX = 512

export class LocalRelay implements Holder, Downstream, UpstreamConnection {
  readonly kind = 'site'
  readonly isReady = true
  readonly outstandingMax = OUTSTANDING_MAX
  readonly #from: TorrentCarrier
  readonly #to: TorrentCarrier
  readonly #counters: CarrierCounters
  readonly #outstanding = new Map<number, Block>()

  constructor(from: TorrentCarrier, to: TorrentCarrier, counters: CarrierCounters) {
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

  close(): void {
    this.#from.removeDownstream(this)
    for (const block of this.#outstanding.values()) this.#from.cancel(this, block)
    this.#outstanding.clear()
  }

  has(piece: number): boolean {
    return this.#from.availablePieces.has(piece)
  }

  request(block: Block): void {
    this.#outstanding.set(blockKey(block), block)
    this.#from.request(this, block)
  }

  cancel(block: Block): void {
    if (this.#outstanding.delete(blockKey(block))) this.#from.cancel(this, block)
  }

  deliver(block: Block, data: Buffer): void {
    if (!this.#outstanding.delete(blockKey(block))) return
    this.#counters.addRelayed(this.#to.site, this.#from.site, block.length)
    this.#to.received(this, block, data)
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
