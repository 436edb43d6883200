/**
 * Counters of the carriers of one process: plain numbers, which the main process adds up.
 */

import { noObservations } from '../observers/observer-counters.ts'

/** Reasons for which a client's connection ends by decision of the carrier, or its message has no effect. */
export const clientFaults = [
  /** More requests outstanding than any client needs: the further ones are dropped. */
  'requests-dropped',
  /** More messages per second than any client sends: the connection is closed. */
  'flooding',
  /** The client requests and does not read: the connection is closed. */
  'not-reading',
  /** A request outside of the torrent, or across two blocks. */
  'request-out-of-range',
  /** A message that BEP 3 does not allow: the connection is closed. */
  'violation',
] as const

export type ClientFault = (typeof clientFaults)[number]

export class CarrierCounters {
  readonly faults: Record<ClientFault, number> = {
    'requests-dropped': 0,
    flooding: 0,
    'not-reading': 0,
    'request-out-of-range': 0,
    violation: 0,
  }
  /** Outcomes of dials, connections and bitfields of clients, with the meaning that they have for observers. */
  readonly observations = noObservations()
  /** Holders that sent wrong data. */
  liars = 0
  /** Pieces whose check failed. */
  piecesInvalid = 0
  /** Bytes of blocks that clients sent, and that were sent to clients. */
  receivedBytes = 0
  sentBytes = 0
  /** Bytes of blocks that were not outstanding. */
  unrequestedBytes = 0
  /** Bytes of blocks between sites: to, then from. */
  readonly #relayed = new Map<string, Map<string, number>>()

  addRelayed(to: string, from: string, bytes: number): void {
    const row = this.#relayed.get(to) ?? new Map<string, number>()
    this.#relayed.set(to, row)
    row.set(from, (row.get(from) ?? 0) + bytes)
  }

  relayedBytes(to: string, from: string): number {
    return this.#relayed.get(to)?.get(from) ?? 0
  }

  *relayed(): Iterable<{ readonly to: string; readonly from: string; readonly bytes: number }> {
    for (const [to, row] of this.#relayed) for (const [from, bytes] of row) yield { to, from, bytes }
  }
}
