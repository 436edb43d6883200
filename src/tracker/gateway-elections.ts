/**
 * Elects gateways together with the other nodes of the site: claims a lease before a peer becomes gateway, renews it
 * while the peer announces, and releases it.
 *
 * Until the claim is answered, the lease is tentative in the table: no other peer of the site is elected, and the peer
 * gets no remote address. By then the peer may have left, another peer may have its row, and the topology may have
 * changed. The claim is valid only if the same tentative lease is still in the table.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../core/clock.ts'
import { gatewaysMax } from '../topology/topology.ts'
import { CONVERGENCE_DELAY_MS } from '../handout/tree-rank.ts'
import type { Gateway } from '../swarm/gateway.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import type { CurrentTopology } from '../topology/current-topology.ts'
import type { SiteAuthority } from '../topology/site-authority.ts'
import { rankGateway } from './apply-decision.ts'
import type { GatewayLeases, LeaseAnswer, LeaseRequest } from '../replication/site-store.ts'

export interface GatewayElectionsComponents {
  readonly table: SwarmTable
  readonly leases: GatewayLeases
  readonly clock: Clock
  readonly topology: CurrentTopology
  readonly authority: SiteAuthority
  readonly wait?: (forMs: number) => Promise<void>
}

export class GatewayElections {
  readonly #table: SwarmTable
  readonly #leases: GatewayLeases
  readonly #clock: Clock
  readonly #topology: CurrentTopology
  readonly #authority: SiteAuthority
  readonly #wait: (forMs: number) => Promise<void>

  constructor({ table, leases, clock, topology, authority, wait }: GatewayElectionsComponents) {
    this.#table = table
    this.#leases = leases
    this.#clock = clock
    this.#topology = topology
    this.#authority = authority
    this.#wait = wait ?? ((forMs) => delay(forMs))
  }

  /**
   * Whether this peer may become gateway. A promise where another node must be asked, or where remote sites must first
   * learn of the election.
   */
  claim(row: number): boolean | Promise<Gateway | undefined> {
    const answer = this.#leases.claim(this.#request(row))
    if (answer === 'denied') return false
    const converged = this.#waitForConvergence()
    return typeof answer === 'string' && converged === undefined
      ? true
      : this.#reserve(row, answer, converged)
  }

  /** Prolongs the lease by the lifetime of its peer. */
  renew(row: number): void {
    this.#leases.renew(this.#request(row))
  }

  /** Ends the lease for the other nodes of the site. */
  release(row: number): void {
    this.#leases.release(this.#request(row))
  }

  /** The delay in which remote sites announce their own elections; undefined where no site is remote. */
  #waitForConvergence(): Promise<void> | undefined {
    return this.#authority.isAnyRemote ? this.#wait(CONVERGENCE_DELAY_MS) : undefined
  }

  /** Resolves to the gateway, or to undefined where the peer did not become one. */
  async #reserve(
    row: number,
    answer: LeaseAnswer | Promise<LeaseAnswer>,
    converged: Promise<void> | undefined,
  ): Promise<Gateway | undefined> {
    const table = this.#table
    const { leases } = table
    const request = this.#request(row)
    const nowMs = this.#clock.nowMs()
    const gateway = leases.reserve(table.leaseOf(row), nowMs)
    if (converged !== undefined) rankGateway(table, this.#topology.value, row, nowMs)
    table.touch(row)
    let isGranted = false
    try {
      isGranted = (await answer) !== 'denied'
      if (isGranted) await converged
    } finally {
      const isThere = table.rows.isLive(row) && table.siteOf(row).gatewayOf(row) === gateway
      if (isThere && isGranted) {
        if (gateway.isTentative) leases.confirm(table.leaseOf(row), gateway, this.#clock.nowMs())
      } else {
        if (isThere && gateway.isTentative) leases.end(table.leaseOf(row), 'stopped')
        // A lease granted to a peer that has left must not block other peers.
        if (isGranted) this.#leases.release(request)
        isGranted = false
      }
    }
    return isGranted ? gateway : undefined
  }

  #request(row: number): LeaseRequest {
    const { rows } = this.#table
    const topology = this.#topology.value
    const siteIndex = this.#table.siteIndexOf(row)
    const peer = Buffer.allocUnsafe(rows.isV6(row) ? 18 : 6)
    rows.writeCompact(row, peer, 0)
    return {
      infoHash: this.#table.swarmOf(row).infoHash,
      site: topology.sites[siteIndex]?.name ?? '',
      peer,
      lifetimeMs: rows.lifetimeSeconds(row) * 1000,
      holdersMax: gatewaysMax(topology, siteIndex),
    }
  }
}
