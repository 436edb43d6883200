/**
 * Selection of the peers of this site that are advertised: sources that another site could fetch from, and the gateways.
 * Peers stay selected as long as they are present, because a gateway keeps its source and each change costs an update.
 *
 * Threat: some hosts, or ports of one host, announce `left=0` and have nothing. If they stayed selected, they would keep
 * the real seed from all other sites. A host is therefore one source, and a host that a gateway left without progress
 * comes after all others.
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
/** Hosts that are scanned in each bubble. */
const SCANNED_MAX = 48
/** Rows of one list that a scan passes at most, with further ports of the same hosts. */
const WALKED_MAX = 1_024

/** Orders of sources, the lowest first: see `orderOf`. */
const UNVERIFIED = 2
const LEFT = 4
const LOOPBACK = 1_024

/**
 * Sources first, in their order, then gateways. Loopback peers only where places are left: they are handed out to loopback
 * peers alone.
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
  const isSource = (row: number) =>
    rows.has(row, flags.seed) && !table.observed.isIncomplete(row) && isEligible(row)
  const gateways = site.gateways.map(({ row }) => row).filter(isEligible)
  const sourcesMax = gateways.length > 0 ? ADVERTISED_PEERS_MAX - 1 : ADVERTISED_PEERS_MAX
  const order = (row: number) => orderOf(table, site, row)
  const sources = new Set<number>()
  const hosts = new Set<number>()
  const add = (row: number, max: number) => {
    if (sources.size >= max) return
    sources.add(row)
    hosts.add(rows.addressHash(row))
  }
  for (const row of sourcesInUse(table, swarm, site)) if (isSource(row)) add(row, sourcesMax)
  // A source that was left keeps no place from others while one more gateway fetches from it.
  const left = [...sources].filter((row) => site.history.leftHosts.has(rows.addressHash(row)))
  const max = Math.min(sourcesMax, SOURCES_MAX + left.length)
  const kept = before
    .filter((peer) => isSamePeer(table, swarm, site, peer))
    .map(({ row }) => row)
    .filter(isSource)
  for (const row of kept) if (order(row) < UNVERIFIED && !hosts.has(rows.addressHash(row))) add(row, max)
  if (sources.size < max) {
    const candidates = [...new Set([...kept, ...scan(table, site, isSource)])]
    candidates.sort((a, b) => order(a) - order(b))
    for (const isOtherPort of [false, true])
      for (const row of candidates) if (hosts.has(rows.addressHash(row)) === isOtherPort) add(row, max)
  }
  const ordered = [...sources].sort((a, b) => order(a) - order(b))
  return [...ordered, ...gateways.slice(0, ADVERTISED_PEERS_MAX - ordered.length)].map((row) => ({
    row,
    identity: rows.identity(row),
  }))
}

/** Peers of this site that gateways of other sites fetch from. */
function* sourcesInUse(table: SwarmTable, swarm: Swarm, site: SiteSwarm): Generator<number> {
  for (const other of swarm.sites)
    for (const { upstreamRow } of other === site ? [] : other.gateways)
      if (upstreamRow >= 0 && table.siteIndexOf(upstreamRow) === site.site) yield upstreamRow
}

/** The first sources of each bubble: of each host one, and of all hosts together some further ports. */
function scan(table: SwarmTable, site: SiteSwarm, isSource: (row: number) => boolean): number[] {
  const { rows } = table
  const found: number[] = []
  const hosts = new Set<number>()
  let furtherPorts = 0
  for (const list of site.listsOf('seed')) {
    let row = list.head
    let left = SCANNED_MAX
    for (let walked = Math.min(list.length, WALKED_MAX); walked > 0 && left > 0; walked--) {
      const isNew = !hosts.has(rows.addressHash(row))
      if ((isNew || furtherPorts < SOURCES_MAX) && isSource(row)) {
        found.push(row)
        hosts.add(rows.addressHash(row))
        if (!isNew) furtherPorts++
      }
      if (isNew) left--
      row = rows.next(row)
    }
  }
  return found
}

/**
 * The order in which sources are advertised, the lowest first: those that no gateway left without progress, and of the
 * others the one that was left the longest ago; verified before unverified; observed to be complete before not observed.
 */
function orderOf(table: SwarmTable, site: SiteSwarm, row: number): number {
  const { rows, observed } = table
  const leftOrder = site.history.leftHosts.orderOf(rows.addressHash(row))
  return (
    (rows.isLoopback(row) ? LOOPBACK : 0) +
    leftOrder * LEFT +
    (rows.has(row, flags.unverifiedSeed) ? UNVERIFIED : 0) +
    (observed.isComplete(row) ? 0 : 1)
  )
}

function isSamePeer(
  table: SwarmTable,
  swarm: Swarm,
  site: SiteSwarm,
  { row, identity }: AdvertisedPeer,
): boolean {
  const { rows } = table
  return (
    rows.isLive(row) &&
    rows.swarm(row) === swarm.index &&
    rows.identity(row) === identity &&
    table.siteIndexOf(row) === site.site
  )
}
