/**
 * Advertises this site's swarms to remote sites. Polls the swarms that changed, and re-sends those whose advertised
 * state differs, or whose advertised peers would soon expire at the receivers.
 *
 * An update of one torrent holds the number of clients, the bytes that they lack, and at most `ADVERTISED_PEERS_MAX`
 * peers: the sources and gateways that another site may fetch from. It replaces the previous update of that torrent.
 */
import type { Clock } from '../core/clock.ts'
import { infoHashKey } from '../core/info-hash.ts'
import type { Random } from '../core/random.ts'
import type { Gateway } from '../swarm/gateway.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import { flags, LEFT_UNKNOWN } from '../swarm/peer-rows.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import { selectAdvertisedPeers, type AdvertisedPeer } from './advertised-peers.ts'
import { leaseRecordOf } from '../replication/table-records.ts'
import type { RemoteSites } from './remote-sites.ts'
import { BatchWriter } from '../replication/record-codec.ts'
import { NODE_ID_BYTES } from '../replication/record-layout.ts'
import type { SiteCountsRecord } from '../replication/records.ts'

/** Delay from the first change to the poll. Short compared with the convergence delay between sites. */
const POLL_DELAY_MS = 20
/** Size of one update of several torrents: the cost of a message hardly depends on their number. */
const UPDATE_BYTES = 32_768
/** Missing bytes change with each announce, and no decision depends on them. */
const LEFT_INTERVAL_MS = 5_000
/** Leechers whose progress is read; in a larger swarm they are a sample. */
const LEFT_SAMPLE = 256
/** Not a digest: digests are never negative. */
const NOT_POLLED = -1
/** An advertised peer is sent again before this share of its lifetime has passed. */
const REFRESHES_PER_LIFETIME = 4

export interface SiteAdvertiserComponents {
  readonly table: SwarmTable
  readonly clock: Clock
  readonly random: Random
  readonly topology: CurrentTopology
  readonly site: string
  readonly remote: RemoteSites
  readonly authority: SiteAuthority
  /** Runs a function after a delay. */
  readonly later: (run: () => void, delayMs: number) => void
}

/** The latest update of a torrent. */
interface LastAdvertised {
  readonly swarm: Swarm | undefined
  readonly peers: readonly AdvertisedPeer[]
  readonly countsDigest: number
  readonly peersDigest: number
  readonly leftKib: number
  readonly atMs: number
  /** The shortest one that was sent. That of the next announce may be longer, which the receivers do not know. */
  readonly lifetimeMs: number
}

const NEVER_ADVERTISED: LastAdvertised = {
  swarm: undefined,
  peers: [],
  countsDigest: NOT_POLLED,
  peersDigest: NOT_POLLED,
  leftKib: 0,
  atMs: 0,
  lifetimeMs: 0,
}

export class SiteAdvertiser {
  readonly #table: SwarmTable
  readonly #clock: Clock
  readonly #topology: CurrentTopology
  readonly #site: string
  readonly #remote: RemoteSites
  readonly #authority: SiteAuthority
  readonly #later: (run: () => void, delayMs: number) => void
  readonly #writer: BatchWriter
  /** By `infoHashKey`. */
  readonly #last = new Map<string, LastAdvertised>()
  readonly #listeners: ((torrent: string, isUrgent: boolean) => void)[] = []

  constructor(components: SiteAdvertiserComponents) {
    this.#table = components.table
    this.#clock = components.clock
    this.#topology = components.topology
    this.#site = components.site
    this.#remote = components.remote
    this.#authority = components.authority
    this.#later = components.later
    this.#writer = new BatchWriter(
      Buffer.from(Array.from({ length: NODE_ID_BYTES }, () => components.random.below(256))),
    )
    this.#followChanges()
    components.topology.onReplace(() => this.#followChanges())
  }

  get site(): string {
    return this.#site
  }

  /** Of the current topology of this node. */
  get topologyHash(): string {
    return this.#topology.value.hash
  }

  nowMs(): number {
    return this.#clock.nowMs()
  }

  /** The torrents that have a state to advertise, by `infoHashKey`. Read lazily: torrents may come and go meanwhile. */
  torrents(): Iterable<string> {
    return this.#last.keys()
  }

