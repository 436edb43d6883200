/**
 * Applies the leases of remote gateways to the swarm table, and the upstreams that remote sites assign to gateways of this
 * site.
 */
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import type { PeerRef } from '../replication/records.ts'
import type { Upstream } from '../swarm/leases.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { RemoteSite, RemoteSwarm } from './remote-swarms.ts'
import type { HeldLease } from './site-updates.ts'

export interface RemoteLeasesComponents {
  readonly table: SwarmTable
  readonly authority: SiteAuthority
  readonly replica: Pick<SwarmReplica, 'recordLease'>
}

export class RemoteLeases {
  readonly #parts: RemoteLeasesComponents

  constructor(parts: RemoteLeasesComponents) {
    this.#parts = parts
  }

  /** Applies the advertised leases of all sites: the upstream of an earlier one may have arrived only now. */
  resolve(swarm: Swarm, all: readonly RemoteSwarm[]): void {
    if (!hasLeases(all)) return
    const { table } = this.#parts
    for (const { site, leases } of all) {
      const ofSite = swarm.site(site.index)
      if (ofSite === undefined) continue
      const held = new Set<number>()
      for (const lease of leases) {
        const row = this.#find(swarm, lease.peer)
        if (row < 0 || table.siteIndexOf(row) !== site.index || table.roleOf(row) !== 'leecher') continue
        held.add(row)
        this.#merge(row, lease, swarm)
      }
      for (const { row } of ofSite.gateways.slice())
        if (!held.has(row) && !table.clients.isCounted(row)) table.leases.end(table.leaseOf(row), 'stopped')
    }
    this.#unassignFormerSources(swarm)
  }

  /** A former source that is a leecher now may fetch from a gateway that fetches from it: the gateway gives it up. */
  #unassignFormerSources(swarm: Swarm): void {
    const { table } = this.#parts
    for (const site of swarm.sites) {
      if (this.#parts.authority.isRemote(site.site)) continue
      for (const gateway of site.gateways) {
        const { row, upstreamRow, treeRank } = gateway
        if (upstreamRow < 0 || table.roleOf(upstreamRow) === 'seed') continue
        const rank = table.siteOf(upstreamRow).gatewayOf(upstreamRow)?.treeRank ?? Infinity
        if (rank < treeRank) continue
        table.leases.setUpstream(gateway, undefined)
        table.touch(row)
      }
    }
  }

  #merge(row: number, { sinceMs, version, peer, treeRank, upstream }: HeldLease, swarm: Swarm): void {
    const { leases } = this.#parts.table
    const place = this.#parts.table.leaseOf(row)
    const known = place.site.gatewayOf(row)
    const from = this.#upstreamOf(swarm, upstream)
    const decision = { sinceMs, version, announcedAtMs: peer.announcedAtMs, treeRank, upstream: from }
    // The site decides about its gateways. It can only lack a decision of this node about the lease that is known here.
    if (known === undefined || known.isTentative) leases.grant(place, decision)
    // Its states arrive in order: the last one replaces the upstream even where the version is the same.
    else if (leases.merge(place, decision) !== undefined) leases.setUpstream(known, from)
  }

  /** A remote site assigned one of its sources to a gateway of this site that had no upstream. */
  assignUpstream(site: RemoteSite, swarm: Swarm, { peer, upstream, version }: HeldLease): void {
    const { table } = this.#parts
    const row = this.#find(swarm, peer)
    const from = this.#upstreamOf(swarm, upstream)
    if (row < 0 || from === undefined || table.siteIndexOf(from.row) !== site.index) return
    const lease = table.leaseOf(row)
    const gateway = lease.site.gatewayOf(row)
    if (gateway === undefined || gateway.upstreamRow >= 0 || version <= gateway.version) return
    const source = table.siteOf(from.row).gatewayOf(from.row)
    const isEarlier = table.roleOf(from.row) === 'seed' || (source?.treeRank ?? Infinity) < gateway.treeRank
    if (!isEarlier) return
    table.leases.assignUpstream(lease, gateway, from, version)
    table.touch(row)
    this.#parts.replica.recordLease(row)
  }

  #upstreamOf(swarm: Swarm, upstream: PeerRef | undefined): Upstream | undefined {
    const row = upstream === undefined ? -1 : this.#find(swarm, upstream)
    return upstream === undefined || row < 0 ? undefined : { row, announcedAtMs: upstream.announcedAtMs }
  }

  #find(swarm: Swarm, { address, port }: PeerRef): number {
    return this.#parts.table.find(swarm, address, port)
  }
}

/** Most torrents are complete at every site and have no leases. */
function hasLeases(all: readonly RemoteSwarm[]): boolean {
  for (const { leases, hadLeases } of all) if (hadLeases || leases.length > 0) return true
  return false
}
