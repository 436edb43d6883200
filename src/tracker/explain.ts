/**
 * The explanation of a handout, and the response to a peer of a remote site: both repeat what that site decided, and
 * decide nothing here.
 */
import type { Address } from '../core/address.ts'
import { PEERS_WANTED_DEFAULT } from '../core/limits.ts'
import type { AnnounceRequest } from '../core/announce.ts'
import type { Requester, Choice, Decision } from '../handout/decision.ts'
import type { CarrierDescription } from './ports.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'

export interface Explained {
  readonly decision: Decision
  readonly requester: Requester
  readonly swarm: Swarm
  readonly placeIndex: number
  /** False for a peer of a remote site. */
  readonly isDecidedHere: boolean
  /** undefined where no node carries the torrent at this site. */
  readonly carrier: CarrierDescription | undefined
  /** Loopback peers that are not handed out to this requester. */
  readonly loopbackWithheld: number
}

/** A requester without the knowledge of its client that only an announce gives. */
export function unknownClient(peer: Pick<Requester, 'row' | 'place' | 'role'>): Requester {
  return {
    ...peer,
    hasCompleted: false,
    peersWanted: PEERS_WANTED_DEFAULT,
    dropsFinishers: false,
    isBitfieldOnly: false,
    waitedMs: 0,
    mayWait: false,
    isNew: false,
  }
}

/**
 * The peers for a client of a remote site that announces here: a gateway gets the upstream that its site chose, in case
 * it did not learn of it there. Every other client gets none.
 */
export function choicesOfRemoteSite(
  table: SwarmTable,
  { infoHash, port }: AnnounceRequest,
  from: Address,
): readonly Choice[] {
  const swarm = table.swarm(infoHash)
  return upstreamOf(table, swarm === undefined ? -1 : table.find(swarm, from, port))
}

/** The decision of the peer's own site, in the form of the one that this node would have made. */
export function decisionOfRemoteSite(table: SwarmTable, decision: Decision, row: number): Decision {
  const nothing = { introductions: [], leaseEnds: [], upstreams: [], election: undefined }
  return {
    ...decision,
    ...nothing,
    choices: upstreamOf(table, row),
    isRescue: false,
    isTooEarly: false,
    dialsCarrier: false,
  }
}

function upstreamOf(table: SwarmTable, row: number): Choice[] {
  const gateway = row < 0 ? undefined : table.siteOf(row).gatewayOf(row)
  if (gateway === undefined || gateway.upstreamRow < 0) return []
  return [{ row: gateway.upstreamRow, locality: 'remote', reason: 'upstream' }]
}
