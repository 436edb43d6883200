/**
 * Sources of this site that a gateway of a remote site fetched from, and left without progress: false seeds, as far as
 * this node can see without a connection to them. `advertised-peers.ts` advertises their hosts last.
 *
 * The update of a remote site replaces the previous one, so the upstreams of its gateways are read before it and compared
 * afterwards. A host may be noted wrongly, because a client stopped before it reported progress: only the order of the
 * sources changes.
 */
import { VERSIONS_PER_MS } from '../swarm/lease-version.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'

/** A row, and the key that it has as long as it belongs to the same peer. */
interface KeyedRow {
  readonly row: number
  readonly key: number
}

/** A gateway of a remote site, and the source of this site that is its upstream. */
export interface RemoteFetch {
  readonly gateway: KeyedRow
  readonly source: KeyedRow
  /** KiB that the gateway lacks. */
  readonly leftKib: number
  /** It made progress since it chose the source. */
  readonly hasProgressed: boolean
}

export const NO_FETCHES: readonly RemoteFetch[] = []

export function remoteFetches(
  table: SwarmTable,
  authority: SiteAuthority,
  swarm: Swarm,
  siteIndex: number,
): readonly RemoteFetch[] {
  const fetches: RemoteFetch[] = []
  for (const { row, upstreamRow, version, progressAtMs } of swarm.site(siteIndex)?.gateways ?? []) {
    if (upstreamRow < 0 || authority.isRemote(table.siteIndexOf(upstreamRow))) continue
    fetches.push({
      gateway: { row, key: table.keyOf(row) },
      source: { row: upstreamRow, key: table.keyOf(upstreamRow) },
      leftKib: table.rows.leftKib(row),
      // The version of a lease is that of the choice of its upstream.
      hasProgressed: progressAtMs > Math.floor(version / VERSIONS_PER_MS),
    })
  }
  return fetches
}

/** Notes the hosts of the sources that no gateway of the remote site fetches from any more. */
export function noteLeftSources(
  table: SwarmTable,
  swarm: Swarm,
  siteIndex: number,
  before: readonly RemoteFetch[],
): void {
  const gateways = swarm.site(siteIndex)?.gateways ?? []
  // A site that has no gateway any more has not chosen another source.
  if (gateways.length === 0) return
  for (const { gateway, source, leftKib, hasProgressed } of before) {
    if (hasProgressed || !isThere(table, source)) continue
    const host = table.rows.addressHash(source.row)
    if (gateways.some((each) => each.upstreamRow >= 0 && table.rows.addressHash(each.upstreamRow) === host))
      continue
    if (isThere(table, gateway) && table.rows.leftKib(gateway.row) < leftKib) continue
    table.siteOf(source.row).historyToWrite().leftHosts.add(host)
    table.touch(source.row)
  }
}

function isThere(table: SwarmTable, { row, key }: KeyedRow): boolean {
  return table.rows.isLive(row) && table.keyOf(row) === key
}
