/** Observations applied to the table: they decide whether a peer is handed out, and whether its `left=0` is reliable. */
import type { PeerObservation } from './observed-peers.ts'
import { flags } from './peer-rows.ts'
import { PORT_WITHOUT_LISTENER } from './row-state.ts'
import type { SwarmTable } from './swarm-table.ts'

/** Records an observation of a peer, unless a later one is known; then returns false. */
export function observePeer(table: SwarmTable, row: number, observation: PeerObservation): boolean {
  const { rows, observed } = table
  const known = observed.get(row, observation.observedAtMs)
  if (known !== undefined && isSuperseded(observation, known)) return false
  observed.set(row, observation)
  const isUnreachable = rows.port(row) <= PORT_WITHOUT_LISTENER || observation.reachability === 'unreachable'
  rows.setFlag(row, flags.unreachable, isUnreachable)
  table.reassessSeed(row, observation.observedAtMs)
  table.touch(row)
  return true
}

/** Of two observations of the same time the one that shows more stays: a bitfield may arrive with the outcome of the dial. */
function isSuperseded(observation: PeerObservation, known: PeerObservation): boolean {
  if (known.observedAtMs !== observation.observedAtMs) return known.observedAtMs > observation.observedAtMs
  return (known.share ?? -1) >= (observation.share ?? -1)
}

/**
 * The bitfield of this new seed is about to be observed: it counts as unverified until then. `false`: it could not be
 * observed in time, and counts as announced.
 */
export function expectBitfield(table: SwarmTable, row: number, isExpected: boolean, nearMs: number): void {
  if (table.observed.setExpected(row, isExpected)) table.reassessSeed(row, nearMs)
}
