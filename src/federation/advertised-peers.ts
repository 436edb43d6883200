/**
 * Which peers of this site others hear of: sources that somebody else could fetch from, and its gateways. The same ones
 * as before as long as they are there, since whoever fetches from one keeps it, and each change has to be told.
 */
import { flags } from '../swarm/peer-rows.ts'
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'

/** Peers of one torrent and site: a few sources to choose from, and its gateways. */
export const ADVERTISED_PEERS_MAX = 8

export interface AdvertisedPeer {
  readonly row: number
  /** Tells whether the row is still the same peer. */
  readonly identity: number
}

/** One to fetch from, and some if it gives nothing. Those that somebody fetches from already come on top. */
const SOURCES_TOLD = 4
/** Seeds that are looked at in each bubble. */
const LOOKED_AT_MAX = 48

/** Sources first, verified before unverified, then gateways. */
export function selectAdvertisedPeers(
  table: SwarmTable,
  swarm: Swarm,
  site: SiteSwarm,
  nowMs: number,
  before: readonly AdvertisedPeer[],
): AdvertisedPeer[] {
  const { rows } = table
  const isEligible = (row: number) => !rows.has(row, flags.unreachable) && !rows.isExpired(row, nowMs)
  const gateways = site.gateways.map(({ row }) => row).filter(isEligible)
  const sourcesMax = gateways.length > 0 ? ADVERTISED_PEERS_MAX - 1 : ADVERTISED_PEERS_MAX
  const sources = new Set<number>()
  const add = (row: number, max: number) => {
    if (sources.size < max && rows.has(row, flags.seed) && isEligible(row)) sources.add(row)
  }
  for (const other of swarm.sites)
    for (const { upstreamRow } of other === site ? [] : other.gateways)
      if (upstreamRow >= 0 && table.siteIndexOf(upstreamRow) === site.site) add(upstreamRow, sourcesMax)
  for (const { row, identity } of before)
    if (isStill(table, swarm, site, row, identity) && isTrusted(table, row)) add(row, SOURCES_TOLD)
  for (const isTrustedTurn of [true, false])
    for (const list of sources.size < SOURCES_TOLD ? site.listsOf('seed') : []) {
      let row = list.head
      for (let left = Math.min(list.length, LOOKED_AT_MAX); left > 0; left--) {
        if (isTrusted(table, row) === isTrustedTurn) add(row, SOURCES_TOLD)
        row = rows.next(row)
      }
    }
  const ordered = [...sources].sort((a, b) => Number(isTrusted(table, b)) - Number(isTrusted(table, a)))
  return [...ordered, ...gateways.slice(0, ADVERTISED_PEERS_MAX - ordered.length)].map((row) => ({
    row,
    identity: rows.identity(row),
  }))
}

function isStill(table: SwarmTable, swarm: Swarm, site: SiteSwarm, row: number, identity: number): boolean {
  const { rows } = table
  return (
    rows.isLive(row) &&
    rows.swarm(row) === swarm.index &&
    rows.identity(row) === identity &&
    table.siteIndexOf(row) === site.site
  )
}

function isTrusted(table: SwarmTable, row: number): boolean {
  return !table.rows.has(row, flags.unverifiedSeed)
}
