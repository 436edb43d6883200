/**
 * The state of one peer in one torrent, as one value: the unit in which nodes replicate peers, and the only form in
 * which a peer enters the table.
 *
 * The later state replaces the earlier one, whichever node recorded it, so nodes that apply the same states in any
 * order agree on every peer. Two states of the same millisecond are compared by their content.
 */
import type { Address } from '../core/address.ts'

/** `partial` is BEP 21's partial seed: incomplete, and it does not download. */
export type Role = 'leecher' | 'seed' | 'partial'

export interface PeerState {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
  /** See `hashIdentity`. */
  readonly identity: number
  readonly role: Role
  /** KiB, rounded up; `LEFT_UNKNOWN` if the peer did not report it. */
  readonly leftKib: number
  readonly downloadedKib: number
  /** Time of the announce. Later than every state of the peer that the recording node had before. */
  readonly lastSeenMs: number
  readonly lifetimeSeconds: number
  /** Consecutive announces without progress. */
  readonly stalls: number
  /** Announced `left=0` as magnet clients without metadata do. */
  readonly isUnverifiedSeed: boolean
  /** Was seen incomplete before it was complete. */
  readonly isVerifiedSeed: boolean
  /** Counted, never handed out. */
  readonly isUnreachable: boolean
  /** Uploads hardly anything before it is complete. */
  readonly isSlowToForward: boolean
  /** See `clientCodeOf`; undefined in a record of a node that does not have it. */
  readonly clientCode: string | undefined
}

/**
 * Orders two states of one peer from the same millisecond: above 0 the first stays, below 0 the second, 0 for equal
 * ones. The state with more of the torrent stays; the remaining order only has to be the same on all nodes.
 * `isUnverifiedSeed` comes last, because a completion may have cleared it in one of the two.
 */
export function compareStates(a: PeerState, b: PeerState): number {
  return (
    ROLE_ORDER[a.role] - ROLE_ORDER[b.role] ||
    b.leftKib - a.leftKib ||
    a.downloadedKib - b.downloadedKib ||
    a.identity - b.identity ||
    a.lifetimeSeconds - b.lifetimeSeconds ||
    a.stalls - b.stalls ||
    Number(a.isVerifiedSeed) - Number(b.isVerifiedSeed) ||
    Number(a.isUnreachable) - Number(b.isUnreachable) ||
    Number(a.isSlowToForward) - Number(b.isSlowToForward) ||
    Number(b.isUnverifiedSeed) - Number(a.isUnverifiedSeed)
  )
}

const ROLE_ORDER: Readonly<Record<Role, number>> = { seed: 2, partial: 1, leecher: 0 }
