/**
 * Number of pieces of one torrent, as far as it is known, and what follows for the completion of a client.
 *
 * A registered torrent has an exact number. Otherwise a bitfield of n bytes allows 8n - 7 to 8n pieces, because up to
 * seven bits at its end are spare. The rule for that case:
 *
 * - Each client proves a lower bound: its highest piece + 1, and 8n - 7.
 * - The lower bound of the torrent is the highest number that two addresses have proven. One address alone cannot raise
 *   it, therefore a client that claims a spare bit does not make other clients incomplete.
 * - A client is complete when it has every piece below the larger of the two bounds.
 * - The result is `certain` when the last byte has no spare bit or the bound of two addresses equals that of the client.
 *   Otherwise it is provisional: a client that downloads in order looks complete for a moment within the last byte. The
 *   caller confirms it by a second look.
 *
 * One error remains: a client that stops within the last seven pieces of an unregistered torrent, of which no two clients
 * have shown the last piece, counts as complete.
 */
import type { PieceSet } from '../wire/peer/piece-set.ts'

export type Completion = 'certain' | 'provisional' | 'no'

/** The pieces of a client, and whether a whole bitfield of the client is among them. */
export interface ShownPieces {
  readonly pieces: PieceSet
  readonly hasBitfield: boolean
  /** The client sent have-all. */
  readonly hasAll: boolean
}

interface Bound {
  readonly address: string
  readonly pieces: number
}

const NONE: Bound = { address: '', pieces: 0 }

export class TorrentPieces {
  /** Exact, where the torrent is registered. */
  count: number | undefined
  /** The highest bound, and the highest of any other address. */
  #first: Bound = NONE
  #second: Bound = NONE

  constructor(count: number | undefined) {
    this.count = count
  }

  /** Takes note of the lower bound that the client at this address proves. */
  note(address: string, shown: ShownPieces): void {
    if (this.count !== undefined || !shown.hasBitfield) return
    const bound = { address, pieces: shown.pieces.piecesMin() }
    if (address === this.#first.address) {
      if (bound.pieces > this.#first.pieces) this.#first = bound
    } else if (bound.pieces > this.#first.pieces) {
      this.#second = this.#first
      this.#first = bound
    } else if (bound.pieces > this.#second.pieces) this.#second = bound
  }

  /** Completion from 0 to 1. Undefined where nothing is known about the number of pieces. */
  shareOf(shown: ShownPieces): number | undefined {
    if (shown.hasAll) return 1
    if (shown.pieces.count === 0) return 0
    const total = this.#totalFor(shown)
    return total === 0 ? undefined : Math.min(1, shown.pieces.count / total)
  }

  completionOf(shown: ShownPieces): Completion {
    if (shown.hasAll) return 'certain'
    const { pieces } = shown
    if (this.count !== undefined) return pieces.count === this.count ? 'certain' : 'no'
    if (!shown.hasBitfield || pieces.count === 0 || pieces.count !== this.#totalFor(shown)) return 'no'
    return pieces.count === pieces.bytes * 8 || pieces.count === this.#second.pieces
      ? 'certain'
      : 'provisional'
  }

  /** Zero where it is not known. */
  #totalFor({ pieces, hasBitfield }: ShownPieces): number {
    if (this.count !== undefined) return this.count
    // A client without a bitfield had no piece at first. The bound of one other client is enough for an estimate.
    if (!hasBitfield) return this.#first.pieces === 0 ? 0 : Math.max(this.#first.pieces, pieces.highest() + 1)
    return Math.max(this.#second.pieces, pieces.piecesMin())
  }
}
