/**
 * Clients that do not accept connections: behind a host firewall, a NAT, or in the network of a container. Such a client
 * is never handed out, so it meets only the peers of its own responses, and it announces again after minutes. It
 * therefore gets more peers at once, and waits for them for a few seconds while its site starts.
 *
 * One of them is a source or gateway of the site, even without a free slot. libtorrent disconnects a neighbour that
 * completes while it has nothing that the other lacks, and no stranger can connect to a closed client afterwards. A
 * gateway gets every piece first, so it always has one (measured: 61 s and 122 s without it).
 */
import { flags } from '../swarm/peer-rows.ts'
import type { HandoutContext } from './decision.ts'
import { take } from './pick.ts'

/** An observer could not connect to the requester, or it announced a port at which no client listens. */
export function isUnreachable({ table, requester }: HandoutContext): boolean {
  return requester.row >= 0 && table.rows.has(requester.row, flags.unreachable)
}

/** Number of other leechers of the site that accept connections, up to `countMax`. */
export function reachableLeechers(
  { table, site, requester, nowMs }: HandoutContext,
  countMax: number,
): number {
  const { rows } = table
  const accepts = (row: number) =>
    row !== requester.row && !rows.has(row, flags.unreachable) && !rows.isExpired(row, nowMs)
  return take(rows, site.listsOf('leecher'), countMax, accepts).length
}

/** True if the response should be deferred: more reachable peers of the site are likely to announce soon. */
export function waitsForReachablePeers(context: HandoutContext, chosen: number): boolean {
  return isUnreachable(context) && mayStillWait(context) && chosen < context.policy.unreachableNeighboursMin
}

export function mayStillWait({ requester, policy }: HandoutContext): boolean {
  return requester.mayWait && requester.waitedMs < policy.unreachableWaitMs
}
