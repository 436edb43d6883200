/**
 * Records an announce before the handout is decided: updates the peer row, counts completions, ends leases that it
 * invalidates. Every change is replicated to the other nodes of the site.
 */
import type { Address } from '../core/address.ts'
import type { AnnounceRequest, Arrival } from '../core/announce.ts'
import { Refusal } from '../core/errors.ts'
import { endLeases } from './apply-decision.ts'
import type { Decision } from '../handout/decision.ts'
import { defaultPolicy } from '../handout/policy.ts'
import { distrustSeeds } from '../swarm/distrusted-seeds.ts'
import { flags } from '../swarm/peer-rows.ts'
import type { PeerState } from '../swarm/peer-state.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { SwarmTable } from '../swarm/swarm-table.ts'
import { derivePeerUpdate, type PeerUpdate, timeOf } from './peer-update.ts'
import { type ClientProfile, clientProfile } from './client-profile.ts'
import type { GatewayElections } from './gateway-elections.ts'
import { lifetimeSeconds, type AnnounceInterval, computeInterval } from './interval.ts'
import { belongsToOther, SharedEndpoints } from './shared-endpoints.ts'
import type { TrackerComponents } from './tracker-components.ts'

/** Announces without progress of a leecher after which it is not supplied: those of a gateway, which is replaced then. */
const STALLS_UNTIL_DISTRUST = defaultPolicy.stallsUntilReplaced

/** An announce that is recorded and not yet answered. */
export interface RecordedAnnounce {
  readonly swarm: Swarm
  readonly row: number
  readonly peersWanted: number | undefined
  readonly hasCompleted: boolean
  readonly profile: ClientProfile
  readonly load: number
  /** Time since the announce. */
  readonly waitedMs: number
  /** False if the response cannot be deferred. */
  readonly mayWait: boolean
  /** The first announce of the peer. */
  readonly isNew: boolean
  readonly arrival: Arrival | undefined
  /** The client has been dialled for this announce. */
  readonly isChecked: boolean
  /** Set where it is computed before the decision. */
  readonly interval?: AnnounceInterval
}

type Reception = Pick<RecordedAnnounce, 'mayWait' | 'arrival'>

export interface ObservedProgress {
  readonly leftKib: number
  readonly isComplete: boolean
}

export class AnnounceRecorder {
  readonly #parts: TrackerComponents
  readonly #elections: GatewayElections | undefined
  readonly #sharedEndpoints = new SharedEndpoints()

  constructor(parts: TrackerComponents, elections: GatewayElections | undefined) {
    this.#parts = parts
    this.#elections = elections
  }

