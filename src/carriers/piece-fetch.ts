/**
 * A piece of a registered torrent while its blocks arrive. The blocks are kept until the piece is checked, and the last
 * one is passed on only after that.
 *
 * Where the check fails and the blocks came from one holder, that holder sent wrong data. Otherwise the piece is fetched
 * again from one holder alone, and the blocks of the valid piece show which of the first ones were wrong.
 */
import type { Holder } from './holder.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'

interface Arrived {
  readonly data: Buffer
  readonly holder: Holder
}

/**
 * - `incomplete`: blocks are missing.
 * - `valid`: the piece is checked. `liars` sent wrong blocks before.
 * - `invalid`: all blocks are missing again. `liars` is the only holder, or empty while several are suspect.
 */
export interface PieceResult {
  readonly state: 'incomplete' | 'valid' | 'invalid'
  readonly liars: readonly Holder[]
}

const INCOMPLETE: PieceResult = { state: 'incomplete', liars: [] }

export class PieceFetch {
  readonly piece: number
  readonly bytes: number
  readonly #geometry: TorrentGeometry
  #arrived: (Arrived | undefined)[]
  #missing: number
  /** Blocks of the last failed check whose holder is not known to be the wrong one. */
  #suspects: readonly Arrived[] = []
  /** After a failed check: the one holder that serves the piece. */
  only: Holder | undefined
  isSuspect = false

  constructor(geometry: TorrentGeometry, piece: number) {
    this.#geometry = geometry
    this.piece = piece
    this.bytes = geometry.bytesOf(piece)
    this.#missing = geometry.blocksOf(piece)
    this.#arrived = Array.from({ length: this.#missing })
  }

  get blocks(): number {
    return this.#arrived.length
  }

  /** A block that has arrived. */
  at(index: number): Buffer | undefined {
    return this.#arrived[index]?.data
  }

  /** The blocks of a valid piece. */
  *whole(): Iterable<Buffer> {
    for (const arrived of this.#arrived) if (arrived !== undefined) yield arrived.data
  }

  add(index: number, data: Buffer, holder: Holder): PieceResult {
    if (this.#arrived[index] !== undefined) return INCOMPLETE
    this.#arrived[index] = { data, holder }
    if (--this.#missing > 0) return INCOMPLETE
    const arrived = this.#arrived as Arrived[]
    const isValid = this.#geometry.isValid(
      this.piece,
      arrived.map(({ data: block }) => block),
    )
    return isValid ? { state: 'valid', liars: this.#exposed(arrived) } : this.#fail(arrived)
  }

  #fail(arrived: readonly Arrived[]): PieceResult {
    const holders = [...new Set(arrived.map(({ holder }) => holder))]
    const liars = holders.length === 1 ? holders : []
    if (liars.length === 0) this.#suspects = arrived
    this.#missing = arrived.length
    this.#arrived = Array.from({ length: arrived.length })
    this.only = undefined
    this.isSuspect = true
    return { state: 'invalid', liars }
  }

  #exposed(valid: readonly Arrived[]): readonly Holder[] {
    const liars = new Set<Holder>()
    for (const [index, suspect] of this.#suspects.entries())
      if (valid[index]?.data.equals(suspect.data) === false) liars.add(suspect.holder)
    return [...liars]
  }
}
