/**
 * Observations of peers by the nodes of their site, beside the rows: reachability, completion, and when it was seen.
 *
 * Memory: three words for each row of a chunk in which some peer is observed. Only the peers of the own site are, so a
 * table of nine million peers of other sites costs nothing here, and an observed peer costs 12 bytes more than its row.
 */

import { DialOutcomes } from './dial-outcomes.ts'

/** `unknown` while no node has an outcome of a dial. */
export type Reachability = 'unknown' | 'reachable' | 'unreachable'

export interface PeerObservation {
  readonly reachability: Reachability
  /** Completion by the client's own bitfield, 0 to 1; undefined where the client has not shown it. */
  readonly share: number | undefined
  readonly isComplete: boolean
  /** Lacks pieces, and got no new one for some time. */
  readonly isStalled: boolean
  /** Accepted a dial and refused the handshake of the node, as a client does that requires encryption. */
  readonly refusesNode?: boolean
  /** Milliseconds since 1970. The later observation of a peer replaces the earlier one on every node. */
  readonly observedAtMs: number
  /** Mean of the last seconds; times the size of the torrent, bytes per second. */
  readonly sharePerSecond: number
}

/*
  row =>
    0  state      share in 65,535ths << 16 | flags
    1  observed   milliseconds since 1970, modulo 2^32
    2  rate       float32: share per second
*/
const WORDS = 3
const CHUNK_ROWS_LOG2 = 10
const CHUNK_ROWS = 1 << CHUNK_ROWS_LOG2
const ROW_IN_CHUNK = CHUNK_ROWS - 1
const SHARE_UNITS = 0xffff
/**
 * From here on a client may be complete: the number of pieces of an unregistered torrent is certain only after a while, and
 * until then a complete client has a share of 0.9999.
 */
const NEARLY_COMPLETE_UNITS = Math.floor(0.9999 * SHARE_UNITS)

const OBSERVED = 1
const REACHABLE = 2
const UNREACHABLE = 4
const SHARE_KNOWN = 8
const COMPLETE = 16
const STALLED = 32
const EXPECTED = 64
const REFUSES_NODE = 128

const TWO_32 = 0x1_0000_0000

export class ObservedPeers {
  readonly outcomes = new DialOutcomes()
  readonly #chunks: (Uint32Array | undefined)[] = []
  readonly #float = new Float32Array(1)
  readonly #floatBits = new Uint32Array(this.#float.buffer)
  /** Added to the times beside the rows. */
  #shiftedMs = 0

