/**
 * The gateway history of empty swarms, kept for a while. A swarm that is empty for a moment, on this node or on all,
 * still knows which of its hosts received peers of other sites.
 */
import { infoHashKey } from '../core/info-hash.ts'
import { VERSIONS_PER_MS } from './lease-version.ts'
import { LIFETIME_SECONDS_MAX } from './peer-rows.ts'
import { siteFor } from './placement.ts'
import { RecentMap } from './recent-map.ts'
import type { Swarm } from './swarm.ts'

/** The latest gateways of a swarm that are kept: as many as any real site has, and 100 MB in all at most. */
const HOSTS_KEPT = 32

/** Only swarms that had gateways are kept, a few hundred bytes each. */
const SWARMS_MAX = 100_000

/** One object for each site, in which a new topology changes the index. */
interface SiteIndex {
  /** -1 for a site that was removed. */
  index: number
}

interface SiteMemory {
  readonly site: SiteIndex
  /** Versions without the shifts of the clock. */
  readonly gatewayHosts: ReadonlyMap<number, number>
}

export class EmptiedSwarms {
  readonly #sites = new RecentMap<string, readonly SiteMemory[]>({
    entriesMax: SWARMS_MAX,
    keptMs: LIFETIME_SECONDS_MAX * 1000,
  })
  readonly #siteIndexes = new Map<number, SiteIndex>()
  /** Added to the versions, as milliseconds. */
  #shiftedMs = 0

  keep(swarm: Swarm, nowMs: number): void {
    const sites = swarm.sites.filter((site) => site.gatewayHostsEver > 0)
    if (sites.length === 0) return
    this.#sites.set(
      infoHashKey(swarm.infoHash),
      sites.map(({ site, gatewayHosts }) => ({
        site: this.#siteIndex(site),
        gatewayHosts: shifted(latest(gatewayHosts), -this.#shiftedMs),
      })),
      nowMs - this.#shiftedMs,
    )
  }

  /** Adds a gateway host to a swarm that has no peers. */
  remember(infoHash: Buffer, site: number, lease: { readonly host: number; readonly version: number }): void {
    const key = infoHashKey(infoHash)
    const sites = this.#sites.get(key) ?? []
    const hosts = new Map(sites.find((each) => each.site.index === site)?.gatewayHosts)
    const version = lease.version - VERSIONS_PER_MS * this.#shiftedMs
    hosts.set(lease.host, Math.max(version, hosts.get(lease.host) ?? version))
    const others = sites.filter((each) => each.site.index !== site)
    this.#sites.set(
      key,
      [...others, { site: this.#siteIndex(site), gatewayHosts: latest(hosts) }],
      version / VERSIONS_PER_MS,
    )
  }

  versionOf(infoHash: Buffer, site: number, host: number): number {
    const sites = this.#sites.get(infoHashKey(infoHash)) ?? []
    const version = sites.find((each) => each.site.index === site)?.gatewayHosts.get(host)
    return version === undefined ? 0 : version + VERSIONS_PER_MS * this.#shiftedMs
  }

  /** Restores the history when the swarm has peers again. */
  restore(swarm: Swarm): void {
    const key = infoHashKey(swarm.infoHash)
    for (const { site, gatewayHosts } of this.#sites.get(key) ?? [])
      if (site.index >= 0)
        for (const [host, version] of shifted(gatewayHosts, this.#shiftedMs))
          siteFor(swarm, site.index).rememberGatewayHost(host, version)
    this.#sites.delete(key)
  }

  remap(siteAfter: (siteIndex: number) => number): void {
    const sites = [...this.#siteIndexes.values()]
    this.#siteIndexes.clear()
    for (const site of sites) {
      site.index = siteAfter(site.index)
      if (site.index >= 0) this.#siteIndexes.set(site.index, site)
    }
  }

  /** The clock was shifted by this much, and all versions are. */
  shiftTime(byMs: number): void {
    this.#shiftedMs += byMs
  }

  #siteIndex(index: number): SiteIndex {
    const known = this.#siteIndexes.get(index)
    if (known !== undefined) return known
    const site = { index }
    this.#siteIndexes.set(index, site)
    return site
  }
}

/** The last ones in the order of the map. */
function latest(hosts: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  return hosts.size <= HOSTS_KEPT ? new Map(hosts) : new Map([...hosts].slice(-HOSTS_KEPT))
}

function shifted(versions: ReadonlyMap<number, number>, byMs: number): ReadonlyMap<number, number> {
  if (byMs === 0) return versions
  return new Map([...versions].map(([host, version]) => [host, version + VERSIONS_PER_MS * byMs]))
}
