/**
 * The leases of the gateways, and the only code that writes a `Gateway`. A lease belongs to a host of a site. Each
 * decision about it has a version, the time of the decision and the node that made it, so no two are equal; the
 * decision with the highest version stays.
 *
 * A tentative lease awaits the consent of the site's other nodes: no other peer is elected meanwhile, and the peer
 * itself receives no peers of other sites and is not counted as a gateway.
 */
import { assert } from '../core/assert.ts'
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { nextLeaseVersion, VERSIONS_PER_MS } from './lease-version.ts'
import { progressStepKib } from './gateway-progress.ts'
import { flags, type PeerRows } from './peer-rows.ts'
import type { Gateway } from './gateway.ts'
import type { SiteSwarm, Swarm } from './swarm.ts'

/** The row of a host, in the site of its lease. */
export interface LeasePlace {
  readonly site: SiteSwarm
  readonly row: number
}

/** A peer that a gateway fetches from, and the time of the announce to which the choice belongs. */
export interface Upstream {
  readonly row: number
  readonly announcedAtMs: number
}

/** The content of one decision about a lease, as nodes record it; see `Gateway`. */
export interface LeaseDecision {
  readonly sinceMs: number
  readonly version: number
  readonly announcedAtMs: number
  readonly treeRank: number
  /** Also undefined if the applying node does not know the peer. */
  readonly upstream: Upstream | undefined
}

/** Not exported, so that a `Gateway` is readonly outside this file. */
type Writable = { -readonly [Field in keyof Gateway]: Gateway[Field] }

export class Leases {
  readonly #rows: PeerRows
  readonly #countGateway: (row: number, by: number) => void
  #node = 0

  constructor(rows: PeerRows, countGateway: (row: number, by: number) => void) {
    this.#rows = rows
    this.#countGateway = countGateway
  }

  /** Sets the node number in the versions of this node's decisions. */
  decideAs(node: number): void {
    this.#node = node
  }

  /** Version of the last decision about the host's lease here; 0 if it never had one. */
  versionOf({ site, row }: LeasePlace): number {
    return site.gatewayHosts.get(this.hostOf(row)) ?? 0
  }

