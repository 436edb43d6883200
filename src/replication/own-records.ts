/**
 * Applies the records that this node wrote, when it reads them in the log. Its table has their content already, so that
 * only one fact is new: the log has this state of the peer. Applying them like those of another node took a third of the
 * time of an announce (docs/measurements.md).
 *
 * A batch of an earlier run of this node has another node id, and is not among these.
 */
import type { PeerState } from '../swarm/peer-state.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type {
  CarriageRecord,
  CarrierNodeRecord,
  CompletionRecord,
  LeaseRecord,
  RecordSink,
  RemovedRecord,
} from './records.ts'

export class OwnRecords implements RecordSink {
  readonly #table: SwarmTable
  /** For the records that are rare. */
  readonly #applier: RecordSink

  constructor(table: SwarmTable, applier: RecordSink) {
    this.#table = table
    this.#applier = applier
  }

  peer({ infoHash, address, port, lastSeenMs }: PeerState): void {
    const { rows } = this.#table
    const swarm = this.#table.swarm(infoHash)
    const row = swarm === undefined ? -1 : this.#table.find(swarm, address, port)
    // Not a later announce, whose record follows.
    if (row >= 0 && rows.lastSeenMs(row, lastSeenMs) === lastSeenMs) rows.logged.set(row, true)
  }

  introduction(): void {}

  observation(): void {}

  gatewayHost(): void {}

  siteCounts(): void {}

  removed(record: RemovedRecord): void {
    this.#applier.removed(record)
  }

  lease(record: LeaseRecord): void {
    this.#applier.lease(record)
  }

  completion(record: CompletionRecord): void {
    this.#applier.completion(record)
  }

  carrierNode(record: CarrierNodeRecord): void {
    this.#applier.carrierNode(record)
  }

  carriage(record: CarriageRecord): void {
    this.#applier.carriage(record)
  }
}
