/** The hosts of one torrent at one site: those whose client is in the swarm, and those whose client left. */
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { DepartedHosts } from './departed-hosts.ts'
import { type HostKey, type HostState, hostKeyOf, type LiveHost, readHost } from './host.ts'

/** Without a number of expected hosts, a host that left incomplete is awaited for this long: a host may restart. */
const GONE_KEPT_MS = 900_000

export interface CensusInput {
  readonly table: SwarmTable
  /** Of both infohashes of a hybrid torrent. */
  readonly swarms: readonly Swarm[]
  readonly siteIndex: number
  readonly departed: DepartedHosts
  readonly sizeBytes: number
  /** A host has downloaded: from then on, a client with a false `left=0` counts as a host. */
  readonly hasStarted: boolean
  /** Keeps hosts that left incomplete, because the operator expects a number of hosts. */
  readonly keepsGone: boolean
  readonly nowMs: number
}

export interface Census {
  readonly live: ReadonlyMap<HostKey, LiveHost>
  /** Without those whose client has returned. */
  readonly gone: readonly HostState[]
  readonly sources: number
}

export function takeCensus(input: CensusInput): Census {
  const { table, swarms, siteIndex, departed, sizeBytes, nowMs } = input
  const live = new Map<HostKey, LiveHost>()
  let sources = 0
  for (const row of rowsAt(table, swarms, siteIndex, nowMs)) {
    const host = readHost(table, row, sizeBytes, nowMs)
    if (host.isUndecided || (!host.isLeecher && !host.isComplete && !input.hasStarted)) continue
    const key = hostKeyOf(table, row)
    if (host.isSource && departed.get(key) === undefined && !isTarget(live.get(key))) {
      sources++
      continue
    }
    const known = live.get(key)
    if (known === undefined || known.share < host.share) live.set(key, host)
  }
  const gone: HostState[] = []
  for (const [key, host] of departed.entries()) {
    if (live.has(key)) continue
    if (host.isComplete || input.keepsGone || nowMs - host.lastSeenMs < GONE_KEPT_MS) gone.push(host)
  }
  return { live, gone, sources }
}

function isTarget(host: LiveHost | undefined): boolean {
  return host !== undefined && !host.isSource
}

/** Each client once, by the address of order 0; see `ClientCounts`. */
function* rowsAt(
  table: SwarmTable,
  swarms: readonly Swarm[],
  siteIndex: number,
  nowMs: number,
): Generator<number> {
  for (const swarm of swarms) {
    const site: SiteSwarm | undefined = swarm.site(siteIndex)
    for (const list of site?.lists ?? [])
      for (const row of list.all(table.rows))
        if (table.rows.clientOrder(row) === 0 && !table.rows.isExpired(row, nowMs)) yield row
  }
}