  /** undefined if the peer belongs to another client. Throws a `Refusal` where there is no room. */
  record(
    request: AnnounceRequest,
    from: Address,
    place: number,
    { load, nowMs, ...reception }: Reception & { readonly load: number; readonly nowMs: number },
  ): RecordedAnnounce | undefined {
    const { table, interval } = this.#parts
    const profile = clientProfile(request.peerId)
    // The upper bound; `computeInterval` sets the exact lifetime.
    const lifetimeMax = lifetimeSeconds(interval.secondsMax, profile.announceSecondsMin)
    const update = derivePeerUpdate(table, request, from, nowMs, lifetimeMax)
    if (update.known < 0) this.#parts.sources?.newPeer(table, request.infoHash, from, nowMs)
    else if (!this.#isOwn(request, from, update.known, nowMs)) return undefined
    const { row, hasCompleted } = this.#put(update, place, nowMs)
    const swarm = table.swarmOf(row)
    return {
      swarm,
      row,
      peersWanted: request.peersWanted,
      hasCompleted,
      profile,
      load,
      waitedMs: 0,
      ...reception,
      isNew: update.known < 0,
      isChecked: false,
    }
  }

  /** True if the client that announces is the one of this row. */
  #isOwn(request: AnnounceRequest, from: Address, row: number, nowMs: number): boolean {
    if (belongsToOther(this.#parts.table.rows, row, request, from, nowMs)) {
      this.#sharedEndpoints.noteOther(request, from, nowMs)
      return false
    }
    if (this.#sharedEndpoints.alternates(request, from, nowMs))
      this.#parts.reports?.sharedEndpoint(from, request.port)
    return true
  }

  /** Records the progress that a node observed, as the announce that the client would have sent. */
  recordObserved(row: number, { leftKib, isComplete }: ObservedProgress, nowMs: number): void {
    const { table, replica } = this.#parts
    const before = table.stateOf(row, nowMs)
    const state = {
      ...before,
      role: isComplete ? ('seed' as const) : before.role,
      leftKib,
      downloadedKib: before.downloadedKib + Math.max(0, before.leftKib - leftKib),
      lastSeenMs: Math.max(nowMs, before.lastSeenMs + 1),
      stalls: 0,
      isUnverifiedSeed: false,
      isVerifiedSeed: before.isVerifiedSeed || isComplete,
    }
    const progressKib = state.downloadedKib - before.downloadedKib
    const hasBecomeSeed = isComplete && before.role !== 'seed'
    this.#put({ state, known: row, hasBecomeSeed, progressKib }, table.rows.place(row), nowMs)
    replica?.recordPeer(row)
  }

  #put(
    { state, known, hasBecomeSeed, progressKib }: PeerUpdate,
    place: number,
    nowMs: number,
  ): { readonly row: number; readonly hasCompleted: boolean } {
    const { table, metrics, replica } = this.#parts
    const wasGateway = known >= 0 && isGateway(table, known)
    const row = table.put(state, place, known)
    if (row < 0) throw new Refusal('TRK_OVERLOADED')
    if (wasGateway && !isGateway(table, row)) this.#endLeaseOfPeer(row, nowMs)

    if (state.role === 'leecher' && state.stalls >= STALLS_UNTIL_DISTRUST)
      for (const seed of distrustSeeds(table, table.siteOf(row), row)) table.reassessSeed(seed, nowMs)
    const swarm = table.swarmOf(row)
    const siteIndex = table.siteIndexOf(row)
    const hasCompleted = hasBecomeSeed && table.rows.clientOrder(row) === 0
    if (hasCompleted) {
      table.complete(swarm.infoHash, { count: swarm.downloaded + 1, lastAtMs: state.lastSeenMs })
      replica?.recordCompletion(swarm.infoHash, state.identity)
      metrics.completion(siteIndex)
      this.#parts.onCompletion?.(swarm.infoHash, siteIndex)
    }
    replica?.applyPending(row)
    if (progressKib > 0) {
      const lease = table.leaseOf(row)
      const isGatewayHost = lease.site.gatewayHosts.has(table.leases.hostOf(row))
      metrics.downloaded(siteIndex, progressKib * 1024, isGatewayHost)
    }
    return { row, hasCompleted }
  }

  /** The peer is still connected, waiting for its response. */
  refresh(row: number, nowMs: number): void {
    const { rows } = this.#parts.table
    rows.setLastSeen(row, Math.max(nowMs, rows.lastSeenMs(row, nowMs) + 1), rows.lifetimeSeconds(row))
  }

  /** The announce interval of the peer, which also sets its lifetime. */
  computeInterval({ swarm, row, load, profile }: RecordedAnnounce, isWaiting: boolean): AnnounceInterval {
    const { table, random, interval } = this.#parts
    const size = { isWaiting, swarmPeers: swarm.rows, nodePeers: table.rows.live }
    const computed = computeInterval(interval, size, load, random)
    table.rows.setLifetime(row, lifetimeSeconds(computed.intervalSeconds, profile.announceSecondsMin))
    return computed
  }

  /** Removes a peer that stopped, unless it belongs to another client. Returns the interval for its response. */
  forget(request: AnnounceRequest, from: Address, load: number, nowMs: number): AnnounceInterval {
    const { table, random, interval } = this.#parts
    const { infoHash, port } = request
    const swarm = table.swarm(infoHash)
    const row = swarm === undefined ? -1 : table.find(swarm, from, port)
    if (row < 0 || this.#isOwn(request, from, row, nowMs)) this.stop({ infoHash, address: from, port }, nowMs)
    const swarmPeers = table.swarm(infoHash)?.rows ?? 0
    const size = { isWaiting: false, swarmPeers, nodePeers: table.rows.live }
    return computeInterval(interval, size, load, random)
  }

  /** Removes a peer that announced its stop, or whose client is gone. */
  stop(peer: Pick<PeerState, 'infoHash' | 'address' | 'port'>, nowMs: number): void {
    const { table, replica } = this.#parts
    const known = table.swarm(peer.infoHash)
    const row = known === undefined ? -1 : table.find(known, peer.address, peer.port)
    if (row >= 0 && isGateway(table, row)) this.#elections?.release(row)
    const atMs = timeOf(table, peer, peer.address, row, nowMs)
    table.stop(peer, atMs)
    // Also for a peer that is not in this table: the record of another node may be on its way.
    replica?.recordRemoval({ ...peer, atMs })
  }

  /** Before the next election: the other nodes grant no more leases than the site may have. */
  endLeases(decision: Pick<Decision, 'leaseEnds'>, nowMs: number): void {
    if (decision.leaseEnds.length === 0) return
    const { table, replica } = this.#parts
    const known = decision.leaseEnds.filter(({ row }) => isGateway(table, row))
    for (const { row } of known) this.#elections?.release(row)
    endLeases(table, decision, nowMs)
    for (const { row, cause } of known) replica?.recordLeaseEnd(row, cause)
  }

  /** The announce of a gateway ended its lease: it is complete, or in another site. */
  #endLeaseOfPeer(row: number, nowMs: number): void {
    const { table, replica } = this.#parts
    const lease = table.leaseOf(row)
    lease.site.rememberGatewayHost(table.leases.hostOf(row), table.leases.nextVersion(lease, nowMs, true))
    this.#elections?.release(row)
    replica?.recordLeaseEnd(row, 'stopped')
  }
}

/** Tentative leases do not count. */
export function isGateway(table: SwarmTable, row: number): boolean {
  if (!table.rows.has(row, flags.gateway)) return false
  return table.siteOf(row).gatewayOf(row)?.isTentative === false
}
