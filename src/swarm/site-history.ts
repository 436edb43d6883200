/**
 * Gateways of a site in a swarm, now and before, and hosts of it that were found wrong. Most sites of most swarms have
 * none, so the object is created with the first one: with it, a swarm of a site takes twice the memory.
 */
import type { ElectionCause } from '../core/tracker-metrics.ts'
import type { Gateway } from './gateway.ts'
import { VERSIONS_PER_MS } from './lease-version.ts'
import { RecentHosts } from './recent-hosts.ts'

/**
 * Former gateways of a site that are remembered for a torrent. A site has a handful; a host that announces from many
 * addresses in turn must not fill the memory of all nodes.
 */
const GATEWAY_HOSTS_MAX = 1_000

export class SiteHistory {
  readonly gateways: Gateway[] = []
  /** Versions of the leases of `SiteSwarm.gatewayHosts`; the latest decision is the last. */
  readonly gatewayHosts = new Map<number, number>()
  /** Cause of the last end of a lease; the election of the successor is counted under it. */
  lastLeaseEnd: ElectionCause = 'first'
  /** The row whose lease ended without progress: the next election prefers others. -1 without one. */
  lastStalledRow = -1
  /** Hosts whose leases ended without progress, the latest last. The next election prefers other hosts. */
  readonly stalledHosts = new RecentHosts()
  /** The host of the first leecher that is stalled beside seeds. */
  starvedHost: number | undefined = undefined
  /** Hosts whose seeds leave the site without progress; see `distrusted-seeds.ts`. */
  readonly distrustedHosts = new RecentHosts()
  /** Hosts of other sites from which a gateway of this site got nothing. The next choice of an upstream prefers others. */
  readonly failedUpstreamHosts = new RecentHosts()
  /** Hosts of this site that a gateway of another site left without progress; see `left-sources.ts`. */
  readonly leftHosts = new RecentHosts()

  dropGateway(row: number): void {
    const index = this.gateways.findIndex((gateway) => gateway.row === row)
    if (index >= 0) this.gateways.splice(index, 1)
  }

  /** Keeps the highest version of each host. */
  rememberGatewayHost(addressHash: number, version: number): void {
    const hosts = this.gatewayHosts
    const known = hosts.get(addressHash) ?? version
    hosts.delete(addressHash)
    hosts.set(addressHash, Math.max(version, known))
    const [oldest] = hosts.keys()
    if (hosts.size > GATEWAY_HOSTS_MAX && oldest !== undefined) hosts.delete(oldest)
  }

  /** Shifts the versions of the gateway history; `Leases` shifts the gateways. */
  shiftTime(byMs: number): void {
    for (const [host, version] of this.gatewayHosts)
      this.gatewayHosts.set(host, version + VERSIONS_PER_MS * byMs)
  }
}
