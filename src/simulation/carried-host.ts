/**
 * A host of a simulated carrier. To the host the carrier is a neighbour that has the pieces it offered: an endpoint of
 * its own (`Population.offersTo`), from which the host requests as from any other neighbour.
 */
import { AssignedHost, type AssignableHost } from '../carriers/piece-assignment.ts'
import type { Exchange } from './exchange.ts'

/** The window and the duration of an offer, as in `carriers/carried-client.ts`. */
const FIRST_WINDOW_BYTES = 524_288
const WINDOW_BYTES_MIN = 1_048_576
const WINDOW_SECONDS = 2
const WINDOW_PIECES_MIN = 2
const WINDOW_PIECES_MAX = 256
const OFFER_MS_MAX = 10_000
/** The rate is a mean of about this time. */
const MEAN_MS = 1_000

export class CarriedHost implements AssignableHost {
  readonly assigned: AssignedHost
  readonly offerMsMax = OFFER_MS_MAX
  readonly host: number
  /** From the offers to the host. */
  readonly offerEdge: number
  /** From the host to the carrier, for pieces that the carrier has lost. */
  readonly recallEdge: number
  readonly #pieceBytes: number
  #rate = 0

  constructor(init: {
    readonly host: number
    readonly offerEdge: number
    readonly recallEdge: number
    readonly pieces: number
    readonly pieceBytes: number
  }) {
    this.host = init.host
    this.offerEdge = init.offerEdge
    this.recallEdge = init.recallEdge
    this.#pieceBytes = init.pieceBytes
    this.assigned = new AssignedHost(init.pieces)
  }

  get offersMax(): number {
    const bytesMin = this.#rate === 0 ? FIRST_WINDOW_BYTES : WINDOW_BYTES_MIN
    const pieces = Math.ceil(Math.max(bytesMin, this.#rate * WINDOW_SECONDS) / this.#pieceBytes)
    return Math.min(WINDOW_PIECES_MAX, Math.max(WINDOW_PIECES_MIN, pieces))
  }

  measure({ downloads }: Exchange, stepMs: number): void {
    const now = downloads.rateOver(this.offerEdge)
    if (now === 0 && this.#rate === 0) return
    const rate = this.#rate + (1 - Math.exp(-stepMs / MEAN_MS)) * (now - this.#rate)
    this.#rate = rate < 1 ? 0 : rate
  }
}
