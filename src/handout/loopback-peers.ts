/**
 * Loopback peers: peers that announce from a loopback address, such as a seed on the machine of the tracker. Another
 * host that dials such an address reaches itself. They are therefore handed out to loopback peers only. They receive
 * peers like any other, and dial them from the real address of their machine.
 */
import type { PeerRows } from '../swarm/peer-rows.ts'

export class LoopbackPeers {
  readonly #rows: PeerRows
  readonly #isRequesterLoopback: boolean
  #withheld: Set<number> | undefined

  constructor(rows: PeerRows, isRequesterLoopback: boolean) {
    this.#rows = rows
    this.#isRequesterLoopback = isRequesterLoopback
  }

  /** True if this row must not be handed out to the requester. */
  withholds(row: number): boolean {
    if (this.#isRequesterLoopback || !this.#rows.isLoopback(row)) return false
    this.#withheld ??= new Set()
    this.#withheld.add(row)
    return true
  }

  /** True if this row never gets the requester, so that the two connect only if the requester dials. */
  isOneWay(row: number): boolean {
    return this.#isRequesterLoopback && !this.#rows.isLoopback(row)
  }

  /** Rows that were withheld in this decision. */
  get withheld(): readonly number[] {
    return this.#withheld === undefined ? [] : [...this.#withheld]
  }
}
