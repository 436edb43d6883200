/**
 * Pieces in the memory of a simulated carrier, up to a number. A piece that no host of the site has is not evicted, as in
 * `carriers/piece-schedule.ts`; of the others, the one that was used longest ago goes first.
 */

export class PieceCache {
  readonly piecesMax: number
  readonly #pieces = new Set<number>()
  readonly #kept = new Set<number>()

  constructor(piecesMax: number) {
    this.piecesMax = piecesMax
  }

  /** Pieces that no host of the site has. */
  get keptPieces(): number {
    return this.#kept.size
  }

  has(piece: number): boolean {
    return this.#pieces.has(piece)
  }

  add(piece: number, isKept: boolean): void {
    if (isKept) this.#kept.add(piece)
    this.#pieces.delete(piece)
    this.#pieces.add(piece)
    for (const oldest of this.#pieces) {
      if (this.#pieces.size <= this.piecesMax) return
      if (!this.#kept.has(oldest)) this.#pieces.delete(oldest)
    }
  }

  /** A host of the site has the piece. */
  release(piece: number): void {
    this.#kept.delete(piece)
  }
}
