/**
 * What the tracker's HTTP listener serves beside announces: registered torrents, and their content from its origin.
 * Built here and joined to what the node knows of its swarms.
 */
import type { TorrentParts } from '../server/admin/routes/torrents.ts'
import type { NodeConfig } from '../config/load-config.ts'
import type { Clock } from '../core/clock.ts'
import type { RefusalCode } from '../core/errors.ts'
import { formatInfoHash } from '../core/info-hash.ts'
import type { Log } from '../core/log.ts'
import type { OriginMetrics } from '../core/origin-metrics.ts'
import { fetchingNodeUrl } from '../registry/node-url.ts'
import type { Registration } from '../registry/registration.ts'
import type { TorrentRegistry } from '../registry/torrent-registry.ts'
import { TorrentVariants } from '../registry/torrent-variants.ts'
import { TorrentHandler } from '../server/http/torrent-handler.ts'
import type { Downloads } from '../server/http/announce-handler.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { Place } from '../topology/topology.ts'
import type { GatewayLeases } from '../replication/site-store.ts'
import { ContentSource } from './content-source.ts'
import { OriginFetchLimiter, type SiteView } from './origin-fetch-limiter.ts'
import { subjectOf, type WaitingLimits, WebSeedHandler } from '../server/http/web-seed-handler.ts'

export interface NodeDownloadsParts {
  readonly registry: TorrentRegistry
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly origin: NodeConfig['origin']
  /** Where the credentials of origins come from. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly leases: Pick<GatewayLeases, 'claim' | 'renew'>
  readonly metrics: OriginMetrics
  readonly onRefusal: (code: RefusalCode) => void
  readonly clock: Clock
  readonly log: Log
  readonly patience?: WaitingLimits
}

export class NodeDownloads implements Downloads {
  readonly #parts: NodeDownloadsParts
  readonly #contents: ContentSource
  readonly #desk: OriginFetchLimiter
  readonly #torrents: TorrentHandler
  readonly #webSeeds: WebSeedHandler

  constructor(parts: NodeDownloadsParts) {
    const { registry, topology, origin, clock, metrics, leases } = parts
    this.#parts = parts
    this.#contents = new ContentSource({ ...parts, directory: origin.directory })
    this.#desk = new OriginFetchLimiter({ clock, metrics, leases, limits: origin })
    const webSeedFor = (registration: Registration, place: Place) => this.#webSeedFor(registration, place)
    const served = new TorrentVariants({ registry, topology, webSeedFor })
    this.#torrents = new TorrentHandler({ ...parts, served })
    this.#webSeeds = new WebSeedHandler({
      ...parts,
      contents: this.#contents,
      desk: this.#desk,
      view: (registration, siteIndex) => this.#view(registration, siteIndex),
    })
  }

  /** For the admin listener. */
  get admin(): TorrentParts {
    return {
      registry: this.#parts.registry,
      originObstacle: (origin) => this.#contents.obstacle(origin),
    }
  }

  has(target: string): boolean {
    return target.startsWith('/torrents/') || target.startsWith('/webseed/')
  }

  answer(...[request, response, from]: Parameters<Downloads['answer']>): Promise<void> {
    return request.url?.startsWith('/webseed/') === true
      ? this.#webSeeds.answer(request, response, from)
      : this.#torrents.answer(request, response, from)
  }

  /** Somebody at this site finished this torrent. */
  completed(infoHash: Buffer, siteIndex: number): void {
    const registration = this.#parts.registry.find(infoHash)
    const site = this.#parts.topology.value.sites[siteIndex]
    if (registration?.origin === undefined || site === undefined) return
    // A hybrid torrent is completed in two swarms at once, and is one download.
    if (registration.infoHashes[0]?.equals(infoHash) !== true) return
    this.#desk.completed(subjectOf(registration, site))
  }

  /** Lets go of the origins; what is being read of them fails. */
  close(): void {
    this.#contents.close()
  }

  /** Only where it leads to something: a client that is refused once does not ask again. */
  #webSeedFor(registration: Registration, place: Place): string | undefined {
    const { origin, infoHashes } = registration
    const [infoHash] = infoHashes
    if (origin === undefined || infoHash === undefined || this.#contents.obstacle(origin) !== undefined)
      return undefined
    if (this.#view(registration, place.site.index).isWarm) return undefined
    const node = fetchingNodeUrl(place.site, infoHash)
    // With the slash, all clients add the names of the files themselves (BEP 19).
    return node === undefined ? undefined : `${node}/webseed/${formatInfoHash(infoHash)}/`
  }

  /** Over both infohashes of a hybrid torrent, which is one content in two swarms. */
  #view({ infoHashes }: Registration, siteIndex: number): SiteView {
    const { table } = this.#parts
    const gateways: SiteView['gateways'][number][] = []
    for (const infoHash of infoHashes) {
      const site = table.swarm(infoHash)?.site(siteIndex)
      if (site === undefined) continue
      // A `left=0` that may be a magnet client's is no copy: nobody refused for it would ever ask again.
      if (site.trustedSeeds > 0) return { isWarm: true, gateways: [] }
      for (const { row } of site.gateways) gateways.push(table.rows.address(row))
    }
    return { isWarm: false, gateways }
  }
}
