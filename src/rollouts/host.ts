/**
 * One host of a rollout, and its state as the swarm table has it: as a node of its site observed the client, or else as
 * the client announced it.
 *
 * A host is an address. On loopback addresses, where one machine runs several clients for a trial, it is an address and
 * port. A client with several addresses counts once.
 */
import type { Address } from '../core/address.ts'
import { LEFT_UNKNOWN, flags } from '../swarm/peer-rows.ts'
import { PORT_WITHOUT_LISTENER } from '../swarm/row-state.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'

/** Equal for all clients of one host. */
export type HostKey = number | string

export type ProgressOrigin = 'observed' | 'announced' | 'unknown'

/** The part of a host's state that outlives its row. */
export interface HostState {
  readonly address: string
  readonly port: number
  readonly bubble: string
  /** 0 to 1; 0 if it is not known. */
  readonly share: number
  readonly progressFrom: ProgressOrigin
  readonly isComplete: boolean
  readonly isUnreachable: boolean
  /** Was a gateway of its site. */
  readonly isGatewayHost: boolean
  readonly lastSeenMs: number
}

/** A host whose client is in the swarm. */
export interface LiveHost extends Omit<HostState, 'address' | 'bubble'> {
  readonly row: number
  readonly place: number
  /** Was complete when it was first seen: it brings the content and does not wait for it. */
  readonly isSource: boolean
  readonly isStalled: boolean
  readonly isChecking: boolean
  /** Announces `left=0`, and nothing shows whether that is true: not counted. */
  readonly isUndecided: boolean
  /** It downloads, by its own announce. */
  readonly isLeecher: boolean
}

/** Announces without progress, after which a client that cannot be observed counts as stalled. */
const STALLED_ANNOUNCES = 2

export function hostKeyOf(table: SwarmTable, row: number): HostKey {
  return hostKey(table.rows.address(row), table.rows.port(row))
}

export function hostKey(address: Address, port: number): HostKey {
  if (address.isLoopback)
    return address.isV4 ? address.word3 * 0x1_0000 + port : `${address.toString()} ${port}`
  return address.isV4 ? address.word3 : address.toString()
}

export function readHost(table: SwarmTable, row: number, sizeBytes: number, nowMs: number): LiveHost {
  const { rows, observed } = table
  const observation = observed.get(row, nowMs)
  const isSeed = rows.has(row, flags.seed)
  const isFalseSeed = isSeed && observed.isIncomplete(row)
  const isComplete = isSeed && !isFalseSeed && !rows.has(row, flags.unverifiedSeed)
  const announced = isSeed ? undefined : announcedShare(rows.leftKib(row), sizeBytes)
  const share = isComplete ? 1 : Math.max(observation?.share ?? 0, announced ?? 0)
  const isObserved = observation?.share !== undefined
  const isUndecided = isSeed && !isComplete && !isFalseSeed
  return {
    row,
    place: rows.place(row),
    port: rows.port(row),
    // A host that is not complete lacks a piece, also if its share rounds to 1.
    share: isComplete ? 1 : Math.min(share, 0.9999),
    progressFrom: isObserved ? 'observed' : isComplete || announced !== undefined ? 'announced' : 'unknown',
    isComplete,
    isSource: isComplete && !rows.has(row, flags.verifiedSeed),
    isUnreachable: rows.port(row) <= PORT_WITHOUT_LISTENER || observation?.reachability === 'unreachable',
    isStalled: !isComplete && (observation?.isStalled ?? rows.stalls(row) >= STALLED_ANNOUNCES),
    isChecking: isFalseSeed || (!isSeed && !isObserved && announced === undefined),
    isUndecided,
    isLeecher: table.roleOf(row) === 'leecher',
    isGatewayHost: table.siteOf(row).gatewayHosts.has(table.leases.hostOf(row)),
    lastSeenMs: Math.max(rows.lastSeenMs(row, nowMs), isObserved ? observation.observedAtMs : 0),
  }
}

function announcedShare(leftKib: number, sizeBytes: number): number | undefined {
  if (leftKib === LEFT_UNKNOWN || sizeBytes === 0) return undefined
  return Math.max(0, 1 - (leftKib * 1024) / sizeBytes)
}
