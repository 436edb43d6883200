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
import type { Topology } from '../topology/topology.ts'
import type { RemoteRefusal, RemoteSites } from './ports.ts'
import { readBatch } from './site-batch.ts'
import type { LeaseRecord, PeerRef, SiteCountsRecord } from './site-records.ts'
import { Sayings, type Saying } from './sayings.ts'

/** Contacts of one torrent and site: a few sources to choose from, and its gateways. */
export const CONTACTS_MAX = 8
/** Torrents of one site: twice what is asked of five sites together. Some hundred megabytes, at the very worst. */
const TORRENTS_MAX = 200_000
/** Torrents between which others have a turn: a few milliseconds. */
const SLICE = 1_000
/** A clock that is ahead by more than this is wrong, and its peers must not outlive their time for it. */
const AHEAD_MS_MAX = 10_000

export interface RemoteContactsParts {
  readonly table: SwarmTable
  readonly clock: Clock
  /** The one in force. */
  readonly topology: () => Topology
  readonly ownSite: string
  /** A contact is in the table just now: what was said of it before holds from now on. */
  readonly settle: (row: number) => void
  /** A gateway of this site was given an upstream by the site of that upstream. */
  readonly onAdopted: (row: number) => void
}

interface RemoteSite {
  readonly name: string
  index: number
  isHeard: boolean
  behindMs: number
  /** Counts its streams, so that what an earlier one said is told from what this one says. */
  stream: number
  torrents: number
}

/** The last that a site said of a torrent. */
interface Said {
  readonly site: RemoteSite
  readonly stream: number
  readonly counts: SiteCountsRecord
  readonly leases: readonly LeaseRecord[]
  /** It said before that it had a gateway. */
  readonly hadLeases: boolean
}

export interface Totals {
  readonly seeds: number
  readonly needy: number
  readonly partial: number
  readonly downloaded: number
}

const NOTHING: Totals = Object.freeze({ seeds: 0, needy: 0, partial: 0, downloaded: 0 })

export class RemoteContacts implements RemoteSites {
  readonly #parts: RemoteContactsParts
  readonly #sites = new Map<string, RemoteSite>()
  readonly #said = new Map<string, readonly Said[]>()
  /** By site index. */
  #isHeard: boolean[] = []

  constructor(parts: RemoteContactsParts) {
    this.#parts = parts
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
    const said = this.#said.get(infoHashKey(infoHash))
    if (said === undefined) return NOTHING
    const sum = { seeds: 0, needy: 0, partial: 0, downloaded: 0 }
    for (const { site, counts } of said) {
      if (!site.isHeard) continue
      sum.seeds += counts.seeds
      sum.needy += counts.needy
      sum.partial += counts.partial
      sum.downloaded += counts.downloaded
    }
    return sum
  }

  /** What a site said of its clients; undefined where it is not heard, or said nothing of the torrent. */
  countsOf(infoHash: Buffer, siteIndex: number): SiteCountsRecord | undefined {
    const said = this.#said.get(infoHashKey(infoHash))
    return said?.find(({ site }) => site.index === siteIndex && site.isHeard)?.counts
  }

  /** Torrents that this site says something of. */
  torrentsOf(site: string): number {
    return this.#sites.get(site)?.torrents ?? 0
  }

  /** The latest decision about a lease that its site has told; 0 where it told none. */
  leaseVersionSaid(infoHash: Buffer, siteIndex: number): number {
    const said = this.#said.get(infoHashKey(infoHash))
    const leases = said?.find(({ site }) => site.index === siteIndex)?.leases ?? []
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
    for (const saying of sayings.list) this.#apply(site, saying, refusals)
    return refusals
  }

