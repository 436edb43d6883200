/**
 * Applies remote sites' updates to the swarm table. Their advertised peers are ordinary rows, placed by address in their
 * own site, so that the choice of upstreams does not depend on the origin of a row. A site sends its own client counts;
 * its advertised peers are not counted again.
 *
 * Threat: a site with false updates, or a stolen token. Updates are accepted for the site's own peers only; the state kept
 * of a site is bounded by torrents and advertised peers. The work for one batch is bounded by its size.
 */
import type { Clock } from '../core/clock.ts'
import type { FederationRefusal } from '../core/federation-metrics.ts'
import { infoHashKey } from '../core/info-hash.ts'
import { VERSIONS_PER_MS } from '../swarm/lease-version.ts'
import type { PeerState } from '../swarm/peer-state.ts'
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import type { SwarmReplica } from '../replication/swarm-replica.ts'
import { ADVERTISED_PEERS_MAX } from './advertised-peers.ts'
import { readBatch } from '../replication/record-reader.ts'
import { NO_FETCHES } from './left-sources.ts'
import { RemoteLeases } from './remote-leases.ts'
import { NO_LEASES, type RemoteSite, RemoteSwarms, type SiteCounts } from './remote-swarms.ts'
import { type HeldLease, type SiteUpdate, SiteUpdateReader } from './site-updates.ts'
import type { PeerRef } from '../replication/records.ts'

/** Torrents scanned between two yields: a few milliseconds. */
const SLICE = 1_000
/** A remote clock that is ahead by more is wrong, and must not prolong the lifetime of its peers. */
const AHEAD_MS_MAX = 10_000

export interface RemoteSitesComponents {
  readonly table: SwarmTable
  readonly clock: Clock
  readonly topology: CurrentTopology
  readonly ownSite: string
  readonly authority: SiteAuthority
  readonly replica: Pick<SwarmReplica, 'applyPending' | 'recordLease'>
}

export interface Totals {
  readonly seeds: number
  readonly leechers: number
  readonly partial: number
  readonly downloaded: number
}

export type RemoteRefusal = Extract<FederationRefusal, 'address' | 'contacts' | 'torrents' | 'garbage'>

/** The batch of a site that is being applied. */
interface UpdateContext {
  readonly site: RemoteSite
  readonly nowMs: number
  readonly refusals: RemoteRefusal[]
}

interface LeasesByOwner {
  readonly own: readonly HeldLease[]
  readonly assignments: readonly HeldLease[]
}

const NO_LEASES_BY_OWNER: LeasesByOwner = { own: NO_LEASES, assignments: NO_LEASES }

const NOTHING: Totals = Object.freeze({ seeds: 0, leechers: 0, partial: 0, downloaded: 0 })

export class RemoteSites {
  readonly #table: SwarmTable
  readonly #clock: Clock
  readonly #topology: CurrentTopology
  readonly #ownSite: string
  readonly #authority: SiteAuthority
  readonly #replica: Pick<SwarmReplica, 'applyPending' | 'recordLease'>
  readonly #sites = new Map<string, RemoteSite>()
  readonly #swarms = new RemoteSwarms()
  readonly #leases: RemoteLeases
  readonly #listeners: ((infoHash: Buffer) => void)[] = []

