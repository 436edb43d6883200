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
import { BlockCache } from './block-cache.ts'
import { CarriedTorrent } from './carried-torrent.ts'
import type { CarriedClient, CarriedClientUpdate } from './carried-client.ts'
import { CarrierCounters } from './carrier-counters.ts'
import type { SiteLinkInit } from './link/site-link.ts'
import { SiteLinks } from './link/site-links.ts'
import type { Cost } from './site-order.ts'
import { TorrentCarrier } from './torrent-carrier.ts'
import type { TorrentGeometry } from './torrent-geometry.ts'

const TICK_MS = 100
const TICK_MS_MAX = 200

export interface CarriersInit {
  /** Site of the node, of which other nodes fetch. */
  readonly ownSite: string
  /** `carry.cache`. */
  readonly cacheBytes: number
  readonly clock: Clock
  readonly random: Random
  readonly dial: Dial
  readonly log: Log
  /** At most one for each client and tick. */
  readonly onObservations: (batch: readonly Observation[]) => void
}

export interface CarriedSite {
  readonly site: string
  readonly infoHash: Buffer
}

export class Carriers {
  readonly counters = new CarrierCounters()
  readonly #init: CarriersInit
  readonly #memory: BlockCache
  readonly #bitfields = new BitfieldMemory(OBSERVED_BITFIELD_BYTES_MAX)
  readonly #torrents = new Map<string, { readonly infoHash: Buffer; readonly torrent: CarriedTorrent }>()
  readonly #geometries = new Map<string, TorrentGeometry>()
  readonly #changed = new Map<CarriedClient, Buffer>()
  readonly #links: SiteLinks
  #cost: Cost = () => 1
  #engineMs = 0
  #tickedMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(init: CarriersInit) {
    this.#init = init
    this.#memory = new BlockCache(init.cacheBytes)
    this.#tickedMs = init.clock.nowMs()
    this.#links = new SiteLinks({
      ownSite: init.ownSite,
      counters: this.counters,
      nowMs: () => this.#engineMs,
      log: init.log,
      published: (infoHash) => this.#torrents.get(infoHashKey(infoHash))?.torrent.published(init.ownSite),
      onRemote: (infoHash, view) => this.#torrents.get(infoHashKey(infoHash))?.torrent.addRemote(view),
      onLost: (infoHash, site) => this.#torrents.get(infoHashKey(infoHash))?.torrent.removeRemote(site),
    })
  }

  /** A connection to a node of another site, or from one. `admits`: the sites that the other side may be. */
  addLink(link: Pick<SiteLinkInit, 'connect' | 'isAccepted' | 'admits'>): void {
    this.#links.add(link)
  }

  /** Sites with an open connection. */
  get linkedSites(): readonly string[] {
    return this.#links.sites
  }

  /** Bytes per second of blocks to a site. Undefined: as fast as its connection allows. */
  setRate(site: string, bytesPerSecond: number | undefined): void {
    this.#links.setRate(site, bytesPerSecond)
  }

  start(): void {
    this.#timer ??= setInterval(() => this.tick(), TICK_MS)
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    for (const { torrent } of this.#torrents.values()) torrent.stop()
    this.#links.stop()
    this.#torrents.clear()
    this.#changed.clear()
  }

  /** Torrents and sites that have a carrier. */
  *carried(): Iterable<CarriedSite> {
    for (const { infoHash, torrent } of this.#torrents.values())
      for (const { site } of torrent.carriers) yield { site, infoHash }
  }

  get cachedBytes(): number {
    return this.#memory.bytes
  }

  setCost(cost: Cost): void {
    this.#cost = cost
  }

  /** A registered torrent. Has an effect on carriers that begin later. */
  setGeometry(infoHash: Buffer, geometry: TorrentGeometry): void {
    this.#geometries.set(infoHashKey(infoHash), geometry)
  }

  /** A client of the site announced. Begins the carrier of the torrent in the site. */
  updateClient({ site, infoHash }: CarriedSite, update: CarriedClientUpdate): void {
    this.#torrentOf(infoHash).carrier(site).updateClient(update)
  }

  removeClient({ site, infoHash }: CarriedSite, client: Pick<CarriedClientUpdate, 'address' | 'port'>): void {
    const entry = this.#torrents.get(infoHashKey(infoHash))
    entry?.torrent.published(site)?.carrier.removeClient(client)
  }

  removeTorrent(infoHash: Buffer): void {
    const key = infoHashKey(infoHash)
    this.#links.forget(infoHash)
    this.#torrents.get(key)?.torrent.stop()
    this.#torrents.delete(key)
    this.#geometries.delete(key)
  }

  /** Called by the timer, and by tests. */
  tick(): void {
    const nowMs = this.#init.clock.nowMs()
    this.#engineMs += Math.min(TICK_MS_MAX, Math.max(0, nowMs - this.#tickedMs))
    this.#tickedMs = nowMs
    for (const { torrent } of this.#torrents.values()) torrent.tick(this.#cost)
    this.#links.tick()
    this.#report()
  }

  #torrentOf(infoHash: Buffer): CarriedTorrent {
    const key = infoHashKey(infoHash)
    const known = this.#torrents.get(key)
    if (known !== undefined) return known.torrent
    const own = Buffer.from(infoHash)
    const torrent: CarriedTorrent = new CarriedTorrent({
      infoHash: own,
      counters: this.counters,
      nowMs: () => this.#engineMs,
      makeCarrier: (site) => this.#makeCarrier(site, own, torrent),
    })
    this.#torrents.set(key, { infoHash: own, torrent })
    this.#links.follow(own)
    return torrent
  }

  #makeCarrier(site: string, infoHash: Buffer, torrent: CarriedTorrent): TorrentCarrier {
    const { random, dial, log } = this.#init
    return new TorrentCarrier({
      site,
      infoHash,
      geometry: this.#geometries.get(infoHashKey(infoHash)),
      memory: this.#memory,
      bitfields: this.#bitfields,
      random,
      dial,
      nowMs: () => this.#engineMs,
      counters: this.counters,
      events: {
        onClient: (client) => void this.#changed.set(client, infoHash),
        onLiar: (holder, piece) => {
          if (holder.kind === 'site') torrent.dropUpstream(site)
          log.warn(
            { event: 'wrong-data', site, infoHash: infoHash.toString('hex'), from: holder.name, piece },
            'a piece failed its check; its sender is not asked again',
          )
        },
      },
    })
  }

  #report(): void {
    if (this.#changed.size === 0) return
    const toUtcMs = (engineMs: number) => this.#tickedMs - (this.#engineMs - engineMs)
    const batch = [...this.#changed].map(([client, infoHash]) =>
      client.observation(infoHash, this.#engineMs, toUtcMs),
    )
    this.#changed.clear()
    this.#init.onObservations(batch)
  }
}
