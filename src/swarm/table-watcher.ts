/** Interface of the one part of a node that follows every change of the swarm table. */
import type { Swarm } from './swarm.ts'

/** Learns of each change of a peer at once, see `SwarmTable.watch`. */
export interface SwarmTableWatcher {
  /** A peer of this swarm came, changed or leaves. */
  changed(swarm: Swarm): void
  /** The peer of this row leaves; its row is still complete. */
  removing(row: number): void
}
