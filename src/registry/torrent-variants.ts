/**
 * Variants of registered torrents for the clients of each place: with the trackers of the place, and with a web seed if
 * one is offered.
 *
 * A variant is a few parts of its own between long parts of the torrent that was registered, so that it costs neither a
 * copy nor a hash of the torrent. The torrent is read once for all places and hosts, and cached: a rollout begins with a
 * request for the same torrent from every host.
 *
 * Threat: requests for large torrents at all places. One torrent of 20 MB at 200 places took 4 GB and seconds of CPU while
 * each place had a copy. Now the cached torrents and a few that are being read are all that is in memory.
 */
import { createHash } from 'node:crypto'
import { writeMagnet } from '../metainfo/magnet.ts'
import type { Metainfo } from '../metainfo/metainfo.ts'
import { rewriteInParts } from '../metainfo/rewrite.ts'
import { urlListOf } from '../metainfo/summary.ts'
import { announceTiers, withToken } from '../topology/announce-tiers.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { Place } from '../topology/topology.ts'
import { BoundedCache } from './bounded-cache.ts'
import { ConcurrencyLimit } from './concurrency-limit.ts'
import { type Registration, registrationKey } from './registration.ts'
import type { TorrentRegistry } from './torrent-registry.ts'

/** Ten thousand ordinary torrents of 6 KB; or two of the largest. */
const CACHE_BYTES_MAX = 64 * 1024 * 1024

/** Torrents that are read from the store at the same time: 128 MiB of the largest. */
const READS_MAX = 4

export interface ServedTorrent {
  /** Most of them share memory with the cached torrent. */
  readonly parts: readonly Buffer[]
  readonly sizeBytes: number
  /** Of exactly these bytes, with its quotes. */
  readonly etag: string
  /** The name in the torrent, not checked: it is not safe as a file name. */
  readonly name: string
  readonly magnet: string
}

/** A torrent as it was registered. */
interface Source {
  readonly metainfo: Metainfo
  /** SHA-256 of its bytes. */
  readonly digest: Buffer
}

export interface TorrentVariantsComponents {
  readonly registry: TorrentRegistry
  readonly topology: CurrentTopology
  /** The web seed for the clients of this place at the moment; undefined if there is none. */
  readonly webSeedFor: (registration: Registration, place: Place) => string | undefined
  /** The token in the announce URLs for clients of this site. Without it, there are none. */
  readonly tokenFor?: (site: string) => string | undefined
  readonly cacheBytesMax?: number
}

export class TorrentVariants {
  readonly #registry: TorrentRegistry
  readonly #topology: CurrentTopology
  readonly #webSeedFor: TorrentVariantsComponents['webSeedFor']
  readonly #tokenFor: (site: string) => string | undefined
  readonly #sources: BoundedCache<Source | undefined>
  readonly #reads = new ConcurrencyLimit(READS_MAX)

  constructor({ registry, topology, webSeedFor, tokenFor, cacheBytesMax }: TorrentVariantsComponents) {
    this.#registry = registry
    this.#topology = topology
    this.#webSeedFor = webSeedFor
    this.#tokenFor = tokenFor ?? (() => undefined)
    this.#sources = new BoundedCache({
      costMax: cacheBytesMax ?? CACHE_BYTES_MAX,
      costOf: (source) => source?.metainfo.bytes.length ?? 0,
    })
    registry.onChange(() => this.#sources.clear())
  }

  /** Bytes in the cache. */
  get cachedBytes(): number {
    return this.#sources.cost
  }

  /** undefined if the torrent has been removed meanwhile, or if the topology names no tracker for this place. */
  async get(registration: Registration, place: Place): Promise<ServedTorrent | undefined> {
    const tiers = withToken(announceTiers(this.#topology.value, place), this.#tokenFor(place.site.name))
    if (tiers.length === 0) return undefined
    const webSeed = this.#webSeedFor(registration, place)
    const source = await this.#sources.get(registrationKey(registration), () => this.#read(registration))
    if (source === undefined) return undefined
    const { metainfo, digest } = source
    const changes = changesFor(metainfo, registration, webSeed)
    const parts = rewriteInParts(metainfo, tiers, changes)
    return {
      parts,
      sizeBytes: parts.reduce((sum, part) => sum + part.length, 0),
      etag: etagOf(digest, tiers, changes),
      name: registration.name,
      // Without a web seed: a client with a magnet fetches the metadata from a peer, so a peer with the content exists.
      magnet: writeMagnet({ ...metainfo, name: registration.name }, tiers),
    }
  }

  #read(registration: Registration): Promise<Source | undefined> {
    return this.#reads.run(async () => {
      const metainfo = await this.#registry.read(registration)
      if (metainfo === undefined) return undefined
      // In the thread pool: the largest torrent takes 30 ms.
      return { metainfo, digest: Buffer.from(await crypto.subtle.digest('SHA-256', metainfo.bytes)) }
    })
  }
}

/** The bytes of a variant follow from the torrent, the trackers and the web seeds, and the etag from their hash. */
function etagOf(digest: Buffer, tiers: unknown, changes: unknown): string {
  const hash = createHash('sha256')
    .update(digest)
    .update(JSON.stringify([tiers, changes]))
  return `"${hash.digest('base64url').slice(0, ETAG_CHARACTERS)}"`
}

/**
 * The web seed of the node before those of the torrent's author. Without `webSeed`, such as at a site that has a copy,
 * the variant has no web seeds at all. A torrent without an origin keeps the web seeds of its author.
 */
function changesFor(metainfo: Metainfo, registration: Registration, webSeed: string | undefined) {
  if (registration.origin === undefined) return {}
  return { webSeeds: webSeed === undefined ? [] : [webSeed, ...urlListOf(metainfo)] }
}

/** 132 bits: two versions of a torrent never share one. */
const ETAG_CHARACTERS = 22
