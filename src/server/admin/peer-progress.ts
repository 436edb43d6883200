/**
 * Progress and reachability of a peer in the form that the routes return: as a node of the site observed it, or else as
 * the peer announced it.
 */
import { LEFT_UNKNOWN, flags } from '../../swarm/peer-rows.ts'
import type { PeerObservation } from '../../swarm/observed-peers.ts'
import { PORT_WITHOUT_LISTENER } from '../../swarm/row-state.ts'
import type { SwarmTable } from '../../swarm/swarm-table.ts'
import type { PeerProgress } from './answers/peers.ts'

/** A row holds a share in 65,535ths: more than half of one, and less than one. */
const ROUNDING = 0.6 / 65_535

export function progressOf(table: SwarmTable, row: number, nowMs: number): PeerProgress {
  const observation = table.observed.get(row, nowMs)
  const share = observation?.share
  const announced = share === undefined ? announcedShare(table, row) : undefined
  const known = share ?? announced
  return {
    percent: known === undefined ? null : percentOf(known, 1),
    progressFrom: share !== undefined ? 'observed' : announced !== undefined ? 'announced' : 'unknown',
    observedAt: observation === undefined ? null : new Date(observation.observedAtMs).toISOString(),
    ratePercentPerSecond:
      observation === undefined || share === undefined
        ? null
        : Math.round(observation.sharePerSecond * 10_000) / 100,
    reachability: reachabilityOf(table, row, nowMs),
    isStalled: observation?.isStalled ?? false,
    lastSeenAt: new Date(table.rows.lastSeenMs(row, nowMs)).toISOString(),
  }
}

export function reachabilityOf(
  table: SwarmTable,
  row: number,
  nowMs: number,
): PeerObservation['reachability'] {
  if (table.rows.port(row) <= PORT_WITHOUT_LISTENER) return 'unreachable'
  return table.observed.get(row, nowMs)?.reachability ?? 'unknown'
}

/** Observations of a peer as one sentence; null without any. */
export function describeObservation(table: SwarmTable, row: number, nowMs: number): string | null {
  if (table.rows.port(row) <= PORT_WITHOUT_LISTENER) return 'announces a port at which it does not listen'
  const observation = table.observed.get(row, nowMs)
  if (observation === undefined) return null
  const { reachability, share, isStalled, observedAtMs } = observation
  const clauses: string[] = []
  if (reachability === 'unreachable') clauses.push('port does not answer')
  if (share !== undefined) {
    const percent = percentOf(share, 0)
    const seconds = Math.max(0, Math.round((nowMs - observedAtMs) / 1000))
    clauses.push(
      table.roleOf(row) === 'seed' && table.observed.isIncomplete(row)
        ? `false seed: announces left=0, has ${percent} %`
        : `observed ${seconds} s ago: ${percent} %${isStalled ? ', stalled' : ''}`,
    )
  } else if (reachability === 'reachable') clauses.push('port answers, pieces not shown')
  return clauses.length === 0 ? null : clauses.join('; ')
}

/** undefined if the announces do not show it, also for a seed whose `left=0` is not reliable. */
function announcedShare(table: SwarmTable, row: number): number | undefined {
  const { rows } = table
  if (table.roleOf(row) === 'seed') return rows.has(row, flags.unverifiedSeed) ? undefined : 1
  const { sizeKib } = table.swarmOf(row)
  const leftKib = rows.leftKib(row)
  if (sizeKib === 0 || leftKib === LEFT_UNKNOWN) return undefined
  return Math.max(0, 1 - leftKib / sizeKib)
}

/** `decimals`: of the result, rounded down. */
function percentOf(share: number, decimals: 0 | 1): number {
  const units = decimals === 0 ? 100 : 1000
  return Math.floor((share + ROUNDING) * units) / (units / 100)
}
