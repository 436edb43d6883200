/**
 * Seeds whose `left=0` is not reliable: of a magnet client without metadata, or of a client whose bitfield lacks pieces.
 * They do not make a site warm while another seed is trusted.
 */
import type { Address } from '../core/address.ts'
import type { ObservedPeers } from './observed-peers.ts'
import { hashAddress } from './peer-hash.ts'
import { flags, type PeerRows } from './peer-rows.ts'
import type { PeerState } from './peer-state.ts'
import type { Swarm } from './swarm.ts'

/** An observation outweighs the announce. `row`: -1 for a new peer. */
export function countsAsUnverified(
  observed: ObservedPeers,
  swarm: Swarm,
  state: PeerState,
  row: number,
): boolean {
  // Most peers; none of the other cases concerns them.
  if (state.role !== 'seed' && !state.isUnverifiedSeed) return false
  if (row >= 0 && observed.isComplete(row)) return false
  if (row >= 0 && (observed.isIncomplete(row) || observed.isExpected(row))) return state.role === 'seed'
  if (isDistrusted(swarm, state.address)) return state.role === 'seed'
  return state.isUnverifiedSeed && state.lastSeenMs > swarm.completedAtMs
}

function isDistrusted(swarm: Swarm, address: Address): boolean {
  for (const { history } of swarm.sites)
    if (history.distrustedHosts.size > 0 && history.distrustedHosts.has(hashAddress(address))) return true
  return false
}

/**
 * A completion shows that the content was available, so seeds that announced `left=0` before it are complete, unless
 * their bitfield says otherwise. `nearMs`: any time within weeks of their announces.
 */
export function verifySeeds(
  { rows, observed }: { readonly rows: PeerRows; readonly observed: ObservedPeers },
  swarm: Swarm,
  nearMs: number,
): void {
  for (const site of swarm.sites) {
    if (site.unverifiedSeeds === 0) continue
    for (const seeds of site.listsOf('seed'))
      for (const row of seeds.all(rows)) {
        if (!rows.has(row, flags.unverifiedSeed) || observed.isIncomplete(row) || observed.isExpected(row))
          continue
        if (rows.lastSeenMs(row, nearMs) > swarm.completedAtMs) continue
        if (site.history.distrustedHosts.has(rows.addressHash(row))) continue
        rows.setFlag(row, flags.unverifiedSeed, false)
        site.unverifiedSeeds--
      }
  }
}