  *complete(name: string): Generator<void> {
    const site = this.#siteOf(name)
    const { stream } = site
    site.isHeard = true
    this.#index()
    let looked = 0
    for (const [key, said] of this.#said) {
      const old = said.find((each) => each.site === site)
      if (old !== undefined && old.stream !== stream) this.#forget(key, site, true)
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
    for (const [key, said] of this.#said) {
      const ofSite = said.some((each) => each.site === site) ? this.#swarm(key)?.site(site.index) : undefined
      if (ofSite !== undefined) for (const row of this.#rowsOf(ofSite)) this.#count(row, true)
      if (++looked % SLICE === 0) yield
      if (site.stream !== stream || site.isHeard) return
    }
  }

  /** Sites have other indexes now, and addresses other places. */
  topologyChanged(): void {
    for (const site of this.#sites.values()) {
      site.index = this.#parts.topology().siteNamed(site.name)?.index ?? -1
      if (site.index >= 0) continue
      for (const key of this.#said.keys()) this.#forget(key, site, false)
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
      const index = this.#parts.topology().siteNamed(name)?.index ?? -1
      site = { name, index, isHeard: false, behindMs: 0, stream: 0, torrents: 0 }
      this.#sites.set(name, site)
    }
    return site
  }

  #apply(site: RemoteSite, { counts, peers, leases }: Saying, refusals: RemoteRefusal[]): void {
    const key = infoHashKey(counts.infoHash)
    const own: LeaseRecord[] = []
    const adoptions: LeaseRecord[] = []
    // What is decided here next has to be later.
    const versionMax = (this.#parts.clock.nowMs() + AHEAD_MS_MAX) * VERSIONS_PER_MS
    for (const lease of leases) {
      if (lease.version > versionMax) continue
      const owner = this.#siteAt(lease.peer)
      if (owner === site.name) own.push(lease)
      else if (owner === this.#parts.ownSite) adoptions.push(lease)
      else if (refusals.length < CONTACTS_MAX) refusals.push('address')
    }
    if (peers.length === 0 && counts.seeds + counts.needy + counts.partial === 0) {
      this.#forget(key, site, true)
    } else if (this.#note(key, site, counts, own)) {
      this.#placeContacts(site, counts.infoHash, peers, refusals)
      this.#resolveLeases(key)
    } else refusals.push('torrents')
    for (const adoption of adoptions) this.#adopt(site, adoption)
  }

  /** False where the site has too many torrents already. */
  #note(key: string, site: RemoteSite, counts: SiteCountsRecord, leases: readonly LeaseRecord[]): boolean {
    const all = this.#said.get(key) ?? []
    const before = all.find((each) => each.site === site)
    if (before === undefined) {
      if (site.torrents >= TORRENTS_MAX) return false
      site.torrents++
    }
    const hadLeases = (before?.leases.length ?? 0) > 0
    const said = { site, stream: site.stream, counts, leases: leases.slice(0, CONTACTS_MAX), hadLeases }
    this.#said.set(
      key,
      before === undefined ? [...all, said] : all.map((each) => (each === before ? said : each)),
    )
    return true
  }

  #placeContacts(
    site: RemoteSite,
    infoHash: Buffer,
    peers: readonly PeerState[],
    refusals: RemoteRefusal[],
  ): void {
    const { table, clock, topology } = this.#parts
    const nowMs = clock.nowMs()
    const kept = new Set<number>()
    for (const [index, peer] of peers.entries()) {
      if (index >= CONTACTS_MAX) {
        refusals.push('contacts')
        break
      }
      const place = topology().locate(peer.address)
      if (place < 0 || topology().places[place]?.site.index !== site.index || peer.address.isLinkLocal) {
        refusals.push('address')
        continue
      }
      const state = peer.heardAtMs > nowMs + AHEAD_MS_MAX ? { ...peer, heardAtMs: nowMs } : peer
      if (state.heardAtMs + state.lifetimeSeconds * 1000 < nowMs) continue
      let row = table.put(state, place, undefined, false)
      // It has said something later here.
      if (row < 0) row = this.#find(infoHash, peer)
      if (row < 0) continue
      if (table.clients.isCounted(row)) this.#count(row, false)
      kept.add(row)
      this.#parts.settle(row)
    }
    const ofSite = table.swarm(infoHash)?.site(site.index)
    if (ofSite === undefined || ofSite.peers === kept.size) return
    for (const row of this.#rowsOf(ofSite))
      if (!kept.has(row) && (site.isHeard || !table.clients.isCounted(row))) table.remove(row, 'stopped')
  }

  /** The leases that the sites say their contacts have: of upstreams, one may be known only now. */
  #resolveLeases(key: string): void {
    if (this.#said.get(key)?.every(({ leases, hadLeases }) => leases.length === 0 && !hadLeases) === true)
      return
    const swarm = this.#swarm(key)
    if (swarm === undefined) return
    const { table } = this.#parts
    for (const { site, leases } of this.#said.get(key) ?? []) {
      const ofSite = swarm.site(site.index)
      if (ofSite === undefined) continue
      const held = new Set<number>()
      for (const lease of leases) {
        const row = table.find(swarm, lease.peer.address, lease.peer.port)
        if (row < 0 || table.siteIndexOf(row) !== site.index || table.roleOf(row) !== 'needy') continue
        held.add(row)
        this.#grant(row, lease, swarm)
      }
      for (const { row } of ofSite.gateways.slice())
        if (!held.has(row) && !table.clients.isCounted(row)) table.leases.end(table.leaseOf(row), 'stopped')
    }
    this.#leaveFormerSources(swarm)
  }

  /** A source that is none any more was no gateway's to choose: it may now fetch from whoever fetches from it. */
  #leaveFormerSources(swarm: Swarm): void {
    const { table } = this.#parts
    for (const site of swarm.sites) {
      if (this.isHeard(site.site)) continue
      for (const gateway of site.gateways) {
        const { row, upstreamRow, treeOrder } = gateway
        if (upstreamRow < 0 || table.roleOf(upstreamRow) === 'seed') continue
        const order = table.siteOf(upstreamRow).gatewayOf(upstreamRow)?.treeOrder ?? Infinity
        if (order < treeOrder) continue
        gateway.upstreamRow = -1
        table.touch(row)
      }
    }
  }

  /** The site decides about its gateways; only what was decided here since, it may not know yet. */
  #grant(row: number, record: LeaseRecord, swarm: Swarm): void {
    const { table } = this.#parts
    const { sinceMs, version, peer, treeOrder, upstream } = record
    const place = table.leaseOf(row)
    const gateway =
      place.site.gatewayOf(row) ?? table.leases.grant(place, { sinceMs, version, asOfMs: peer.asOfMs })
    if (version < gateway.version) return
    place.site.rememberGatewayHost(table.leases.hostOf(row), version)
    Object.assign(gateway, { sinceMs, version, asOfMs: peer.asOfMs, treeOrder, isTentative: false })
    const upstreamRow = upstream === undefined ? -1 : table.find(swarm, upstream.address, upstream.port)
    gateway.upstreamRow = upstreamRow
    gateway.upstreamAsOfMs = upstream?.asOfMs ?? 0
  }

