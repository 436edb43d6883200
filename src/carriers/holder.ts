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
  /** The address of a client; undefined for the carrier of another site. */
  readonly host?: string | undefined
  /** The holder answers requests at present: it has not choked the node. */
  readonly isReady: boolean
  /** Requests that may be outstanding at the same time. */
  readonly outstandingMax: number
  has(piece: number): boolean
  request(block: Block): void
  cancel(block: Block): void
}

export interface Requester {
  /** Its address; undefined for the carrier of another site. */
  readonly host?: string | undefined
  /** `data` is shared with other requesters and with the cache. */
  deliver(block: Block, data: Buffer): void
  /** No holder delivers the block. */
  refuse(block: Block): void
}
