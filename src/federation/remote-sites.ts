/**
 * What other sites say of themselves, made true in the swarm table: their contacts are ordinary rows, placed by address
 * in their own site, so whoever decides about upstreams need not know how they came there. How many clients a site has
 * it says itself; its contacts are not counted again.
 *
 * Threat: a site that lies, or whose token was stolen. It can lie about its own peers, and about nobody else's; what is
 * kept of it is bounded by torrents and contacts. The work for one batch is bounded by its size.
 */
import type { Clock } from '../core/clock.ts'
import { infoHashKey } from '../core/info-hash.ts'
import { VERSIONS_PER_MS } from '../swarm/lease-version.ts'
import type { PeerState } from '../swarm/peer-state.ts'
import type { SiteSwarm, Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { RemoteRefusal, RemoteSites } from '../replication/site-store.ts'
import { readBatch } from '../replication/record-codec.ts'
import { RemoteLeases } from './remote-leases.ts'
import { NO_LEASES, type RemoteSite, SaidTorrents, type SiteCounts } from './remote-swarms.ts'
import { type SaidLease, type Saying, Sayings } from './site-updates.ts'
import type { PeerRef } from '../replication/records.ts'

/** Contacts of one torrent and site: a few sources to choose from, and its gateways. */
export const CONTACTS_MAX = 8
/** Torrents between which others have a turn: a few milliseconds. */
const SLICE = 1_000
/** A clock that is ahead by more than this is wrong, and its peers must not outlive their time for it. */
const AHEAD_MS_MAX = 10_000

export interface RemoteContactsParts {
  readonly table: SwarmTable
  readonly clock: Clock
  readonly topology: CurrentTopology
  readonly ownSite: string
  /** A contact is in the table just now: what was said of it before holds from now on. */
  readonly settle: (row: number) => void
  /** A gateway of this site was given an upstream by the site of that upstream. */
  readonly onAdopted: (row: number) => void
}

export interface Totals {
  readonly seeds: number
  readonly leechers: number
  readonly partial: number
  readonly downloaded: number
}

/** A batch of a site as it is applied. */
interface Hearing {
  readonly site: RemoteSite
  readonly nowMs: number
  readonly refusals: RemoteRefusal[]
}

interface LeasesByOwner {
  readonly own: readonly SaidLease[]
  readonly adoptions: readonly SaidLease[]
}

const NO_LEASES_OF_ANYBODY: LeasesByOwner = { own: NO_LEASES, adoptions: NO_LEASES }

const NOTHING: Totals = Object.freeze({ seeds: 0, leechers: 0, partial: 0, downloaded: 0 })

export class RemoteContacts implements RemoteSites {
  readonly #parts: RemoteContactsParts
  readonly #sites = new Map<string, RemoteSite>()
  readonly #said = new SaidTorrents()
  readonly #leases: RemoteLeases
  /** By site index. */
  #isHeard: boolean[] = []

  constructor(parts: RemoteContactsParts) {
    this.#parts = parts
    const { table, topology, onAdopted } = parts
    topology.onReplace(() => this.#topologyReplaced())
    this.#leases = new RemoteLeases({ table, onAdopted, isHeard: (siteIndex) => this.isHeard(siteIndex) })
  }

  /** Whether a site speaks for itself now. */
  isHeard(siteIndex: number): boolean {
    return this.#isHeard[siteIndex] === true
  }

  get isAnyHeard(): boolean {
    return this.#isHeard.includes(true)
  }

  /** Clients of the sites that are heard. */
  totals(infoHash: Buffer): Totals {
    const said = this.#said.of(infoHashKey(infoHash))
    if (said.length === 0) return NOTHING
    const sum = { seeds: 0, leechers: 0, partial: 0, downloaded: 0 }
    for (const { site, seeds, leechers, partial, downloaded } of said) {
      if (!site.isHeard) continue
      sum.seeds += seeds
      sum.leechers += leechers
      sum.partial += partial
      sum.downloaded += downloaded
    }
    return sum
  }

  /** What a site said of its clients; undefined where it is not heard, or said nothing of the torrent. */
  countsOf(infoHash: Buffer, siteIndex: number): SiteCounts | undefined {
    const said = this.#said.of(infoHashKey(infoHash))
    return said.find(({ site }) => site.index === siteIndex && site.isHeard)
  }

  /** Torrents that this site says something of. */
  torrentsOf(site: string): number {
    return this.#sites.get(site)?.torrents ?? 0
  }

  /** The latest decision about a lease that its site has told; 0 where it told none. */
  leaseVersionSaid(infoHash: Buffer, siteIndex: number): number {
    const said = this.#said.of(infoHashKey(infoHash))
    const leases = said.find(({ site }) => site.index === siteIndex)?.leases ?? []
    return leases.reduce((latest, { version }) => Math.max(latest, version), 0)
  }

  begin(name: string, behindMs: number): void {
    const site = this.#siteOf(name)
    site.behindMs = behindMs
    site.stream++
  }

  hear(name: string, batch: Buffer): readonly RemoteRefusal[] {
    const site = this.#siteOf(name)
    const refusals: RemoteRefusal[] = []
    const sayings = new Sayings(site.behindMs)
    if (!readBatch(batch, sayings)) refusals.push('garbage')
    const nowMs = this.#parts.clock.nowMs()
    for (const saying of sayings.list) this.#apply({ site, nowMs, refusals }, saying)
    return refusals
  }

  *complete(name: string): Generator<void> {
    const site = this.#siteOf(name)
    const { stream } = site
    site.isHeard = true
    this.#index()
    let looked = 0
    for (const [key, said] of this.#said.torrents()) {
      const old = said.find((each) => each.site === site)
      if (old !== undefined && old.stream !== stream) this.#forget(key, site)
      if (++looked % SLICE === 0) yield
      if (site.stream !== stream || !site.isHeard) return
    }
    // What was recorded here while it was cut is its own again: its clients never say here that they stop.
    for (const swarm of this.#parts.table.swarms()) {
      const ofSite = swarm.site(site.index)
      if (ofSite !== undefined)
        for (const row of this.#rowsOf(ofSite))
          if (this.#parts.table.clients.isCounted(row)) this.#parts.table.remove(row, 'stopped')
      if (++looked % SLICE === 0) yield
      if (site.stream !== stream || !site.isHeard) return
    }
  }

  *lose(name: string): Generator<void> {
    const site = this.#siteOf(name)
    const { stream } = site
    site.isHeard = false
    this.#index()
    let looked = 0
    for (const [key, said] of this.#said.torrents()) {
      const ofSite = said.some((each) => each.site === site) ? this.#swarm(key)?.site(site.index) : undefined
      if (ofSite !== undefined) for (const row of this.#rowsOf(ofSite)) this.#count(row, true)
      if (++looked % SLICE === 0) yield
      if (site.stream !== stream || site.isHeard) return
    }
  }

  /** Sites have other indexes now, and addresses other places. */
  #topologyReplaced(): void {
    for (const site of this.#sites.values()) {
      site.index = this.#parts.topology.value.siteNamed(site.name)?.index ?? -1
      if (site.index >= 0) continue
      for (const [key] of this.#said.torrents()) this.#said.remove(key, site)
      this.#sites.delete(site.name)
    }
    this.#index()
  }

  #index(): void {
    this.#isHeard = []
    for (const site of this.#sites.values()) if (site.isHeard) this.#isHeard[site.index] = true
  }

  #siteOf(name: string): RemoteSite {
    let site = this.#sites.get(name)
    if (site === undefined) {
      const index = this.#parts.topology.value.siteNamed(name)?.index ?? -1
      site = { name, index, isHeard: false, behindMs: 0, stream: 0, torrents: 0 }
      this.#sites.set(name, site)
    }
    return site
  }

  #apply(hearing: Hearing, { counts, peers, leases }: Saying): void {
    const { site } = hearing
    const key = infoHashKey(counts.infoHash)
    const { own, adoptions } = leases.length === 0 ? NO_LEASES_OF_ANYBODY : this.#whose(hearing, leases)
    if (peers.length === 0 && counts.seeds + counts.leechers + counts.partial === 0) this.#forget(key, site)
    else {
      const said = this.#said.replace(key, site, counts, own)
      if (said === undefined) hearing.refusals.push('torrents')
      else {
        const swarm = this.#placeContacts(hearing, counts.infoHash, peers)
        if (swarm !== undefined) this.#leases.resolve(swarm, said)
      }
    }
    const swarm = adoptions.length === 0 ? undefined : this.#parts.table.swarm(counts.infoHash)
    if (swarm !== undefined) for (const adoption of adoptions) this.#leases.adopt(site, swarm, adoption)
  }

  /** A site speaks of its own gateways, and of those of ours that it has taken on. */
  #whose({ site, nowMs, refusals }: Hearing, leases: readonly SaidLease[]): LeasesByOwner {
    const own: SaidLease[] = []
    const adoptions: SaidLease[] = []
    // What is decided here next has to be later.
    const versionMax = (nowMs + AHEAD_MS_MAX) * VERSIONS_PER_MS
    for (const lease of leases) {
      if (lease.version > versionMax) continue
      const owner = this.#siteAt(lease.peer)
      if (owner === site.name) {
        if (own.length < CONTACTS_MAX) own.push(lease)
      } else if (owner === this.#parts.ownSite) adoptions.push(lease)
      else if (refusals.length < CONTACTS_MAX) refusals.push('address')
    }
    return { own, adoptions }
  }

  /** The swarm, where there is one then. */
  #placeContacts(
    { site, nowMs, refusals }: Hearing,
    infoHash: Buffer,
    peers: readonly PeerState[],
  ): Swarm | undefined {
    const { table } = this.#parts
    const topology = this.#parts.topology.value
    const kept: number[] = []
    for (const [index, peer] of peers.entries()) {
      if (index >= CONTACTS_MAX) {
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
      let row = table.put(state, place, undefined, false)
      // It has said something later here.
      if (row < 0) row = this.#find(infoHash, peer)
      if (row < 0) continue
      if (table.clients.isCounted(row)) this.#count(row, false)
      if (!kept.includes(row)) kept.push(row)
      this.#parts.settle(row)
    }
    const swarm = kept[0] === undefined ? table.swarm(infoHash) : table.swarmOf(kept[0])
    const ofSite = swarm?.site(site.index)
    if (ofSite !== undefined && ofSite.peers !== kept.length)
      for (const row of this.#rowsOf(ofSite))
        if (!kept.includes(row) && (site.isHeard || !table.clients.isCounted(row)))
          table.remove(row, 'stopped')
    return swarm
  }

  #forget(key: string, site: RemoteSite): void {
    if (!this.#said.remove(key, site)) return
    const ofSite = this.#swarm(key)?.site(site.index)
    if (ofSite === undefined) return
    const { table } = this.#parts
    for (const row of this.#rowsOf(ofSite))
      if (site.isHeard || !table.clients.isCounted(row)) table.remove(row, 'stopped')
  }

  #count(row: number, isCounted: boolean): void {
    const { table } = this.#parts
    table.clients.setCounted(table.swarmOf(row), row, table.roleOf(row), isCounted)
  }

  #rowsOf(site: SiteSwarm): number[] {
    return site.lists.flatMap((list) => [...list.all(this.#parts.table.rows)])
  }

  #swarm(key: string): Swarm | undefined {
    return this.#parts.table.swarm(Buffer.from(key, 'latin1'))
  }

  #find(infoHash: Buffer, { address, port }: Pick<PeerRef, 'address' | 'port'>): number {
    const { table } = this.#parts
    const swarm = table.swarm(infoHash)
    return swarm === undefined ? -1 : table.find(swarm, address, port)
  }

  #siteAt({ address }: PeerRef): string | undefined {
    const topology = this.#parts.topology.value
    return topology.places[topology.locate(address)]?.site.name
  }
}
