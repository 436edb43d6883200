/** The requester of a handout, from an announce. */
import type { AnnounceRequest } from '../core/announce.ts'
import { PEERS_WANTED_DEFAULT, PEERS_WANTED_MAX } from '../core/limits.ts'
import type { Requester } from '../handout/decision.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { RecordedAnnounce } from './announce-recorder.ts'
import { unknownClient } from './explain.ts'

export function recordedClient(
  table: SwarmTable,
  { row, peersWanted, hasCompleted, profile, waitedMs, mayWait, isNew }: RecordedAnnounce,
): Requester {
  return {
    row,
    place: table.rows.place(row),
    role: table.roleOf(row),
    hasCompleted,
    peersWanted: clamped(peersWanted),
    dropsFinishers: profile.dropsFinishers,
    isBitfieldOnly: profile.isBitfieldOnly,
    waitedMs,
    mayWait,
    isNew,
  }
}

/** A client that announces and has no row of its own. */
export function unrecordedClient({ leftBytes, peersWanted }: AnnounceRequest, place: number): Requester {
  const client = unknownClient({ row: -1, place, role: leftBytes === 0 ? 'seed' : 'leecher' })
  return { ...client, peersWanted: clamped(peersWanted) }
}

function clamped(peersWanted: number | undefined): number {
  return Math.min(peersWanted ?? PEERS_WANTED_DEFAULT, PEERS_WANTED_MAX)
}
