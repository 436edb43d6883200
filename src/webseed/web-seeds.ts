/**
 * Web seeds of the node: their URLs for each place, the decision on each fetch, and the content.
 *
 * A web seed is offered to a site without a copy, and serves one host of that site (BEP 19; decision 0014).
 */
import type { Address } from '../core/address.ts'
import type { Clock } from '../core/clock.ts'
import { formatInfoHash } from '../core/info-hash.ts'
import type { OriginMetrics } from '../core/origin-metrics.ts'
import { fetchingNodeUrl } from '../registry/node-url.ts'
import type { Registration } from '../registry/registration.ts'
import type { TorrentRegistry } from '../registry/torrent-registry.ts'
import type { GatewayLeases } from '../replication/site-store.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { Place, Site } from '../topology/topology.ts'
import { ContentSource, type ContentSourceInit } from './content-source.ts'
import {
  type FetchDecision,
  type FetchLimits,
  OriginFetchLimiter,
  type OriginSubject,
  type SiteView,
} from './origin-fetch-limiter.ts'

export interface WebSeedsInit {
  readonly registry: TorrentRegistry
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  /** `directory`: absolute; undefined if no file of this machine is served. */
  readonly origin: FetchLimits & Pick<ContentSourceInit, 'directory' | 'redirectsTo'>
  /** The environment variables that hold the credentials of origins. */
  readonly environment: Readonly<Record<string, string | undefined>>
  readonly leases: Pick<GatewayLeases, 'claim' | 'renew' | 'release'>
  readonly metrics: OriginMetrics
  readonly clock: Clock
}

export class WebSeeds {
  readonly content: ContentSource
  readonly #registry: TorrentRegistry
  readonly #table: SwarmTable
  readonly #topology: CurrentTopology
  readonly #limiter: OriginFetchLimiter

  constructor({ registry, table, topology, origin, environment, leases, metrics, clock }: WebSeedsInit) {
    this.#registry = registry
    this.#table = table
    this.#topology = topology
    this.content = new ContentSource({ registry, environment, ...origin })
    this.#limiter = new OriginFetchLimiter({ clock, metrics, leases, limits: origin })
  }

  /** The reason why this node never serves this origin, undefined if it does. */
  unavailableReason(origin: string): string | undefined {
    return this.content.unavailableReason(origin)
  }

  /**
   * The web seed for the clients of a place; undefined if a request would be rejected, because a client that is rejected
   * once never retries.
   */
  urlFor({ origin, infoHashes, ...rest }: Registration, place: Place): string | undefined {
    const [infoHash] = infoHashes
    if (origin === undefined || infoHash === undefined || this.unavailableReason(origin) !== undefined)
      return undefined
    if (this.isWarm({ origin, infoHashes, ...rest }, place.site.index)) return undefined
    const node = fetchingNodeUrl(place.site, infoHash)
    // With the slash, all clients append the names of the files themselves (BEP 19).
    return node === undefined ? undefined : `${node}/webseed/${formatInfoHash(infoHash)}/`
  }

  /** True if the site has a complete copy. */
  isWarm(registration: Registration, siteIndex: number): boolean {
    return this.#view(registration, siteIndex).isWarm
  }

  /** Decides if the host at this address may fetch from the origin now. Never rejects. */
  requestFetch(registration: Registration, site: Site, address: Address): Promise<FetchDecision> {
    return this.#limiter.request(subjectOf(registration, site), address, this.#view(registration, site.index))
  }

  /** A peer of this site completed this torrent. */
  completed(infoHash: Buffer, siteIndex: number): void {
    const registration = this.#registry.find(infoHash)
    const site = this.#topology.value.sites[siteIndex]
    if (registration?.origin === undefined || site === undefined) return
    // A hybrid torrent completes in two swarms at once, and counts as one download.
    if (registration.infoHashes[0]?.equals(infoHash) !== true) return
    this.#limiter.completed(subjectOf(registration, site))
  }

  /** Closes the origins; reads in progress fail. */
  close(): void {
    this.content.close()
  }

  /** The swarms of both infohashes of a hybrid torrent have the same content. */
  #view({ infoHashes }: Registration, siteIndex: number): SiteView {
    const gateways: Address[] = []
    for (const infoHash of infoHashes) {
      const site = this.#table.swarm(infoHash)?.site(siteIndex)
      if (site === undefined) continue
      // The `left=0` of a magnet client does not prove a copy, and a client rejected for it would never ask again.
      if (site.trustedSeeds > 0) return { isWarm: true, gateways: [] }
      for (const { row } of site.gateways) gateways.push(this.#table.rows.address(row))
    }
    return { isWarm: false, gateways }
  }
}

/** A registered torrent at a site, as the limiter counts it. */
export function subjectOf(registration: Registration, site: Pick<Site, 'name' | 'index'>): OriginSubject {
  return {
    infoHash: registration.infoHashes[0] as Buffer,
    sizeBytes: registration.sizeBytes,
    siteName: site.name,
    siteIndex: site.index,
  }
}