  /** Calls `listener` for each torrent to send again. Urgent: remote sites may be waiting for it to decide. */
  onChange(listener: (torrent: string, isUrgent: boolean) => void): void {
    this.#listeners.push(listener)
  }

  /** Drains the changed swarms and reports those whose advertised state differs. */
  poll(): void {
    // A swarm that was empty for a moment appears twice.
    const keys = new Set([...this.#table.changes.drain()].map((swarm) => infoHashKey(swarm.infoHash)))
    for (const key of keys) this.#pollTorrent(key)
  }

  /**
   * One batch with the current state of these torrents; takes torrents until the batch is full. undefined where none
   * were left. `subscriber`: the name of the receiving site.
   */
  encodeUpdates(torrents: Iterator<string>, subscriber: string): Buffer | undefined {
    const writer = this.#writer
    const subscriberIndex = this.#topology.value.siteNamed(subscriber)?.index ?? -1
    while (writer.byteLength < UPDATE_BYTES) {
      const next = torrents.next()
      if (next.done === true) break
      this.#write(next.value, subscriberIndex)
    }
    return writer.isEmpty ? undefined : writer.take(this.nowMs())
  }

  #followChanges(): void {
    this.#table.changes.follow(this.#siteIndex(), () => this.#later(() => this.poll(), POLL_DELAY_MS))
  }

  #siteIndex(): number {
    return this.#topology.value.siteNamed(this.#site)?.index ?? -1
  }

