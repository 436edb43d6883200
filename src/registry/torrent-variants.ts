/**
 * Variants of registered torrents for the clients of each place: with the trackers of the place, and with a web seed if
 * one is offered.
 *
 * A variant is written once and cached, because a rollout begins with a request for the same torrent from every host. A
 * change of the topology or of the registry clears the cache.
 */
import { createHash } from 'node:crypto'
import { writeMagnet } from '../metainfo/magnet.ts'
import type { Metainfo } from '../metainfo/metainfo.ts'
import { rewriteMetainfo } from '../metainfo/rewrite.ts'
import { urlListOf } from '../metainfo/summary.ts'
import { announceTiers } from '../topology/announce-tiers.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { Place } from '../topology/topology.ts'
import { BoundedCache } from './bounded-cache.ts'
import { type Registration, registrationKey } from './registration.ts'
import type { TorrentRegistry } from './torrent-registry.ts'

/** A hundred rollouts of a hundred sites at once, each torrent with 6 KB; or the largest torrent for two sites. */
const CACHE_BYTES_MAX = 64 * 1024 * 1024

export interface ServedTorrent {
  readonly bytes: Buffer
  /** Of exactly these bytes, with its quotes. */
  readonly etag: string
  /** The name in the torrent, not checked: it is not safe as a file name. */
  readonly name: string
  readonly magnet: string
}

export interface TorrentVariantsComponents {
  readonly registry: TorrentRegistry
  readonly topology: CurrentTopology
  /** The web seed for the clients of this place at the moment; undefined if there is none. */
  readonly webSeedFor: (registration: Registration, place: Place) => string | undefined
  readonly cacheBytesMax?: number
}

export class TorrentVariants {
  readonly #registry: TorrentRegistry
  readonly #topology: CurrentTopology
  readonly #webSeedFor: TorrentVariantsComponents['webSeedFor']
  readonly #cache: BoundedCache<ServedTorrent | undefined>

  constructor({ registry, topology, webSeedFor, cacheBytesMax }: TorrentVariantsComponents) {
    this.#registry = registry
    this.#topology = topology
    this.#webSeedFor = webSeedFor
    this.#cache = new BoundedCache({
      costMax: cacheBytesMax ?? CACHE_BYTES_MAX,
      costOf: (served) => (served === undefined ? 0 : served.bytes.length + served.magnet.length),
    })
    registry.onChange(() => this.#cache.clear())
    topology.onReplace(() => this.#cache.clear())
  }

  /** Bytes in the cache. */
  get cachedBytes(): number {
    return this.#cache.cost
  }

  /** undefined if the torrent has been removed meanwhile, or if the topology names no tracker for this place. */
  get(registration: Registration, place: Place): Promise<ServedTorrent | undefined> {
    const tiers = announceTiers(this.#topology.value, place)
    if (tiers.length === 0) return Promise.resolve(undefined)
    const webSeed = this.#webSeedFor(registration, place)
    const key = `${registrationKey(registration)} ${place.index} ${webSeed ?? ''}`
    return this.#cache.get(key, async () => {
      const metainfo = await this.#registry.read(registration)
      if (metainfo === undefined) return undefined
      const bytes = rewriteMetainfo(metainfo, tiers, changesFor(metainfo, registration, webSeed))
      return {
        bytes,
        etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, ETAG_CHARACTERS)}"`,
        name: registration.name,
        // Without a web seed: a client with a magnet fetches the metadata from a peer, so a peer with the content exists.
        magnet: writeMagnet({ ...metainfo, name: registration.name }, tiers),
      }
    })
  }
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
