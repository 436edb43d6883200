/**
 * The pieces of one torrent that a site can deliver, from its clients, its cache or its upstream, and the carriers of
 * other sites that follow them.
 */
import { PieceSet } from '../wire/peer/piece-set.ts'
import type { Requester } from './holder.ts'

/** The carrier of another site that fetches from this one. */
export interface Downstream extends Requester {
  /** It has requested something a moment ago. */
  readonly isActive: boolean
  /** The site has one piece more. */
  available(piece: number): void
  /** The pieces of the site changed in another way. */
  replaced(): void
  /** Blocks of this piece that were delivered may be wrong. */
  invalid(piece: number): void
}

export class SiteAvailability {
  readonly pieces: PieceSet
  readonly #count: number
  readonly #downstreams: ReadonlySet<Downstream>
  /** Something that delivered pieces is gone. */
  isStale = false

  constructor(pieces: number, downstreams: ReadonlySet<Downstream>) {
    this.pieces = new PieceSet((pieces + 7) >> 3)
    this.#count = pieces
    this.#downstreams = downstreams
  }

  /** Returns whether the site could not deliver the piece before. */
  add(piece: number): boolean {
    if (piece >= this.#count || !this.pieces.add(piece)) return false
    for (const downstream of this.#downstreams) downstream.available(piece)
    return true
  }

  /** Looks at each piece again, where something is gone. */
  refresh(isThere: (piece: number) => boolean): void {
    if (!this.isStale) return
    this.isStale = false
    const before = this.pieces.count
    const fresh = new PieceSet(this.pieces.bytes)
    for (let piece = 0; piece < this.#count; piece++) if (isThere(piece)) fresh.add(piece)
    this.pieces.replace(fresh.bits, 0)
    if (fresh.count < before) for (const downstream of this.#downstreams) downstream.replaced()
  }
}
