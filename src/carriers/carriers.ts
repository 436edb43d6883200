/**
 * All carriers of one process: the torrents and sites that a node carries for, with one cache, one budget for bitfields
 * and one timer.
 *
 * The engine time advances by at most 200 ms a tick. When the process is suspended, no holder counts as silent before
 * its socket has had a turn.
 */
import type { Clock } from '../core/clock.ts'
import { infoHashKey } from '../core/info-hash.ts'
import { OBSERVED_BITFIELD_BYTES_MAX } from '../core/limits.ts'
import type { Log } from '../core/log.ts'
import type { Random } from '../core/random.ts'
import { BitfieldMemory } from '../observers/bitfield-memory.ts'
import type { Dial } from '../observers/client-socket.ts'
import type { Observation } from '../observers/observation.ts'
import { BlockCache, TorrentBlocks } from './block-cache.ts'
import { CarriedTorrent } from './carried-torrent.ts'
import type { CarriedClient, CarriedClientUpdate } from './carried-client.ts'
import { type Carriage, type CarriageKey, CarriageReport } from './carriage.ts'
import { CarrierCounters } from './carrier-counters.ts'
import { LinkRates } from './link/link-rates.ts'
import { PeerListener } from './peer-listener.ts'
import { type NewLink, SiteLinks } from './link/site-links.ts'
import type { Cost } from './site-order.ts'
import { TorrentCarrier } from './torrent-carrier.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'

const TICK_MS = 100
const TICK_MS_MAX = 200

export interface CarriersInit {
  /** Site of the node, of which other nodes fetch. */
  readonly ownSite: string
  /** Identity of the process: `NODE_DIGITS` hexadecimal digits. */
  readonly ownNode: string
  /** `carry.cache`. */
  readonly cacheBytes: number
  readonly clock: Clock
  readonly random: Random
  readonly dial: Dial
  readonly log: Log
  /** At most one for each client and tick, and at once where a dial has an outcome. */
  readonly onObservations: (batch: readonly Observation[]) => void
  /** Torrents and sites whose state changed, and those that are not carried any more. At most once a tick. */
  readonly onCarriage?: (changed: readonly Carriage[], ended: readonly CarriageKey[]) => void
}

