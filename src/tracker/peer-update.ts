/**
 * Derives a peer's new state from an announce and from its row: the state that replaces the old one on every node, and
 * the progress in between. Reads the table and changes nothing.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceRequest } from '../core/announce.ts'
import { clientCodeOf } from '../swarm/client-codes.ts'
import { hashIdentity } from '../swarm/peer-hash.ts'
import { flags, LEFT_UNKNOWN } from '../swarm/peer-rows.ts'
import { PORT_WITHOUT_LISTENER } from '../swarm/row-state.ts'
import type { PeerState, Role } from '../swarm/peer-state.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import { clientProfile } from './client-profile.ts'

export interface PeerUpdate {
  readonly state: PeerState
  /** The row that the peer had, or -1. */
  readonly known: number
  /** It was incomplete at its last announce, and is complete now. */
  readonly hasBecomeSeed: boolean
  /** KiB since its last announce. */
  readonly progressKib: number
}

/** A lifetime is two intervals. An announce sooner than a quarter of an interval after the last counted one does not count
 * as a stall: clients announce to several tiers of the same node within a second. */
const SOONEST_PER_LIFETIME = 8

/** A client keeps its code: the one in the table saves a string for each announce. */
function clientCode(table: SwarmTable, known: number, identity: number, peerId: Buffer): string {
  const there = known >= 0 && table.rows.identity(known) === identity
  return (there ? table.clientCodes.get(known) : undefined) ?? clientCodeOf(peerId)
}

/** `lifetimeSeconds`: the upper bound of the peer's lifetime; exact once its interval is known. */
export function derivePeerUpdate(
  table: SwarmTable,
  request: AnnounceRequest,
  from: Address,
  nowMs: number,
  lifetimeSeconds: number,
): PeerUpdate {
  const { rows } = table
  const profile = clientProfile(request.peerId)
  const role: Role = request.leftBytes === 0 ? 'seed' : request.event === 'paused' ? 'partial' : 'leecher'
  const swarm = table.swarm(request.infoHash)
  const known = swarm === undefined ? -1 : table.find(swarm, from, request.port)
  const leftKib = request.leftBytes === undefined ? LEFT_UNKNOWN : kib(request.leftBytes)
  const downloadedKib = kib(request.downloadedBytes)
  const hasBecomeSeed = known >= 0 && role === 'seed' && !rows.has(known, flags.seed)
  const identity = hashIdentity(request.peerId, request.key, from)
  const state: PeerState = {
    infoHash: request.infoHash,
    address: from,
    port: request.port,
    identity,
    role,
    leftKib,
    downloadedKib,
    lastSeenMs: timeOf(table, request, from, known, nowMs),
    lifetimeSeconds,
    stalls: known < 0 ? 0 : stallsOf(table, known, role, leftKib, nowMs),
    isUnverifiedSeed:
      role === 'seed' && profile.announcesMagnetsAsComplete && !isReliable(table, known, request, nowMs),
    isVerifiedSeed: hasBecomeSeed || (known >= 0 && rows.has(known, flags.verifiedSeed)),
    isUnreachable: request.port <= PORT_WITHOUT_LISTENER,
    isSlowToForward: profile.isSlowToForward,
    clientCode: clientCode(table, known, identity, request.peerId),
  }
  const progressKib = known < 0 ? 0 : since(rows.downloadedKib(known), downloadedKib)
  return { state, known, hasBecomeSeed, progressKib }
}

/**
 * The time of this announce for all nodes: now, but always later than every earlier state of the peer that this node
 * has, so that the announce replaces that state everywhere, even if the clock of another node is ahead.
 */
export function timeOf(
  table: SwarmTable,
  peer: { readonly infoHash: Buffer; readonly port: number },
  address: Address,
  known: number,
  nowMs: number,
): number {
  const lastSeenMs = known < 0 ? 0 : table.rows.lastSeenMs(known, nowMs)
  const stoppedAtMs = known < 0 ? table.tombstones.of(peer.infoHash, address, peer.port) : 0
  return Math.max(nowMs, lastSeenMs + 1, stoppedAtMs + 1)
}

/** Announces in a row without progress, this one included. */
function stallsOf(table: SwarmTable, known: number, role: Role, leftKib: number, nowMs: number): number {
  const { rows } = table
  const leftBefore = rows.leftKib(known)
  if (leftKib < leftBefore || role === 'seed') return 0
  // It announced that it lacks nothing, as a magnet client does at first, or not how much it lacks.
  if (leftBefore === 0 || leftBefore === LEFT_UNKNOWN) return 0
  return rows.stalls(known) + (isSoon(table, known, rows.stallAgeMs(known, nowMs)) ? 0 : 1)
}

function isSoon({ rows }: SwarmTable, known: number, elapsedMs: number): boolean {
  return elapsedMs * SOONEST_PER_LIFETIME < rows.lifetimeSeconds(known) * 1000
}

/**
 * Whether `left=0` is reliable from a client that also sends it for magnets: it is if the peer was incomplete before, or
 * repeats `left=0` some time later. A magnet client has its metadata by then and has announced the bytes that it lacks.
 */
function isReliable(table: SwarmTable, known: number, request: AnnounceRequest, nowMs: number): boolean {
  if (request.event === 'completed' || request.downloadedBytes > 0) return true
  if (known < 0) return false
  const { rows } = table
  if (rows.has(known, flags.verifiedSeed) || !rows.has(known, flags.seed)) return true
  if (!rows.has(known, flags.unverifiedSeed)) return true
  return request.event === 'none' && !isSoon(table, known, nowMs - rows.lastSeenMs(known, nowMs))
}

/** Counters restart at `started`: a counter smaller than before is new progress as a whole. */
function since(beforeKib: number, nowKib: number): number {
  return nowKib >= beforeKib ? nowKib - beforeKib : nowKib
}

/** Rounded up, so that the last bytes do not become 0; saturated below the value that means "unknown". */
function kib(bytes: number): number {
  return Math.min(Math.ceil(bytes / 1024), LEFT_UNKNOWN - 1)
}
