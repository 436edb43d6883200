/**
 * Origins of the pieces that a host gains: offers of the node, or its neighbours.
 *
 * A host without neighbours that deliver, such as one with a closed port that announced before the others, gets everything
 * from the node. If it received the pieces of other hosts only after the site has all of them, it would complete that
 * much later than its site.
 */

/** Pieces in a row that no neighbour delivered. A host that exchanges pieces gets most of them from neighbours. */
const NODE_PIECES_MIN = 4
/** Neighbours are connected, and have pieces, within this time. */
const NODE_MS_MIN = 2_000

export class PieceOrigins {
  readonly #sinceMs: number
  #fromNode = 0
  #neighbourMs: number | undefined

  constructor(nowMs: number) {
    this.#sinceMs = nowMs
  }

  /** `isOffered`: by the node. Any other piece came from a neighbour. */
  gained(isOffered: boolean, nowMs: number): void {
    if (isOffered) this.#fromNode++
    else {
      this.#fromNode = 0
      this.#neighbourMs = nowMs
    }
  }

  /** The neighbours deliver nothing, and the node does. */
  areOfNode(nowMs: number): boolean {
    const sinceMs = this.#neighbourMs ?? this.#sinceMs
    return this.#fromNode >= NODE_PIECES_MIN && nowMs - sinceMs >= NODE_MS_MIN
  }

  /** A neighbour delivered a piece a moment ago. */
  areOfNeighbours(nowMs: number): boolean {
    return this.#neighbourMs !== undefined && nowMs - this.#neighbourMs < NODE_MS_MIN
  }
}