export class Carriers {
  readonly counters = new CarrierCounters()
  /** Connections of clients that the node could not dial. */
  readonly listener: PeerListener
  readonly #init: CarriersInit
  readonly #memory: BlockCache
  readonly #bitfields = new BitfieldMemory(OBSERVED_BITFIELD_BYTES_MAX)
  readonly #torrents = new Map<string, { readonly infoHash: Buffer; readonly torrent: CarriedTorrent }>()
  readonly #geometries = new Map<string, TorrentGeometry>()
  readonly #changed = new Map<CarriedClient, Buffer>()
  readonly #carriage = new CarriageReport()
  readonly #rates = new LinkRates(() => this.#engineMs)
  /** By torrent: sites, or undefined for all of them. */
  readonly #holds = new Map<string, Set<string | undefined>>()
  readonly #links: SiteLinks
  /** The node carries for all sites, and may be in none of them. */
  isForAllSites = false
  #cost: Cost = () => 1
  #isSuspended = false
  #engineMs = 0
  #tickedMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(init: CarriersInit) {
    this.#init = init
    this.#memory = new BlockCache(init.cacheBytes)
    this.#tickedMs = init.clock.nowMs()
    this.listener = new PeerListener({
      nowMs: () => this.#engineMs,
      link: (infoHash, address, connect) => {
        for (const carrier of this.#torrents.get(infoHashKey(infoHash))?.torrent.carriers ?? [])
          if (carrier.clients.accept(address, connect)) return true
        return false
      },
    })
    this.#links = new SiteLinks({
      ownSite: init.ownSite,
      ownNode: init.ownNode,
      rates: this.#rates,
      counters: this.counters,
      nowMs: () => this.#engineMs,
      log: init.log,
      published: (infoHash) => this.#torrents.get(infoHashKey(infoHash))?.torrent.published(init.ownSite),
      onRemote: (infoHash, view) => this.#torrents.get(infoHashKey(infoHash))?.torrent.addRemote(view),
      onLost: (infoHash, view) => this.#torrents.get(infoHashKey(infoHash))?.torrent.removeRemote(view),
    })
  }

  /** A connection to a node of another site, or from one. `admits`: the sites that the other side may be. */
  addLink(link: NewLink): void {
    this.#links.add(link)
  }

  /** Ends the connections to nodes of all other sites. */
  keepLinks(isJoined: (site: string) => boolean): void {
    this.#links.keepOnly(isJoined)
  }

  /** Sites with a connected node. */
  get linkedSites(): readonly string[] {
    return this.#links.sites
  }

  /** Connected nodes of other sites. */
  get linkedNodes(): number {
    return this.#links.nodes
  }

  /** Bytes per second of blocks from a site to another one. Undefined: as fast as the connections allow. Zero: nothing. */
  setRate(from: string, to: string, bytesPerSecond: number | undefined): void {
    this.#rates.set(from, to, bytesPerSecond)
  }

  /** On hold, no content of the torrent flows to the site. `site`: undefined for all sites. */
  setHold(infoHash: Buffer, site: string | undefined, isOnHold: boolean): void {
    const key = infoHashKey(infoHash)
    const holds = this.#holds.get(key) ?? new Set<string | undefined>()
    if (isOnHold) holds.add(site)
    else holds.delete(site)
    if (holds.size > 0) this.#holds.set(key, holds)
    else this.#holds.delete(key)
    this.#applyHolds(key)
  }

  /** The node does not respond: all torrents are on hold. */
  setSuspended(isSuspended: boolean): void {
    if (isSuspended === this.#isSuspended) return
    this.#isSuspended = isSuspended
    for (const key of this.#torrents.keys()) this.#applyHolds(key)
  }

  #applyHolds(key: string): void {
    const torrent = this.#torrents.get(key)?.torrent
    for (const carrier of torrent?.carriers ?? []) carrier.setHold(this.#isOnHold(key, carrier.site))
  }

  #isOnHold(key: string, site: string): boolean {
    if (this.#isSuspended) return true
    const holds = this.#holds.get(key)
    return holds !== undefined && (holds.has(undefined) || holds.has(site))
  }

  start(): void {
    this.#timer ??= setInterval(() => this.tick(), TICK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const { torrent } of this.#torrents.values()) torrent.stop()
    this.#links.stop()
    this.listener.stop()
    this.#torrents.clear()
    this.#changed.clear()
  }

  /** Torrents and sites that have a carrier. */
  *carried(): Iterable<CarriageKey> {
    for (const { infoHash, torrent } of this.#torrents.values())
      for (const { site } of torrent.carriers) yield { site, infoHash }
  }

  get cachedBytes(): number {
    return this.#memory.bytes
  }

  setCost(cost: Cost): void {
    this.#cost = cost
  }

  /** A registered torrent. */
  setGeometry(infoHash: Buffer, geometry: TorrentGeometry): void {
    const key = infoHashKey(infoHash)
    this.#geometries.set(key, geometry)
    this.#torrents.get(key)?.torrent.setGeometry(geometry)
  }

  /** A client of the site announced. Begins the carrier of the torrent in the site. */
  updateClient({ site, infoHash }: CarriageKey, update: CarriedClientUpdate): void {
    this.#torrentOf(infoHash).carrier(site).clients.update(update)
  }

  removeClient({ site, infoHash }: CarriageKey, client: Pick<CarriedClientUpdate, 'address' | 'port'>): void {
    this.#torrents.get(infoHashKey(infoHash))?.torrent.removeClient(site, client)
  }

  /** The torrent is not registered any more: its clients are disconnected. */
  removeTorrent(infoHash: Buffer): void {
    this.#forget(infoHash)
    this.#geometries.delete(infoHashKey(infoHash))
  }

  #forget(infoHash: Buffer): void {
    const key = infoHashKey(infoHash)
    this.#links.forget(infoHash)
    this.#torrents.get(key)?.torrent.stop()
    this.#torrents.delete(key)
  }

  /** Called by the timer, and by tests. */
  tick(): void {
    const nowMs = this.#init.clock.nowMs()
    this.#engineMs += Math.min(TICK_MS_MAX, Math.max(0, nowMs - this.#tickedMs))
    this.#tickedMs = nowMs
    for (const { infoHash, torrent } of this.#torrents.values()) {
      torrent.tick(this.#cost)
      if (torrent.isIdle) this.#forget(infoHash)
    }
    this.#links.tick()
    this.listener.tick()
    this.#report()
  }

  #torrentOf(infoHash: Buffer): CarriedTorrent {
    const key = infoHashKey(infoHash)
    const known = this.#torrents.get(key)
    if (known !== undefined) return known.torrent
    const own = Buffer.from(infoHash)
    const blocks = new TorrentBlocks(this.#memory)
    const torrent: CarriedTorrent = new CarriedTorrent({
      infoHash: own,
      counters: this.counters,
      rates: this.#rates,
      nowMs: () => this.#engineMs,
      makeCarrier: (site) => this.#makeCarrier(site, own, torrent, blocks),
    })
    this.#torrents.set(key, { infoHash: own, torrent })
    this.#links.follow(own)
    return torrent
  }

  #makeCarrier(
    site: string,
    infoHash: Buffer,
    torrent: CarriedTorrent,
    blocks: TorrentBlocks,
  ): TorrentCarrier {
    const { random, dial, log } = this.#init
    const carrier = new TorrentCarrier({
      site,
      infoHash,
      geometry: this.#geometries.get(infoHashKey(infoHash)),
      blocks,
      isRemote: () => this.isForAllSites || site !== this.#init.ownSite,
      isCongested: () => this.#links.isCongested,
      bitfields: this.#bitfields,
      random,
      dial,
      nowMs: () => this.#engineMs,
      counters: this.counters,
      events: {
        onClient: (client) => void this.#changed.set(client, infoHash),
        onReachability: (client) => this.#init.onObservations([this.#observe(client, infoHash)]),
        onLiar: (holder, piece) => {
          if (holder.kind === 'site') torrent.dropUpstream(site)
          log.warn(
            { event: 'wrong-data', site, infoHash: infoHash.toString('hex'), from: holder.name, piece },
            'a piece failed its check; its sender is not asked again',
          )
        },
      },
    })
    carrier.setHold(this.#isOnHold(infoHashKey(infoHash), site))
    return carrier
  }

  #report(): void {
    if (this.#changed.size > 0) {
      const batch = [...this.#changed].map(([client, infoHash]) => this.#observe(client, infoHash))
      this.#changed.clear()
      this.#init.onObservations(batch)
    }
    const { changed, ended } = this.#carriage.take(this.#torrents.values(), this.#engineMs)
    if (changed.length > 0 || ended.length > 0) this.#init.onCarriage?.(changed, ended)
  }

  #observe(client: CarriedClient, infoHash: Buffer): Observation {
    const toUtcMs = (engineMs: number) => this.#tickedMs - (this.#engineMs - engineMs)
    return client.observation(infoHash, this.#engineMs, toUtcMs)
  }
}