  get bytes(): number {
    let chunks = 0
    for (const chunk of this.#chunks) if (chunk !== undefined) chunks++
    return chunks * CHUNK_ROWS * WORDS * 4
  }

  /** undefined for a row without an observation. `nearMs`: any time within weeks of it. */
  get(row: number, nearMs: number): PeerObservation | undefined {
    const state = this.#word(row, 0)
    if ((state & OBSERVED) === 0) return undefined
    this.#floatBits[0] = this.#word(row, 2)
    return {
      reachability:
        (state & UNREACHABLE) !== 0 ? 'unreachable' : (state & REACHABLE) !== 0 ? 'reachable' : 'unknown',
      share: (state & SHARE_KNOWN) === 0 ? undefined : (state >>> 16) / SHARE_UNITS,
      isComplete: (state & COMPLETE) !== 0,
      isStalled: (state & STALLED) !== 0,
      refusesNode: (state & REFUSES_NODE) !== 0,
      observedAtMs: nearest(nearMs - this.#shiftedMs, this.#word(row, 1)) + this.#shiftedMs,
      sharePerSecond: this.#float[0] as number,
    }
  }

  set(row: number, observation: PeerObservation): void {
    const { reachability, share, isComplete, isStalled, refusesNode, observedAtMs, sharePerSecond } =
      observation
    const chunk = this.#chunkOf(row)
    const base = (row & ROW_IN_CHUNK) * WORDS
    // Expected until the bitfield is there, or the caller stops waiting.
    let state = OBSERVED | (share === undefined ? this.#word(row, 0) & EXPECTED : 0)
    if (reachability === 'reachable') state |= REACHABLE
    if (reachability === 'unreachable') state |= UNREACHABLE
    if (isComplete) state |= COMPLETE
    if (isStalled) state |= STALLED
    if (refusesNode === true) state |= REFUSES_NODE
    if (share !== undefined) state |= SHARE_KNOWN | (units(share, isComplete) << 16)
    chunk[base] = state
    chunk[base + 1] = (observedAtMs - this.#shiftedMs) % TWO_32
    this.#float[0] = sharePerSecond
    chunk[base + 2] = this.#floatBits[0] as number
    if (reachability !== 'unknown') this.outcomes.note(row)
  }

  /** The row is released. */
  clear(row: number): void {
    const chunk = this.#chunks[row >>> CHUNK_ROWS_LOG2]
    if (chunk !== undefined) chunk[(row & ROW_IN_CHUNK) * WORDS] = 0
    this.outcomes.note(row)
  }

  /** A dial had an outcome. */
  isChecked(row: number): boolean {
    return (this.#word(row, 0) & (REACHABLE | UNREACHABLE)) !== 0
  }

  /** A new seed whose bitfield is awaited. */
  isExpected(row: number): boolean {
    return (this.#word(row, 0) & EXPECTED) !== 0
  }

  /** Returns false where the bitfield of the row has been observed, so that nothing changes. */
  setExpected(row: number, isExpected: boolean): boolean {
    const state = this.#word(row, 0)
    if ((state & SHARE_KNOWN) !== 0 || ((state & EXPECTED) !== 0) === isExpected) return false
    this.#chunkOf(row)[(row & ROW_IN_CHUNK) * WORDS] = isExpected ? state | EXPECTED : state & ~EXPECTED
    return true
  }

  isReachable(row: number): boolean {
    return (this.#word(row, 0) & REACHABLE) !== 0
  }

  isUnreachable(row: number): boolean {
    return (this.#word(row, 0) & UNREACHABLE) !== 0
  }

  isComplete(row: number): boolean {
    return (this.#word(row, 0) & COMPLETE) !== 0
  }

  refusesNode(row: number): boolean {
    return (this.#word(row, 0) & REFUSES_NODE) !== 0
  }

  /** The client has shown a bitfield that lacks pieces. */
  isIncomplete(row: number): boolean {
    const state = this.#word(row, 0)
    return (state & (SHARE_KNOWN | COMPLETE)) === SHARE_KNOWN && state >>> 16 < NEARLY_COMPLETE_UNITS
  }

  /** The clock was shifted by this much, and all times are. */
  shiftTime(byMs: number): void {
    this.#shiftedMs += byMs
  }

  #chunkOf(row: number): Uint32Array {
    return (this.#chunks[row >>> CHUNK_ROWS_LOG2] ??= new Uint32Array(CHUNK_ROWS * WORDS))
  }

  #word(row: number, word: number): number {
    return this.#chunks[row >>> CHUNK_ROWS_LOG2]?.[(row & ROW_IN_CHUNK) * WORDS + word] ?? 0
  }
}

/** 1 only for a complete client. */
function units(share: number, isComplete: boolean): number {
  const rounded = Math.round(Math.min(1, Math.max(0, share)) * SHARE_UNITS)
  return isComplete ? SHARE_UNITS : Math.min(rounded, SHARE_UNITS - 1)
}

/** The time modulo 2^32 that is nearest to `nearMs`. */
function nearest(nearMs: number, modulo: number): number {
  const differenceMs = (modulo - (nearMs % TWO_32) + 1.5 * TWO_32) % TWO_32
  return nearMs + differenceMs - TWO_32 / 2
}