  constructor(components: RemoteSitesComponents) {
    this.#table = components.table
    this.#clock = components.clock
    this.#topology = components.topology
    this.#ownSite = components.ownSite
    this.#authority = components.authority
    this.#replica = components.replica
    components.topology.onReplace(() => this.#topologyReplaced())
    this.#leases = new RemoteLeases(components)
  }

  /** Calls `listener` for each torrent of which a site has sent its state, once that is applied. */
  onUpdate(listener: (infoHash: Buffer) => void): void {
    this.#listeners.push(listener)
  }

  /** Clients of the connected remote sites. */
  totals(infoHash: Buffer): Totals {
    const known = this.#swarms.of(infoHashKey(infoHash))
    if (known.length === 0) return NOTHING
    const sum = { seeds: 0, leechers: 0, partial: 0, downloaded: 0 }
    for (const { site, seeds, leechers, partial, downloaded } of known) {
      if (!site.isLive) continue
      sum.seeds += seeds
      sum.leechers += leechers
      sum.partial += partial
      sum.downloaded += downloaded
    }
    return sum
  }

  /** Client counts of a site; undefined where it is not connected, or does not have the torrent. */
  countsOf(infoHash: Buffer, siteIndex: number): SiteCounts | undefined {
    const known = this.#swarms.of(infoHashKey(infoHash))
    return known.find(({ site }) => site.index === siteIndex && site.isLive)
  }

  /** Number of torrents that the site advertises. */
  torrentsOf(site: string): number {
    return this.#sites.get(site)?.torrents ?? 0
  }

  /** Version of the latest lease decision that the site has advertised; 0 where there is none. */
  leaseVersionOf(infoHash: Buffer, siteIndex: number): number {
    const known = this.#swarms.of(infoHashKey(infoHash))
    const leases = known.find(({ site }) => site.index === siteIndex)?.leases ?? []
    return leases.reduce((latest, { version }) => Math.max(latest, version), 0)
  }

  /** A new stream of the site starts; its clock is this much behind ours. */
  begin(name: string, behindMs: number): void {
    const site = this.#siteOf(name)
    site.behindMs = behindMs
    site.stream++
  }

  /** Never throws. Returns a reason for each rejected part; a malformed batch is `garbage`. */
  apply(name: string, batch: Buffer): readonly RemoteRefusal[] {
    const site = this.#siteOf(name)
    const refusals: RemoteRefusal[] = []
    const reader = new SiteUpdateReader(site.behindMs)
    if (!readBatch(batch, reader)) refusals.push('garbage')
    const nowMs = this.#clock.nowMs()
    for (const update of reader.list) this.#apply({ site, nowMs, refusals }, update)
    return refusals
  }

  /** The full state of the site has been applied: it is remote from now on. Yields between slices of the work. */
  *complete(name: string): Generator<void> {
    const site = this.#siteOf(name)
    const { stream } = site
    site.isLive = true
    this.#index()
    let scanned = 0
    for (const [key, known] of this.#swarms.torrents()) {
      const old = known.find((each) => each.site === site)
      if (old !== undefined && old.stream !== stream) this.#forget(key, site)
      if (++scanned % SLICE === 0) yield
      if (site.stream !== stream || !site.isLive) return
    }
    // Peers that were recorded here while the site was down belong to it again: their stops do not arrive here.
    for (const swarm of this.#table.swarms()) {
      const ofSite = swarm.site(site.index)
      if (ofSite !== undefined)
        for (const row of this.#rowsOf(ofSite))
          if (this.#table.clients.isCounted(row)) this.#table.remove(row, 'stopped')
      if (++scanned % SLICE === 0) yield
      if (site.stream !== stream || !site.isLive) return
    }
  }

  /** The site is unreachable: this node decides for its peers. Yields between slices of the work. */
  *lose(name: string): Generator<void> {
    const site = this.#siteOf(name)
    const { stream } = site
    site.isLive = false
    this.#index()
    let scanned = 0
    for (const [key, known] of this.#swarms.torrents()) {
      const ofSite = known.some((each) => each.site === site) ? this.#swarm(key)?.site(site.index) : undefined
      if (ofSite !== undefined) for (const row of this.#rowsOf(ofSite)) this.#count(row, true)
      if (++scanned % SLICE === 0) yield
      if (site.stream !== stream || site.isLive) return
    }
  }

  /** Indexes of sites and places of addresses have changed. */
  #topologyReplaced(): void {
    for (const site of this.#sites.values()) {
      site.index = this.#topology.value.siteNamed(site.name)?.index ?? -1
      if (site.index >= 0) continue
      for (const [key] of this.#swarms.torrents()) this.#swarms.remove(key, site)
      this.#sites.delete(site.name)
    }
    this.#index()
  }

  #index(): void {
    this.#authority.replace(
      [...this.#sites.values()].filter(({ isLive }) => isLive).map(({ index }) => index),
    )
  }

  #siteOf(name: string): RemoteSite {
    let site = this.#sites.get(name)
    if (site === undefined) {
      const index = this.#topology.value.siteNamed(name)?.index ?? -1
      site = { name, index, isLive: false, behindMs: 0, stream: 0, torrents: 0 }
      this.#sites.set(name, site)
    }
    return site
  }

  #apply(context: UpdateContext, { counts, peers, leases }: SiteUpdate): void {
    const { site } = context
    const key = infoHashKey(counts.infoHash)
    const { own, assignments } = leases.length === 0 ? NO_LEASES_BY_OWNER : this.#byOwner(context, leases)
    if (peers.length === 0 && counts.seeds + counts.leechers + counts.partial === 0) this.#forget(key, site)
    else {
      const known = this.#swarms.replace(key, site, counts, own)
      if (known === undefined) context.refusals.push('torrents')
      else {
        const hadLeases = known.some((each) => each.site === site && each.hadLeases)
        const fetches = hadLeases ? this.#leases.fetchesOf(site, this.#swarm(key)) : NO_FETCHES
        const swarm = this.#placePeers(context, counts.infoHash, peers)
        if (swarm !== undefined) {
          this.#leases.resolve(swarm, known)
          this.#leases.noteLeft(site, swarm, fetches)
        }
      }
    }
    const swarm = assignments.length === 0 ? undefined : this.#table.swarm(counts.infoHash)
    if (swarm !== undefined)
      for (const assignment of assignments) this.#leases.assignUpstream(site, swarm, assignment)
    for (const listener of this.#listeners) listener(counts.infoHash)
  }

  /** Separates the leases of the site's own gateways from the upstreams that it assigns to gateways of this site. */
  #byOwner({ site, nowMs, refusals }: UpdateContext, leases: readonly HeldLease[]): LeasesByOwner {
    const own: HeldLease[] = []
    const assignments: HeldLease[] = []
    // The next decision of this node must have a later version.
    const versionMax = (nowMs + AHEAD_MS_MAX) * VERSIONS_PER_MS
    for (const lease of leases) {
      if (lease.version > versionMax) continue
      const owner = this.#siteAt(lease.peer)
      if (owner === site.name) {
        if (own.length < ADVERTISED_PEERS_MAX) own.push(lease)
      } else if (owner === this.#ownSite) assignments.push(lease)
      else if (refusals.length < ADVERTISED_PEERS_MAX) refusals.push('address')
    }
    return { own, assignments }
  }

  /** Puts the peers into the table. Returns the swarm, where there is one afterwards. */
  #placePeers(
    { site, nowMs, refusals }: UpdateContext,
    infoHash: Buffer,
    peers: readonly PeerState[],
  ): Swarm | undefined {
    const topology = this.#topology.value
    const kept: number[] = []
    for (const [index, peer] of peers.entries()) {
      if (index >= ADVERTISED_PEERS_MAX) {
        refusals.push('contacts')
        break
      }
      const place = topology.locate(peer.address)
      if (place < 0 || topology.places[place]?.site.index !== site.index || peer.address.isLinkLocal) {
        refusals.push('address')
        continue
      }
      const state = peer.lastSeenMs > nowMs + AHEAD_MS_MAX ? { ...peer, lastSeenMs: nowMs } : peer
      if (state.lastSeenMs + state.lifetimeSeconds * 1000 < nowMs) continue
      let row = this.#table.put(state, place, undefined, false)
      // The table has a later announce of the peer.
      if (row < 0) row = this.#find(infoHash, peer)
      if (row < 0) continue
      if (this.#table.clients.isCounted(row)) this.#count(row, false)
      if (!kept.includes(row)) kept.push(row)
      this.#replica.applyPending(row)
    }
    const swarm = kept[0] === undefined ? this.#table.swarm(infoHash) : this.#table.swarmOf(kept[0])
    const ofSite = swarm?.site(site.index)
    if (ofSite !== undefined && ofSite.peers !== kept.length)
      for (const row of this.#rowsOf(ofSite))
        if (!kept.includes(row) && (site.isLive || !this.#table.clients.isCounted(row)))
          this.#table.remove(row, 'stopped')
    return swarm
  }

  #forget(key: string, site: RemoteSite): void {
    if (!this.#swarms.remove(key, site)) return
    const ofSite = this.#swarm(key)?.site(site.index)
    if (ofSite === undefined) return
    for (const row of this.#rowsOf(ofSite))
      if (site.isLive || !this.#table.clients.isCounted(row)) this.#table.remove(row, 'stopped')
  }

  #count(row: number, isCounted: boolean): void {
    this.#table.clients.setCounted(this.#table.swarmOf(row), row, this.#table.roleOf(row), isCounted)
  }

  #rowsOf(site: SiteSwarm): number[] {
    return site.lists.flatMap((list) => [...list.all(this.#table.rows)])
  }

  #swarm(key: string): Swarm | undefined {
    return this.#table.swarm(Buffer.from(key, 'latin1'))
  }

  #find(infoHash: Buffer, { address, port }: Pick<PeerRef, 'address' | 'port'>): number {
    const swarm = this.#table.swarm(infoHash)
    return swarm === undefined ? -1 : this.#table.find(swarm, address, port)
  }

  #siteAt({ address }: PeerRef): string | undefined {
    const topology = this.#topology.value
    return topology.places[topology.locate(address)]?.site.name
  }
}
