/**
 * Other sites, as the announce path sees them: who speaks for itself, how many clients they have, what their own peers
 * are answered here, and when everybody has had time to say what he is about to do.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceRequest } from '../core/announce.ts'
import type { Choice, Decision, Requester } from '../handout/decision.ts'
import { SETTLE_MS, treeRank } from '../handout/tree-rank.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { OwnContacts } from '../federation/site-advertiser.ts'
import type { RemoteContacts, Totals } from '../federation/remote-sites.ts'
import type { SiteCounts } from '../federation/remote-swarms.ts'

export interface ElsewhereParts {
  readonly table: SwarmTable
  readonly topology: CurrentTopology
  readonly own: OwnContacts
  readonly remote: RemoteContacts
  readonly wait: (forMs: number) => Promise<void>
}

export class Elsewhere {
  readonly #parts: ElsewhereParts

  constructor(parts: ElsewhereParts) {
    this.#parts = parts
  }

  get isAnyHeard(): boolean {
    return this.#parts.remote.isAnyHeard
  }

  isHeard(siteIndex: number): boolean {
    return this.#parts.remote.isHeard(siteIndex)
  }

  /** undefined where there is nobody to wait for. */
  settled(): Promise<void> | undefined {
    return this.isAnyHeard ? this.#parts.wait(SETTLE_MS) : undefined
  }

  /** Gives a gateway its place in the tree, before anybody else hears of it. */
  order(row: number, nowMs: number): void {
    const { table, topology } = this.#parts
    const site = table.siteOf(row)
    const gateway = site.gatewayOf(row)
    if (gateway === undefined || gateway.treeRank !== 0) return
    table.leases.setTreeRank(gateway, treeRank(topology.value, table.swarmOf(row), site.site, nowMs))
  }

  /** Something was decided about a gateway of another site. */
  touch(swarm: Swarm): void {
    this.#parts.own.touch(swarm)
  }

  /** Clients of all sites that speak for themselves. */
  totals(infoHash: Buffer): Totals {
    return this.#parts.remote.totals(infoHash)
  }

  /** What a site that is heard says of its clients. */
  countsOf(infoHash: Buffer, siteIndex: number): SiteCounts | undefined {
    return this.#parts.remote.countsOf(infoHash, siteIndex)
  }

  /**
   * Whom a peer hears of here whose own site is heard from: a gateway of the upstream that its site chose, in case it
   * did not hear of it there. Nobody else is told of anybody.
   */
  decidedFor({ infoHash, port }: AnnounceRequest, from: Address): readonly Choice[] {
    const { table } = this.#parts
    const swarm = table.swarm(infoHash)
    return this.#decided(swarm === undefined ? -1 : table.find(swarm, from, port))
  }

  /** For `explain`: what its own site decided for the peer, instead of what would be decided here; undefined where that holds. */
  insteadOf(decision: Decision, { row, place }: Requester): Decision | undefined {
    if (!this.isHeard(this.#parts.topology.value.places[place]?.site.index ?? -1)) return undefined
    const nothing = { introductions: [], leaseEnds: [], upstreams: [], election: undefined }
    return { ...decision, ...nothing, choices: this.#decided(row), isRescue: false, isTooEarly: false }
  }

  #decided(row: number): Choice[] {
    const gateway = row < 0 ? undefined : this.#parts.table.siteOf(row).gatewayOf(row)
    if (gateway === undefined || gateway.upstreamRow < 0) return []
    return [{ row: gateway.upstreamRow, locality: 'remote', reason: 'upstream' }]
  }
}
