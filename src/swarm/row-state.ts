/** Copies a peer's state into its row and out of it. The table sets place and role, which decide the list of a row. */
import { flags, type PeerRows } from './peer-rows.ts'
import type { PeerState, Role } from './peer-state.ts'

/** libtorrent announces port 1 where it does not listen, and some clients 0. */
export const PORT_WITHOUT_LISTENER = 1

export function writeRowState(rows: PeerRows, row: number, state: PeerState): void {
  rows.setLastSeen(row, state.lastSeenMs, state.lifetimeSeconds)
  // A stall is counted at most once in a part of the interval, so that this time moves only with one, or with progress.
  if (state.stalls > rows.stalls(row) || state.leftKib !== rows.leftKib(row)) rows.clearStallAge(row)
  rows.setLeftKib(row, state.leftKib)
  rows.setDownloadedKib(row, state.downloadedKib)
  rows.setStalls(row, state.stalls)
  rows.setFlag(row, flags.verifiedSeed, state.isVerifiedSeed)
  rows.setFlag(row, flags.unreachable, state.isUnreachable)
  rows.setFlag(row, flags.slowToForward, state.isSlowToForward)
}

/** `nearMs`: any time within weeks of the peer's last announce. */
export function readRowState(
  rows: PeerRows,
  row: number,
  of: Pick<PeerState, 'infoHash' | 'clientCode'> & { readonly role: Role; readonly nearMs: number },
): PeerState {
  return {
    infoHash: of.infoHash,
    address: rows.address(row),
    port: rows.port(row),
    identity: rows.identity(row),
    role: of.role,
    leftKib: rows.leftKib(row),
    downloadedKib: rows.downloadedKib(row),
    lastSeenMs: rows.lastSeenMs(row, of.nearMs),
    lifetimeSeconds: rows.lifetimeSeconds(row),
    stalls: rows.stalls(row),
    isUnverifiedSeed: rows.has(row, flags.unverifiedSeed),
    isVerifiedSeed: rows.has(row, flags.verifiedSeed),
    // The flag is also set by observations, which are replicated as such.
    isUnreachable: rows.port(row) <= PORT_WITHOUT_LISTENER,
    isSlowToForward: rows.has(row, flags.slowToForward),
    clientCode: of.clientCode,
  }
}
