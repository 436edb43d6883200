/**
 * The carrier of a site as a peer in announce responses: to a client it is one like the others (BEP 23, BEP 7), and it is
 * not a row of the table.
 */
import { addressToBytes } from '../core/address.ts'
import type { AnnounceReply, Arrival } from '../core/announce.ts'
import type { CarrierContact, Decision } from '../handout/decision.ts'
import { writePeers } from '../swarm/write-peers.ts'
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CarriedSites } from './ports.ts'

interface CarrierParts {
  readonly carriedSites?: CarriedSites
  readonly table: SwarmTable
}

interface Client {
  /** -1 for a client that is not in the table. */
  readonly row: number
  readonly arrival: Arrival | undefined
}

/** The carrier of the torrent in a site; undefined where gateways fetch. */
export function carrierContact(
  { carriedSites, table }: CarrierParts,
  { infoHash }: Swarm,
  { site }: SiteSwarm,
  { row, arrival }: Client,
): CarrierContact | undefined {
  const transport = carriedSites?.transportOf(infoHash, site) ?? 'direct'
  if (transport === 'direct') return undefined
  const endpoint = carriedSites?.endpointFor({ infoHash, siteIndex: site, ...familyOf(table, row), arrival })
  return {
    isDialable: endpoint !== undefined,
    isSettling: transport !== 'carried',
    isUndecided: transport === 'undecided',
    isRemote: carriedSites?.isForAllSites === true,
  }
}

/** The peers of a response. The carrier comes first, where the decision contains it. */
export function peersOf(
  { carriedSites, table }: CarrierParts,
  { choices, dialsCarrier }: Decision,
  { row, arrival }: Client,
): Pick<AnnounceReply, 'peers4' | 'peers6'> {
  const peers = writePeers(table.rows, choices)
  if (!dialsCarrier) return peers
  const { infoHash } = table.swarmOf(row)
  const siteIndex = table.siteIndexOf(row)
  const family = familyOf(table, row)
  const endpoint = carriedSites?.endpointFor({ infoHash, siteIndex, ...family, arrival })
  if (endpoint === undefined) return peers
  const { address, port } = endpoint
  const carrier = Buffer.concat([addressToBytes(address), Buffer.from([port >> 8, port & 0xff])])
  return family.isV4
    ? { ...peers, peers4: Buffer.concat([carrier, peers.peers4]) }
    : { ...peers, peers6: Buffer.concat([carrier, peers.peers6]) }
}

function familyOf({ rows }: SwarmTable, row: number) {
  return row < 0
    ? { isV4: true, isLoopback: false }
    : { isV4: !rows.isV6(row), isLoopback: rows.isLoopback(row) }
}
