/**
 * What is known of one peer in one torrent, as one value: the unit in which nodes tell each other of peers, and
 * the only form in which a peer gets into the table.
 *
 * The later state replaces the earlier one, whoever heard it, so nodes that apply the same states in whatever
 * order agree on every peer. Two states of the same millisecond are compared by what they say.
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
  /** KiB, rounded up; `LEFT_UNKNOWN` where the peer did not say. */
  readonly leftKib: number
  readonly downloadedKib: number
  /** When it announced this. Later than whatever the node that heard it knew of the peer before. */
  readonly lastSeenMs: number
  readonly lifetimeSeconds: number
  /** Announces in a row without progress. */
  readonly stalls: number
  /** Said `left=0` of the kind that magnet clients send. */
  readonly isUnverifiedSeed: boolean
  /** Was seen incomplete before it was complete. */
  readonly isVerifiedSeed: boolean
  /** Counted, never handed out. */
  readonly isUnreachable: boolean
  /** Passes hardly anything on before it is complete. */
  readonly isSlowToForward: boolean
}

/**
 * Which of two states of one peer stays, for states heard at the same moment: above 0 the first, below 0 the
 * second, 0 where they say the same. Whoever has more of the torrent comes first; the rest only has to be the same
 * everywhere. Doubt comes last of all, since a completion may have lifted it in one of them.
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
