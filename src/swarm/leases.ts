/**
 * Who fetches for which site, and who ever did. A lease belongs to a host of a site. Each decision about it has a
 * version, of which the highest stays: the time at which some node made it, and which node that was, so that no two
 * have the same.
 *
 * A tentative lease is one that the other nodes of the site have not agreed to yet: whoever asks meanwhile sees
 * that somebody is about to fetch, while the peer is told of nobody elsewhere and is not counted as a gateway.
 */
import { assert } from '../core/assert.ts'
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { nextLeaseVersion } from './lease-version.ts'
import { flags, type PeerRows } from './peer-rows.ts'
import type { Gateway, SiteSwarm } from './swarm.ts'

/** Of which row, in which site. */
export interface LeasePlace {
  readonly site: SiteSwarm
  readonly row: number
}

export interface LeaseTimes {
  readonly sinceMs: number
  readonly version: number
  /** See `Gateway`. */
  readonly asOfMs: number
}

export class Leases {
  readonly #rows: PeerRows
  readonly #countGateway: (row: number, by: number) => void
  #node = 0

  constructor(rows: PeerRows, countGateway: (row: number, by: number) => void) {
    this.#rows = rows
    this.#countGateway = countGateway
  }

  /** What this node decides from now on bears this number. */
  decideAs(node: number): void {
    this.#node = node
  }

  /** Of the lease that the host has or had here; 0 where it never had one. */
  versionOf({ site, row }: LeasePlace): number {
    return site.gatewayHosts.get(this.hostOf(row)) ?? 0
  }

  /** For a decision now, later than all that is known of this host's lease. */
  nextVersion(place: LeasePlace, nowMs: number, isEnd: boolean): number {
    return nextLeaseVersion(this.versionOf(place), nowMs, this.#node, isEnd)
  }

  hostOf(row: number): number {
    return this.#rows.addressHash(row)
  }

  grant(place: LeasePlace, times: LeaseTimes): Gateway {
    const gateway = this.#add(place, { ...times, isTentative: false })
    place.site.rememberGatewayHost(this.hostOf(place.row), times.version)
    return gateway
  }

  /** As of what the peer has announced last. */
  grantNow(place: LeasePlace, nowMs: number): Gateway {
    const version = this.nextVersion(place, nowMs, false)
    return this.grant(place, { sinceMs: nowMs, version, asOfMs: this.#rows.heardAtMs(place.row, nowMs) })
  }

  reserve(place: LeasePlace, nowMs: number): Gateway {
    const asOfMs = this.#rows.heardAtMs(place.row, nowMs)
    return this.#add(place, { sinceMs: nowMs, version: 0, asOfMs, isTentative: true })
  }

  /** What was tentative counts from now on. */
  confirm(place: LeasePlace, gateway: Gateway, nowMs: number): void {
    gateway.isTentative = false
    this.change(place, gateway, nowMs)
  }

  /** Something of a lease that goes on was decided anew. */
  change(place: LeasePlace, gateway: Gateway, nowMs: number): void {
    gateway.version = this.nextVersion(place, nowMs, false)
    place.site.rememberGatewayHost(this.hostOf(place.row), gateway.version)
  }

  /**
   * Does nothing to a row without a lease. Without a version it follows from a change of the peer itself, which
   * every node sees: then what is remembered of the lease stays as it is.
   */
  end({ site, row }: LeasePlace, cause: ElectionCause, version?: number): void {
    if (!this.#rows.has(row, flags.gateway)) return
    const index = site.gateways.findIndex((gateway) => gateway.row === row)
    const [ended] = site.gateways.splice(index, 1)
    this.#rows.setFlag(row, flags.gateway, false)
    this.#countGateway(row, -1)
    if (ended?.isTentative === true) return
    if (version !== undefined) site.rememberGatewayHost(this.hostOf(row), version)
    site.lastLeaseEnd = cause
    if (cause === 'stalled') site.lastStalledRow = row
  }

  /** The leases beyond `gatewaysMax` that every node gives up: the youngest, and of equals by their endpoint. */
  surplus(site: SiteSwarm, gatewaysMax: number): Gateway[] {
    const firm = site.gateways.filter((gateway) => !gateway.isTentative)
    if (firm.length <= gatewaysMax) return []
    return firm
      .toSorted((a, b) => a.sinceMs - b.sinceMs || this.compareEndpoints(a.row, b.row))
      .slice(gatewaysMax)
  }

  /** By address, then port: any order will do that is the same on every node. */
  compareEndpoints(a: number, b: number): number {
    const [one, other] = [this.#rows.address(a), this.#rows.address(b)]
    return (
      one.word0 - other.word0 ||
      one.word1 - other.word1 ||
      one.word2 - other.word2 ||
      one.word3 - other.word3 ||
      this.#rows.port(a) - this.#rows.port(b)
    )
  }

  #add({ site, row }: LeasePlace, given: LeaseTimes & Pick<Gateway, 'isTentative'>): Gateway {
    assert(site.gatewayOf(row) === undefined, 'a gateway holds one lease')
    const gateway: Gateway = {
      row,
      ...given,
      upstreamRow: -1,

      upstreamAsOfMs: 0,
      failedUpstreamRows: [],
      treeOrder: 0,
    }
    site.gateways.push(gateway)
    this.#rows.setFlag(row, flags.gateway, true)
    this.#countGateway(row, 1)
    return gateway
  }
}
