/**
 * Registered torrents as the clients of each place get them: with its trackers, and a web seed where that is offered.
 *
 * Rewritten once and kept, because a rollout begins with every host asking for the same torrent. A changed topology
 * or a changed registry drops what was kept.
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
  /** As the torrent says it: never a file name as it stands. */
  readonly name: string
  readonly magnet: string
}

export interface TorrentVariantsComponents {
  readonly registry: TorrentRegistry
  readonly topology: CurrentTopology
  /** Where the clients of this place may fetch content over HTTP at the moment; undefined where nowhere. */
  readonly webSeedFor: (registration: Registration, place: Place) => string | undefined
  readonly cacheBytesMax?: number
}

export class TorrentVariants {
  readonly #parts: TorrentVariantsComponents
  readonly #cache: BoundedCache<ServedTorrent | undefined>

  constructor(parts: TorrentVariantsComponents) {
    this.#parts = parts
    this.#cache = new BoundedCache({
      costMax: parts.cacheBytesMax ?? CACHE_BYTES_MAX,
      costOf: (served) => (served === undefined ? 0 : served.bytes.length + served.magnet.length),
    })
    parts.registry.onChange(() => this.#cache.clear())
    parts.topology.onReplace(() => this.#cache.clear())
  }

  /** Bytes that are kept. */
  get cachedBytes(): number {
    return this.#cache.cost
  }

  /** undefined where it has been removed in between, or where the topology names no tracker for this place. */
  get(registration: Registration, place: Place): Promise<ServedTorrent | undefined> {
    const tiers = announceTiers(this.#parts.topology.value, place)
    if (tiers.length === 0) return Promise.resolve(undefined)
    const webSeed = this.#parts.webSeedFor(registration, place)
    const key = `${registrationKey(registration)} ${place.index} ${webSeed ?? ''}`
    return this.#cache.get(key, async () => {
      const metainfo = await this.#parts.registry.read(registration)
      if (metainfo === undefined) return undefined
      const bytes = rewriteMetainfo(metainfo, tiers, changesFor(metainfo, registration, webSeed))
      return {
        bytes,
        etag: `"${createHash('sha256').update(bytes).digest('base64url').slice(0, ETAG_CHARACTERS)}"`,
        name: registration.name,
        // No web seed in it: whoever has no more than a magnet gets the torrent itself from a peer, so there is one.
        magnet: writeMagnet({ ...metainfo, name: registration.name }, tiers),
      }
    })
  }
}

/**
 * Ours beside those that the torrent came with; none of either at a site that has a copy, which is decided by
 * leaving out `webSeed`. A torrent without an origin keeps what its author wrote.
 */
function changesFor(metainfo: Metainfo, registration: Registration, webSeed: string | undefined) {
  if (registration.origin === undefined) return {}
  return { webSeeds: webSeed === undefined ? [] : [webSeed, ...urlListOf(metainfo)] }
}

/** 132 bits: two versions of a torrent never share one. */
const ETAG_CHARACTERS = 22
