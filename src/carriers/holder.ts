/**
 * The two sides of a block: the peer that has it, and the peers that want it. Clients and carriers of other sites are
 * both.
 */
import type { Block } from '../wire/peer/block.ts'

/**
 * - `source`: a client of the site that was complete when it joined.
 * - `host`: any other client of the site.
 * - `site`: the carrier of another site.
 */
export type HolderKind = 'source' | 'host' | 'site'

export interface Holder {
  /** For logs: an address with its port, or the name of a site. */
  readonly name: string
  readonly kind: HolderKind
  /** The holder answers requests at present: it has not choked the node. */
  readonly isReady: boolean
  /** Requests that may be outstanding at the same time. */
  readonly outstandingMax: number
  has(piece: number): boolean
  request(block: Block): void
  cancel(block: Block): void
}

export interface Requester {
  /** `data` is shared with other requesters and with the cache. */
  deliver(block: Block, data: Buffer): void
}