  /** Version of a decision made now, above every known one about this host's lease. */
  nextVersion(place: LeasePlace, nowMs: number, isEnd: boolean): number {
    return nextLeaseVersion(this.versionOf(place), nowMs, this.#node, isEnd)
  }

  hostOf(row: number): number {
    return this.#rows.addressHash(row)
  }

  /** Grants the lease without a comparison of versions. A tentative lease becomes a granted one. */
  grant(place: LeasePlace, decision: LeaseDecision): Gateway {
    const lease: Writable = place.site.gatewayOf(place.row) ?? this.#add(place, decision)
    assert(lease.isTentative, 'a gateway holds one lease')
    this.#replace(place, lease, decision)
    return lease
  }

  /** Grants the lease by a decision of this node, for the peer's last announce. */
  grantNow(place: LeasePlace, nowMs: number): Gateway {
    const version = this.nextVersion(place, nowMs, false)
    const announcedAtMs = this.#rows.lastSeenMs(place.row, nowMs)
    return this.grant(place, { sinceMs: nowMs, version, announcedAtMs, treeRank: 0, upstream: undefined })
  }

  /** Adds a tentative lease. */
  reserve(place: LeasePlace, nowMs: number): Gateway {
    assert(place.site.gatewayOf(place.row) === undefined, 'a gateway holds one lease')
    return this.#add(place, { sinceMs: nowMs, announcedAtMs: this.#rows.lastSeenMs(place.row, nowMs) })
  }

  /** Turns a tentative lease into a granted one. */
  confirm(place: LeasePlace, gateway: Gateway, nowMs: number): void {
    const lease: Writable = gateway
    lease.isTentative = false
    this.#decide(place, lease, this.nextVersion(place, nowMs, false))
  }

  /**
   * The merge rule: applies a decision of another node. Decisions that come in any order, and any number of times,
   * leave the same lease. The higher version replaces the lower one, of this node too; records of one version add
   * what one of them lacks. Returns undefined where a later decision is known, an end included.
   */
  merge(place: LeasePlace, decision: LeaseDecision): Gateway | undefined {
    const known: Writable | undefined = place.site.gatewayOf(place.row)
    if (known === undefined || known.isTentative)
      return decision.version < this.versionOf(place) ? undefined : this.grant(place, decision)
    if (decision.version < known.version) return undefined
    if (decision.version > known.version) this.#replace(place, known, decision)
    else {
      known.announcedAtMs = Math.max(known.announcedAtMs, decision.announcedAtMs)
      known.treeRank = Math.max(known.treeRank, decision.treeRank)
      if (known.upstreamRow < 0) this.setUpstream(known, decision.upstream)
    }
    return known
  }

  /** Records the decision that the gateway fetches from this peer. A tentative lease keeps no version. */
  assignUpstream(place: LeasePlace, gateway: Gateway, upstream: Upstream, version: number): void {
    const lease: Writable = gateway
    // Without an upstream there was nothing to fetch.
    if (gateway.upstreamRow < 0)
      lease.progressAtMs = Math.max(lease.progressAtMs, Math.floor(version / VERSIONS_PER_MS))
    this.setUpstream(gateway, upstream)
    if (!gateway.isTentative) this.#decide(place, gateway, version)
  }

  /** Sets the upstream without a decision or version: the peer left, or the gateway's own site reports another one. */
  setUpstream(gateway: Gateway, upstream: Upstream | undefined): void {
    const lease: Writable = gateway
    lease.upstreamRow = upstream?.row ?? -1
    lease.upstreamAnnouncedAtMs = upstream?.announcedAtMs ?? 0
  }

  /** Adds an upstream without progress; see `Gateway.failedUpstreamRows`. Later gateways of the site try its host last. */
  addFailedUpstream({ site }: LeasePlace, gateway: Gateway, row: number): void {
    const lease: Writable = gateway
    if (!lease.failedUpstreamRows.includes(row)) lease.failedUpstreamRows = [...lease.failedUpstreamRows, row]
    site.historyToWrite().failedUpstreamHosts.add(this.hostOf(row))
  }

  /**
   * Clears the upstream of the gateways that fetch from this peer, which left. `untilMs`: only choices that belong to
   * announces up to then.
   */
  forgetUpstream(swarm: Swarm, row: number, untilMs = Number.POSITIVE_INFINITY): void {
    for (const site of swarm.sites)
      for (const gateway of site.gateways) {
        const lease: Writable = gateway
        if (lease.upstreamAnnouncedAtMs > untilMs) continue
        if (lease.upstreamRow === row) lease.upstreamRow = -1
        if (lease.failedUpstreamRows.includes(row))
          lease.failedUpstreamRows = lease.failedUpstreamRows.filter((failed) => failed !== row)
      }
  }

  /** Sets the rank of a gateway in the tree over the sites, once, before it has an upstream. */
  setTreeRank(gateway: Gateway, treeRank: number): void {
    assert(gateway.treeRank === 0, 'a gateway keeps its rank')
    const lease: Writable = gateway
    lease.treeRank = treeRank
  }

  /** Records how much the gateway lacks now, if that is a step less than at its last progress. */
  noteProgress({ site, row }: LeasePlace, sizeKib: number, nowMs: number): void {
    const lease: Writable | undefined = site.gatewayOf(row)
    const leftKib = this.#rows.leftKib(row)
    if (lease === undefined || leftKib + progressStepKib(sizeKib) > lease.progressLeftKib) return
    lease.progressLeftKib = leftKib
    lease.progressAtMs = nowMs
  }

  /** Moves the lease to the peer's last announce. */
  refresh(gateway: Gateway, nowMs: number): void {
    const lease: Writable = gateway
    lease.announcedAtMs = this.#rows.lastSeenMs(lease.row, nowMs)
  }

  shiftTime(site: SiteSwarm, byMs: number): void {
    site.shiftTime(byMs)
    for (const gateway of site.gateways) {
      const lease: Writable = gateway
      lease.sinceMs += byMs
      lease.version += VERSIONS_PER_MS * byMs
      lease.announcedAtMs += byMs
      lease.upstreamAnnouncedAtMs += byMs
      lease.progressAtMs += byMs
    }
  }

  /**
   * Ends the lease of a row, if it has one. An end without a version follows from a change of the peer, which every
   * node sees for itself; the remembered version then stays.
   */
  end({ site, row }: LeasePlace, cause: ElectionCause, version?: number): void {
    if (!this.#rows.has(row, flags.gateway)) return
    const ended = site.gatewayOf(row)
    site.dropGateway(row)
    this.#rows.setFlag(row, flags.gateway, false)
    this.#countGateway(row, -1)
    if (ended?.isTentative === true) return
    if (version !== undefined) site.rememberGatewayHost(this.hostOf(row), version)
    const history = site.historyToWrite()
    history.lastLeaseEnd = cause
    if (cause !== 'stalled') return
    history.lastStalledRow = row
    history.stalledHosts.add(this.hostOf(row))
    const upstreamRow = ended?.upstreamRow ?? -1
    if (upstreamRow >= 0) history.failedUpstreamHosts.add(this.hostOf(upstreamRow))
  }

  /** The leases beyond `gatewaysMax`, which every node ends: the youngest, equals in the order of their endpoints. */
  surplus(site: SiteSwarm, gatewaysMax: number): Gateway[] {
    const firm = site.gateways.filter((gateway) => !gateway.isTentative)
    if (firm.length <= gatewaysMax) return []
    return firm
      .toSorted((a, b) => a.sinceMs - b.sinceMs || this.compareEndpoints(a.row, b.row))
      .slice(gatewaysMax)
  }

  /** Orders by address, then port. Any order works that is the same on every node. */
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

  #add(
    { site, row }: LeasePlace,
    { sinceMs, announcedAtMs }: Pick<LeaseDecision, 'sinceMs' | 'announcedAtMs'>,
  ): Gateway {
    const gateway: Gateway = {
      row,
      sinceMs,
      version: 0,
      isTentative: true,
      announcedAtMs,
      upstreamRow: -1,
      upstreamAnnouncedAtMs: 0,
      failedUpstreamRows: NONE,
      treeRank: 0,
      progressLeftKib: this.#rows.leftKib(row),
      progressAtMs: sinceMs,
    }
    site.addGateway(gateway)
    this.#rows.setFlag(row, flags.gateway, true)
    this.#countGateway(row, 1)
    return gateway
  }

  /** Replaces every field by the decision's; failed upstreams, which this node observed, stay. */
  #replace(place: LeasePlace, lease: Writable, decision: LeaseDecision): void {
    lease.isTentative = false
    lease.sinceMs = decision.sinceMs
    lease.progressAtMs = Math.max(lease.progressAtMs, decision.sinceMs)
    lease.announcedAtMs = decision.announcedAtMs
    lease.treeRank = decision.treeRank
    this.setUpstream(lease, decision.upstream)
    this.#decide(place, lease, decision.version)
  }

  #decide(place: LeasePlace, lease: Writable, version: number): void {
    lease.version = version
    place.site.rememberGatewayHost(this.hostOf(place.row), version)
  }
}

/** Most gateways never have a failed upstream. */
const NONE: readonly number[] = []