  #pollTorrent(key: string): void {
    const infoHash = Buffer.from(key, 'latin1')
    const swarm = this.#table.swarm(infoHash)
    const before = this.#last.get(key)
    const site = swarm?.site(this.#siteIndex())
    if (swarm === undefined || site === undefined || site.peers === 0) {
      if (this.#last.delete(key)) this.#changed(key, true)
      return
    }
    const nowMs = this.nowMs()
    const peers = selectAdvertisedPeers(this.#table, swarm, site, nowMs, before?.peers ?? [])
    const counts = this.#countsOf(swarm)
    const countsDigest = digest([counts.seeds, counts.leechers, counts.partial, counts.downloaded])
    const peersDigest = digest([
      ...peers.flatMap(({ row }) => [row, this.#table.rows.identity(row), ...this.#leaseOf(row)]),
      ...upstreamAssignments(this.#table, swarm, site.site).flatMap(({ row, version }) =>
        version > this.#remote.leaseVersionOf(infoHash, this.#table.siteIndexOf(row)) ? [row, version] : [],
      ),
    ])
    const lifetimeMs = Math.min(...peers.map(({ row }) => this.#table.rows.lifetimeSeconds(row) * 1000))
    const sinceUpdateMs = nowMs - (before?.atMs ?? 0)
    const isUrgent = peersDigest !== before?.peersDigest
    const isChanged =
      isUrgent ||
      countsDigest !== before.countsDigest ||
      sinceUpdateMs * REFRESHES_PER_LIFETIME >= Math.min(lifetimeMs, before.lifetimeMs) ||
      (counts.leftKib !== before.leftKib && sinceUpdateMs >= LEFT_INTERVAL_MS)
    if (!isChanged) return
    this.#last.set(key, {
      swarm,
      peers,
      countsDigest,
      peersDigest,
      leftKib: counts.leftKib,
      atMs: nowMs,
      lifetimeMs,
    })
    this.#changed(key, isUrgent)
  }

  /** The advertised part of a lease as numbers; of a peer without one, its role, and whether its content was observed. */
  #leaseOf(row: number): number[] {
    const { rows } = this.#table
    const gateway = this.#table.siteOf(row).gatewayOf(row)
    if (gateway === undefined)
      return [rows.has(row, flags.seed) ? 1 : 0, rows.has(row, flags.unverifiedSeed) ? 1 : 0]
    return [gateway.version, gateway.upstreamRow, gateway.treeRank]
  }

  #changed(key: string, isUrgent: boolean): void {
    for (const listener of this.#listeners) listener(key, isUrgent)
  }

  #write(key: string, subscriberIndex: number): void {
    const last = this.#last.get(key)
    // Kept, because the lookup by infohash takes half the time of writing an update. A swarm without peers is no longer
    // the one in the table.
    const swarm =
      last?.swarm !== undefined && last.swarm.rows > 0
        ? last.swarm
        : this.#table.swarm(Buffer.from(key, 'latin1'))
    const siteIndex = this.#siteIndex()
    const site = swarm?.site(siteIndex)
    const writer = this.#writer
    // A state that is sent before its poll must be sent again, even if the swarm then returns to the polled state.
    const isKnown = last !== undefined || (site?.peers ?? 0) > 0
    if (isKnown && (swarm === undefined || last === undefined || this.#table.changes.has(swarm)))
      this.#last.set(key, { ...(last ?? NEVER_ADVERTISED), countsDigest: NOT_POLLED })
    if (swarm === undefined || site === undefined || site.peers === 0) {
      const infoHash = Buffer.from(key, 'latin1')
      return writer.siteCounts({ infoHash, seeds: 0, leechers: 0, partial: 0, leftKib: 0, downloaded: 0 })
    }
    const { infoHash } = swarm
    writer.siteCounts(this.#countsOf(swarm))
    const context = { table: this.#table, nowMs: this.nowMs() }
    const peers = (last?.peers ?? []).filter(
      ({ row, identity }) =>
        this.#table.rows.isLive(row) &&
        this.#table.rows.swarm(row) === swarm.index &&
        this.#table.rows.identity(row) === identity &&
        this.#table.siteIndexOf(row) === siteIndex,
    )
    for (const { row } of peers) writer.peer(this.#table.stateOf(row, context.nowMs))
    for (const { row } of peers) {
      const gateway = site.gatewayOf(row)
      if (gateway !== undefined) writer.lease(leaseRecordOf(context, gateway))
    }
    for (const gateway of upstreamAssignments(this.#table, swarm, siteIndex))
      if (
        this.#table.siteIndexOf(gateway.row) === subscriberIndex &&
        gateway.version > this.#remote.leaseVersionOf(infoHash, subscriberIndex)
      )
        writer.lease(leaseRecordOf(context, gateway))
  }

  /** Peers of a site that is down are recorded here too, but this site does not advertise them. */
  #countsOf(swarm: Swarm): SiteCountsRecord {
    const siteIndex = this.#siteIndex()
    let [seeds, leechers, partial, leftKib, sampled] = [
      swarm.seedClients,
      swarm.leecherClients,
      swarm.partialClients,
      0,
      0,
    ]
    for (const site of swarm.sites) {
      if (site.site === siteIndex || this.#authority.isRemote(site.site)) continue
      seeds -= site.seeds
      leechers -= site.leechers
      partial -= site.partial
    }
    const own = swarm.site(siteIndex)
    for (const list of own?.lists ?? []) {
      if (list.role !== 'leecher') continue
      let row = list.head
      for (let unread = list.length; unread > 0 && sampled < LEFT_SAMPLE; unread--) {
        const left = this.#table.rows.leftKib(row)
        row = this.#table.rows.next(row)
        if (left === LEFT_UNKNOWN) continue
        leftKib += left
        sampled++
      }
    }
    if (sampled >= LEFT_SAMPLE) leftKib = Math.round((leftKib / sampled) * (own?.leechers ?? 0))
    return {
      infoHash: swarm.infoHash,
      seeds: Math.max(0, seeds),
      leechers: Math.max(0, leechers),
      partial: Math.max(0, partial),
      leftKib: Math.min(leftKib, 2 ** 48 - 1),
      downloaded: swarm.downloaded,
    }
  }
}

/** Gateways of remote sites that fetch from this site. */
function upstreamAssignments(table: SwarmTable, swarm: Swarm, siteIndex: number): Gateway[] {
  const found: Gateway[] = []
  for (const site of swarm.sites)
    for (const gateway of site.site === siteIndex ? [] : site.gateways)
      if (gateway.upstreamRow >= 0 && table.siteIndexOf(gateway.upstreamRow) === siteIndex)
        found.push(gateway)
  return found
}

/** FNV-1a over 32-bit words; of larger numbers, both halves. */
function digest(numbers: readonly number[]): number {
  let hash = 0x811c9dc5
  for (const number of numbers) {
    hash = Math.imul(hash ^ (number | 0), 0x01000193)
    hash = Math.imul(hash ^ Math.floor(number / 0x1_0000_0000), 0x01000193)
    hash ^= hash >>> 15
  }
  return hash >>> 0
}