  /** A source of another site took on a gateway of ours that had nobody to fetch from. */
  #adopt(site: RemoteSite, { infoHash, peer, upstream, version }: LeaseRecord): void {
    const { table } = this.#parts
    const row = this.#find(infoHash, peer)
    const from = upstream === undefined ? -1 : this.#find(infoHash, upstream)
    if (row < 0 || from < 0 || table.siteIndexOf(from) !== site.index) return
    const lease = table.leaseOf(row)
    const gateway = lease.site.gatewayOf(row)
    if (gateway === undefined || gateway.upstreamRow >= 0 || version <= gateway.version) return
    const feeder = table.siteOf(from).gatewayOf(from)
    const isBefore = table.roleOf(from) === 'seed' || (feeder?.treeOrder ?? Infinity) < gateway.treeOrder
    if (!isBefore) return
    gateway.upstreamRow = from
    gateway.upstreamAsOfMs = upstream?.asOfMs ?? 0
    if (!gateway.isTentative) {
      gateway.version = version
      lease.site.rememberGatewayHost(table.leases.hostOf(row), version)
    }
    table.touch(row)
    this.#parts.onAdopted(row)
  }

  #forget(key: string, site: RemoteSite, withContacts: boolean): void {
    const said = this.#said.get(key)
    if (said === undefined) return
    const others = said.filter((each) => each.site !== site)
    if (others.length === said.length) return
    site.torrents--
    if (others.length === 0) this.#said.delete(key)
    else this.#said.set(key, others)
    const ofSite = withContacts ? this.#swarm(key)?.site(site.index) : undefined
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
    const topology = this.#parts.topology()
    return topology.places[topology.locate(address)]?.site.name
  }
}
