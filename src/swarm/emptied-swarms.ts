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

interface SiteMemory {
  readonly site: number
  readonly gatewayHosts: ReadonlyMap<number, number>
}

export class EmptiedSwarms {
  readonly #sites = new RecentMap<string, readonly SiteMemory[]>({
    entriesMax: SWARMS_MAX,
    keptMs: LIFETIME_SECONDS_MAX * 1000,
  })

  keep(swarm: Swarm, nowMs: number): void {
    const sites = swarm.sites.filter((site) => site.gatewayHostsEver > 0)
    if (sites.length === 0) return
    this.#sites.set(
      infoHashKey(swarm.infoHash),
      sites.map(({ site, gatewayHosts }) => ({ site, gatewayHosts: latest(gatewayHosts) })),
      nowMs,
    )
  }

  /** Adds a gateway host to a swarm that has no peers. */
  remember(infoHash: Buffer, site: number, lease: { readonly host: number; readonly version: number }): void {
    const key = infoHashKey(infoHash)
    const sites = this.#sites.get(key) ?? []
    const hosts = new Map(sites.find((each) => each.site === site)?.gatewayHosts)
    hosts.set(lease.host, Math.max(lease.version, hosts.get(lease.host) ?? 0))
    const others = sites.filter((each) => each.site !== site)
    this.#sites.set(key, [...others, { site, gatewayHosts: latest(hosts) }], lease.version / VERSIONS_PER_MS)
  }

  versionOf(infoHash: Buffer, site: number, host: number): number {
    const sites = this.#sites.get(infoHashKey(infoHash)) ?? []
    return sites.find((each) => each.site === site)?.gatewayHosts.get(host) ?? 0
  }

  /** Restores the history when the swarm has peers again. */
  restore(swarm: Swarm): void {
    const key = infoHashKey(swarm.infoHash)
    for (const { site, gatewayHosts } of this.#sites.get(key) ?? [])
      for (const [host, version] of gatewayHosts) siteFor(swarm, site).rememberGatewayHost(host, version)
    this.#sites.delete(key)
  }

  remap(siteAfter: (siteIndex: number) => number): void {
    this.#sites.replace((sites) =>
      sites.map((each) => ({ ...each, site: siteAfter(each.site) })).filter(({ site }) => site >= 0),
    )
  }

  shiftTime(byMs: number): void {
    this.#sites.replace((sites) =>
      sites.map(({ site, gatewayHosts }) => ({
        site,
        gatewayHosts: new Map(
          [...gatewayHosts].map(([host, version]) => [host, version + VERSIONS_PER_MS * byMs]),
        ),
      })),
    )
  }
}

/** The last ones in the order of the map. */
function latest(hosts: ReadonlyMap<number, number>): ReadonlyMap<number, number> {
  return hosts.size <= HOSTS_KEPT ? new Map(hosts) : new Map([...hosts].slice(-HOSTS_KEPT))
}
