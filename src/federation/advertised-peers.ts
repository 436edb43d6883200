/**
 * Selection of the peers of this site that are advertised: sources that another site could fetch from, and the gateways.
 * Peers stay selected as long as they are present, because a gateway keeps its source and each change costs an update.
 */
import { flags } from '../swarm/peer-rows.ts'
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'

/** Peers of one torrent and site: a few sources to choose from, and its gateways. */
export const ADVERTISED_PEERS_MAX = 8

export interface AdvertisedPeer {
  readonly row: number
  /** Differs once the row belongs to another peer. */
  readonly identity: number
}

/** One source to fetch from, and some in reserve. Sources that a gateway fetches from are advertised in addition. */
const SOURCES_MAX = 4
/** Seeds that are scanned in each bubble. */
const SCANNED_MAX = 48

/**
 * Sources first, verified before unverified, then gateways. Loopback peers only where places are left: they are handed
 * out to loopback peers alone.
 */
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
    if (
      sources.size < max &&
      rows.has(row, flags.seed) &&
      !table.observed.isIncomplete(row) &&
      isEligible(row)
    )
      sources.add(row)
  }
  for (const other of swarm.sites)
    for (const { upstreamRow } of other === site ? [] : other.gateways)
      if (upstreamRow >= 0 && table.siteIndexOf(upstreamRow) === site.site) add(upstreamRow, sourcesMax)
  for (const { row, identity } of before)
    if (isSamePeer(table, swarm, site, row, identity) && isVerified(table, row) && !rows.isLoopback(row))
      add(row, SOURCES_MAX)
  for (const isLoopbackTurn of [false, true])
    for (const isVerifiedTurn of [true, false])
      for (const list of sources.size < SOURCES_MAX ? site.listsOf('seed') : []) {
        let row = list.head
        for (let left = Math.min(list.length, SCANNED_MAX); left > 0; left--) {
          if (isVerified(table, row) === isVerifiedTurn && rows.isLoopback(row) === isLoopbackTurn)
            add(row, SOURCES_MAX)
          row = rows.next(row)
        }
      }
  const ordered = [...sources].sort((a, b) => Number(isVerified(table, b)) - Number(isVerified(table, a)))
  return [...ordered, ...gateways.slice(0, ADVERTISED_PEERS_MAX - ordered.length)].map((row) => ({
    row,
    identity: rows.identity(row),
  }))
}

function isSamePeer(
  table: SwarmTable,
  swarm: Swarm,
  site: SiteSwarm,
  row: number,
  identity: number,
): boolean {
  const { rows } = table
  return (
    rows.isLive(row) &&
    rows.swarm(row) === swarm.index &&
    rows.identity(row) === identity &&
    table.siteIndexOf(row) === site.site
  )
}

function isVerified(table: SwarmTable, row: number): boolean {
  return !table.rows.has(row, flags.unverifiedSeed)
}
