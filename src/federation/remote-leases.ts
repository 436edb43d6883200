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
import { NO_FETCHES, noteLeftSources, type RemoteFetch, remoteFetches } from './left-sources.ts'
import type { RemoteSite, RemoteSwarm } from './remote-swarms.ts'
import type { HeldLease } from './site-updates.ts'

export interface RemoteLeasesComponents {
  readonly table: SwarmTable
  readonly authority: SiteAuthority
  readonly replica: Pick<SwarmReplica, 'recordLease'>
}

export class RemoteLeases {
  readonly #table: SwarmTable
  readonly #authority: SiteAuthority
  readonly #replica: Pick<SwarmReplica, 'recordLease'>

  constructor(components: RemoteLeasesComponents) {
    this.#table = components.table
    this.#authority = components.authority
    this.#replica = components.replica
  }

  /** Gateways of a remote site whose upstreams are in this site. Read before an update of it is applied. */
  fetchesOf(site: RemoteSite, swarm: Swarm | undefined): readonly RemoteFetch[] {
    return swarm === undefined ? NO_FETCHES : remoteFetches(this.#table, this.#authority, swarm, site.index)
  }

  /** After the update: notes sources of this site that were left without progress. */
  noteLeft(site: RemoteSite, swarm: Swarm, before: readonly RemoteFetch[]): void {
    if (before.length > 0) noteLeftSources(this.#table, swarm, site.index, before)
  }

  /** Applies the advertised leases of all sites: the upstream of an earlier one may have arrived only now. */
  resolve(swarm: Swarm, all: readonly RemoteSwarm[]): void {
    if (!hasLeases(all)) return
    for (const { site, leases } of all) {
      const ofSite = swarm.site(site.index)
      if (ofSite === undefined) continue
      const held = new Set<number>()
      for (const lease of leases) {
        const row = this.#find(swarm, lease.peer)
        if (row < 0 || this.#table.siteIndexOf(row) !== site.index || this.#table.roleOf(row) !== 'leecher')
          continue
        held.add(row)
        this.#merge(row, lease, swarm)
      }
      for (const { row } of ofSite.gateways.slice())
        if (!held.has(row) && !this.#table.clients.isCounted(row))
          this.#table.leases.end(this.#table.leaseOf(row), 'stopped')
    }
    this.#unassignFormerSources(swarm)
  }

  /** A former source that is a leecher now may fetch from a gateway that fetches from it: the gateway gives it up. */
  #unassignFormerSources(swarm: Swarm): void {
    for (const site of swarm.sites) {
      if (this.#authority.isRemote(site.site)) continue
      for (const gateway of site.gateways) {
        const { row, upstreamRow, treeRank } = gateway
        if (upstreamRow < 0 || this.#table.roleOf(upstreamRow) === 'seed') continue
        const rank = this.#table.siteOf(upstreamRow).gatewayOf(upstreamRow)?.treeRank ?? Infinity
        if (rank < treeRank) continue
        this.#table.leases.setUpstream(gateway, undefined)
        this.#table.touch(row)
      }
    }
  }

  #merge(row: number, { sinceMs, version, peer, treeRank, upstream }: HeldLease, swarm: Swarm): void {
    const { leases } = this.#table
    const place = this.#table.leaseOf(row)
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
    const row = this.#find(swarm, peer)
    const from = this.#upstreamOf(swarm, upstream)
    if (row < 0 || from === undefined || this.#table.siteIndexOf(from.row) !== site.index) return
    const lease = this.#table.leaseOf(row)
    const gateway = lease.site.gatewayOf(row)
    if (gateway === undefined || gateway.upstreamRow >= 0 || version <= gateway.version) return
    const source = this.#table.siteOf(from.row).gatewayOf(from.row)
    const isEarlier =
      this.#table.roleOf(from.row) === 'seed' || (source?.treeRank ?? Infinity) < gateway.treeRank
    if (!isEarlier) return
    this.#table.leases.assignUpstream(lease, gateway, from, version)
    this.#table.touch(row)
    this.#replica.recordLease(row)
  }

  #upstreamOf(swarm: Swarm, upstream: PeerRef | undefined): Upstream | undefined {
    const row = upstream === undefined ? -1 : this.#find(swarm, upstream)
    return upstream === undefined || row < 0 ? undefined : { row, announcedAtMs: upstream.announcedAtMs }
  }

  #find(swarm: Swarm, { address, port }: PeerRef): number {
    return this.#table.find(swarm, address, port)
  }
}

/** Most torrents are complete at every site and have no leases. */
function hasLeases(all: readonly RemoteSwarm[]): boolean {
  for (const { leases, hadLeases } of all) if (hadLeases || leases.length > 0) return true
  return false
}
