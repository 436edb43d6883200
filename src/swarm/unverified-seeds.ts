/**
 * Seeds whose `left=0` is not reliable: of a magnet client without metadata, or of a client whose bitfield lacks pieces.
 * They do not make a site warm while another seed is trusted.
 */
import type { ObservedPeers } from './observed-peers.ts'
import { hashAddress } from './peer-hash.ts'
import { flags, type PeerRows } from './peer-rows.ts'
import type { PeerState } from './peer-state.ts'
import type { SiteSwarm, Swarm } from './swarm.ts'

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
  if (isDistrusted(swarm, () => hashAddress(state.address))) return state.role === 'seed'
  return state.isUnverifiedSeed && state.lastSeenMs > swarm.completedAtMs
}

function isDistrusted(swarm: Swarm, hostOf: () => number): boolean {
  for (const { history } of swarm.sites)
    if (history.distrustedHosts.size > 0 && history.distrustedHosts.has(hostOf())) return true
  return false
}

/** Seeds that a completion verifies at once; the sweep verifies those of a swarm with more. A fraction of a millisecond. */
const VERIFIED_AT_ONCE = 1_000

/** The part of the table that the verification needs. */
interface VerifiedTable {
  readonly rows: PeerRows
  readonly observed: ObservedPeers
  siteOf(row: number): SiteSwarm
}

/**
 * A completion shows that the content was available, so seeds that announced `left=0` before it are complete, unless
 * their bitfield says otherwise. `nearMs`: any time within weeks of their announces.
 */
export function verifySeeds(table: VerifiedTable, swarm: Swarm, nearMs: number): void {
  if (hasManySeeds(swarm)) return
  for (const site of swarm.sites)
    if (site.unverifiedSeeds > 0)
      for (const seeds of site.listsOf('seed'))
        for (const row of seeds.all(table.rows)) verifySeed(table, swarm, row, nearMs)
}

/** The same for one row of a sweep, in a swarm that a completion leaves to it. */
export function verifySweptSeed(table: VerifiedTable, swarm: Swarm, row: number, nearMs: number): void {
  if (hasManySeeds(swarm)) verifySeed(table, swarm, row, nearMs)
}

function hasManySeeds(swarm: Swarm): boolean {
  let seeds = 0
  for (const site of swarm.sites) if (site.unverifiedSeeds > 0) seeds += site.seeds
  return seeds > VERIFIED_AT_ONCE
}

function verifySeed(table: VerifiedTable, swarm: Swarm, row: number, nearMs: number): void {
  const { rows, observed } = table
  if (!rows.has(row, flags.unverifiedSeed) || observed.isIncomplete(row) || observed.isExpected(row)) return
  if (rows.lastSeenMs(row, nearMs) > swarm.completedAtMs) return
  if (isDistrusted(swarm, () => rows.addressHash(row))) return
  rows.setFlag(row, flags.unverifiedSeed, false)
  table.siteOf(row).unverifiedSeeds--
}
