/**
 * The swarm table: the peers of every torrent, read and written by every announce.
 *
 * Rows are typed words (`peer-rows.ts`), grouped by swarm, site, bubble and role, so that the cost of a random sample
 * depends on its size alone. `remove` ends everything that depends on a peer: its introductions, its lease, its role as
 * an upstream. There are no timers; `sweep` does as much work as its caller allows.
 *
 * A peer enters through `put` and leaves through `stop` or when its lifetime ends. Both respect later states, so the
 * same states in any order, and any number of times, give the same table on every node.
 */
import type { Address } from '../core/address.ts'
import { ChangedRows } from './changed-rows.ts'
import { ChangedSwarms } from './changed-swarms.ts'
import { ClientCounts } from './client-counts.ts'
import { ClientCodes } from './client-codes.ts'
import { type Completions, CompletionCounts } from './completion-counts.ts'
import { EmptiedSwarms } from './emptied-swarms.ts'
import { Eviction } from './eviction.ts'
import { Introductions } from './introductions.ts'
import type { LeasePlace, Leases } from './leases.ts'
import { indexHash } from './index-hash.ts'
import { applyChange } from './new-places.ts'
import { ObservedPeers } from './observed-peers.ts'
import { flags, LEFT_UNKNOWN, PeerRows } from './peer-rows.ts'
import { compareStates, type PeerState, type Role } from './peer-state.ts'
import type { PlaceCounts } from './place-counts.ts'
import { Placement, siteFor } from './placement.ts'
import { Relocation } from './relocation.ts'
import { Revisions } from './revision.ts'
import { RowIndex } from './row-index.ts'
import { readRowState, writeRowState } from './row-state.ts'
import type { SiteSwarm, Swarm } from './swarm.ts'
import { SourceCounts } from './source-counts.ts'
import { SwarmRegistry } from './swarm-registry.ts'
import type { SwarmTableWatcher } from './table-watcher.ts'
import { type SwarmTableLimits, swarmTableLimits } from './swarm-table-limits.ts'
import { Tombstones } from './tombstones.ts'
import { countsAsUnverified, verifySeeds, verifySweptSeed } from './unverified-seeds.ts'

/** The largest difference between the clocks of two nodes. A larger one means that the clock was set back. */
const AHEAD_MS_MAX = 60_000

export class SwarmTable {
  readonly rows = new PeerRows()
  readonly introductions = new Introductions(this.rows)
  readonly completions = new CompletionCounts()
  readonly tombstones = new Tombstones()
  /** Rows of each source. */
  readonly sources = new SourceCounts()
  readonly #revisions = new Revisions<Swarm>((swarm, change) => applyChange(this, swarm, change))
  readonly #registry = new SwarmRegistry(this.#revisions)
  readonly eviction = new Eviction(this, this.#registry)
  readonly #emptied = new EmptiedSwarms()
  readonly #byEndpoint: RowIndex
  readonly clients = new ClientCounts(this.rows, (row) => this.roleOf(row))
  readonly #limits: SwarmTableLimits
  readonly #placement: Placement
  /** Moves the peers to their places in a new topology. */
  readonly relocation: Relocation
  readonly changes = new ChangedSwarms()
  readonly changedRows = new ChangedRows()
  readonly observed = new ObservedPeers()
  readonly clientCodes = new ClientCodes(this.rows)
  #watcher: SwarmTableWatcher | undefined = undefined
  #sweepRow = 0
  /** Latest time of a recorded state. */
  #latestMs = 0

  /** `siteOfPlace` gives the site index of each place index. */
  constructor(siteOfPlace: readonly number[], limits: SwarmTableLimits = swarmTableLimits) {
    this.#placement = new Placement(this.rows, siteOfPlace)
    this.#limits = limits
    this.relocation = new Relocation(this, this.#revisions, this.#placement, this.#emptied)
    const { rows } = this
    this.#byEndpoint = new RowIndex((row) => rows.endpointHash(row))
  }

  get swarmCount(): number {
    return this.#registry.size
  }

  get leases(): Leases {
    return this.#placement.leases
  }

  get placeCounts(): PlaceCounts {
    return this.#placement.counts
  }

  /** Bytes in typed arrays, without the objects of the swarms. */
  get bytes(): number {
    const { rows, introductions, clients, observed } = this
    return rows.bytes + observed.bytes + introductions.bytes + this.#byEndpoint.bytes + clients.bytes
  }

  swarms(): IterableIterator<Swarm> {
    return this.#registry.swarms()
  }

  swarm(infoHash: Buffer): Swarm | undefined {
    return this.#registry.get(infoHash)
  }

  swarmOf(row: number): Swarm {
    return this.#registry.at(this.rows.swarm(row))
  }

  siteOf(row: number): SiteSwarm {
    return this.#placement.siteOf(this.swarmOf(row), row)
  }

  leaseOf(row: number): LeasePlace {
    return { site: this.siteOf(row), row }
  }

  siteIndexOf(row: number): number {
    return this.#placement.siteIndexOf(row)
  }

  roleOf(row: number): Role {
    return this.#placement.roleOf(row)
  }

  /** The row of a peer, or -1. */
  find(swarm: Swarm, address: Address, port: number): number {
    const { rows } = this
    return this.#byEndpoint.find(
      indexHash.endpoint(swarm.index, address, port),
      (row) => rows.port(row) === port && rows.swarm(row) === swarm.index && rows.isAt(row, address),
    )
  }

  /**
   * Records a state of a peer at this place, unless a later one is known. Returns its row, or -1 if the state was not
   * recorded: a later state or stop is known, or the table is full. `found`: the result of `find`, if the caller has
   * it. `isCounted`: for a new row, see `ClientCounts`.
   */
  put(state: PeerState, place: number, found?: number, isCounted = true): number {
    const { rows } = this
    // One look-up only: the slowest part of an insertion.
    const there = found === undefined || found < 0 ? this.#registry.get(state.infoHash) : this.swarmOf(found)
    const known = found ?? (there === undefined ? -1 : this.find(there, state.address, state.port))
    if (known < 0) {
      if (this.tombstones.of(state.infoHash, state.address, state.port) >= state.lastSeenMs) return -1
    } else {
      const laterMs = state.lastSeenMs - rows.lastSeenMs(known, state.lastSeenMs)
      const order = laterMs === 0 ? compareStates(state, this.stateOf(known, state.lastSeenMs)) : laterMs
      if (order <= 0) return order === 0 ? known : -1
    }
    if (state.lastSeenMs > this.#latestMs) this.#latestMs = state.lastSeenMs
    const swarm = there ?? this.#create(state.infoHash, state.address)
    if (swarm === undefined) return -1
    const isUnverified = countsAsUnverified(this.observed, swarm, state, known)
    const row =
      known < 0 ? this.#insert(swarm, state, place, { isUnverifiedSeed: isUnverified, isCounted }) : known
    if (row < 0) return row
    if (known >= 0) {
      if (rows.place(row) !== place) this.#placement.move(swarm, row, place)
      if (rows.identity(row) !== state.identity) this.#changeIdentity(swarm, row, state.identity)
      this.#changeRole(swarm, row, state.role, isUnverified)
    }
    if (state.clientCode !== undefined) this.clientCodes.set(row, state.clientCode)
    writeRowState(rows, row, state)
    if (state.leftKib !== LEFT_UNKNOWN && state.leftKib > swarm.sizeKib) swarm.sizeKib = state.leftKib
    if (rows.has(row, flags.gateway))
      this.leases.noteProgress(this.leaseOf(row), swarm.sizeKib, state.lastSeenMs)
    if (this.observed.isUnreachable(row)) rows.setFlag(row, flags.unreachable, true)
    this.touch(row)
    return row
  }

  /** Reports a change of a peer outside its state: its lease, its upstream. */
  touch(row: number): void {
    this.changes.noteAt(this.swarmOf(row), this.siteIndexOf(row))
    this.changedRows.note(row)
    this.#watcher?.changed(this.swarmOf(row))
  }

  /** One watcher, which the table calls synchronously. */
  watch(watcher: SwarmTableWatcher): void {
    this.#watcher = watcher
  }

  /** An observation changed whether the `left=0` of this peer is reliable. `nearMs`: any time within weeks. */
  reassessSeed(row: number, nearMs: number): void {
    const state = this.stateOf(row, nearMs)
    const swarm = this.swarmOf(row)
    if (state.role === 'seed')
      this.#changeRole(swarm, row, 'seed', countsAsUnverified(this.observed, swarm, state, row))
  }

  /** `IndexHash.peer` of a row. */
  keyOf(row: number): number {
    const { rows } = this
    return indexHash.peer(this.swarmOf(row).infoHash, rows.address(row), rows.port(row))
  }

  /** The recorded state of a peer. `nearMs`: any time within weeks of its last announce. */
  stateOf(row: number, nearMs: number): PeerState {
    const { infoHash } = this.swarmOf(row)
    const clientCode = this.clientCodes.get(row)
    return readRowState(this.rows, row, { infoHash, role: this.roleOf(row), nearMs, clientCode })
  }

  /** Records that a peer stopped at this time. If it has returned since, links and leases from before still end. */
  stop(peer: Pick<PeerState, 'infoHash' | 'address' | 'port'>, atMs: number): void {
    this.tombstones.add(peer, atMs)
    const row = this.#findState(peer)
    if (row < 0) return
    if (this.rows.lastSeenMs(row, atMs) <= atMs) return this.remove(row, 'stopped')
    this.introductions.unlinkUntil(row, atMs)
    this.leases.forgetUpstream(this.swarmOf(row), row, atMs)
    const lease = this.leaseOf(row)
    if ((lease.site.gatewayOf(row)?.announcedAtMs ?? atMs + 1) <= atMs) this.leases.end(lease, 'stopped')
  }

  /** Raises the number of completions and the time of the last one; neither ever decreases. */
  complete(infoHash: Buffer, completions: Completions): void {
    const { count, lastAtMs } = this.completions.raise(infoHash, completions)
    const swarm = this.swarm(infoHash)
    if (swarm === undefined) return
    swarm.downloaded = count
    if (lastAtMs <= swarm.completedAtMs) return
    swarm.completedAtMs = lastAtMs
    verifySeeds(this, swarm, this.#latestMs)
  }

  /** Removes a peer and everything that depends on it. */
  remove(row: number, cause: 'stopped' | 'expired'): void {
    const swarm = this.swarmOf(row)
    this.touch(row)
    this.#watcher?.removing(row)
    this.#placement.detach(swarm, row, cause)
    this.introductions.unlinkAll(row)
    this.leases.forgetUpstream(swarm, row)
    const { rows } = this
    this.#byEndpoint.remove(rows.endpointHash(row), row)
    this.clients.remove(swarm, row, this.roleOf(row))
    this.observed.clear(row)
    this.sources.add(rows.sourceHash(row), -1)
    rows.release(row)
    swarm.rows--
    if (swarm.rows === 0) this.#drop(swarm)
  }

  /**
   * Scans up to `rowsMax` rows, removes those whose lifetime is over, and verifies the seeds of large swarms. Returns the
   * number of removed rows.
   */
  sweep(nowMs: number, rowsMax: number): number {
    const { rows } = this
    let expired = 0
    for (let unscanned = Math.min(rowsMax, rows.end); unscanned > 0; unscanned--) {
      if (this.#sweepRow >= rows.end) this.#sweepRow = 0
      const row = this.#sweepRow++
      if (!rows.isLive(row)) continue
      // Last seen in the future: the clock was set back. A peer that left must not stay for that long.
      if (rows.lastSeenMs(row, nowMs) > nowMs + AHEAD_MS_MAX)
        rows.setLastSeen(row, nowMs, rows.lifetimeSeconds(row))
      if (rows.isExpired(row, nowMs)) {
        this.remove(row, 'expired')
        expired++
      } else if (rows.has(row, flags.unverifiedSeed)) verifySweptSeed(this, this.swarmOf(row), row, nowMs)
    }
    return expired
  }

  /** Shifts every recorded time, after the clock itself was shifted by this much. Writes no row and no swarm. */
  shiftTime(byMs: number): void {
    const { rows, introductions, observed, tombstones, completions } = this
    for (const part of [rows, introductions, observed, tombstones, completions, this.#emptied])
      part.shiftTime(byMs)
    this.#revisions.add({ shiftedMs: byMs })
    this.#latestMs += byMs
  }

  /** Adds a host that is or was a gateway of a site, by a decision of this version. */
  rememberGatewayHost(
    infoHash: Buffer,
    site: number,
    lease: { readonly host: number; readonly version: number },
  ): void {
    const swarm = this.swarm(infoHash)
    if (swarm === undefined) this.#emptied.remember(infoHash, site, lease)
    else siteFor(swarm, site).rememberGatewayHost(lease.host, lease.version)
  }

  /** Version of the last decision about a host's lease; 0 for a host without one. */
  gatewayVersion(infoHash: Buffer, site: number, host: number): number {
    const swarm = this.swarm(infoHash)
    if (swarm === undefined) return this.#emptied.versionOf(infoHash, site, host)
    return swarm.site(site)?.gatewayHosts.get(host) ?? 0
  }

  #findState(peer: Pick<PeerState, 'infoHash' | 'address' | 'port'>): number {
    const swarm = this.#registry.get(peer.infoHash)
    return swarm === undefined ? -1 : this.find(swarm, peer.address, peer.port)
  }

  /** Returns -1 if the table is full. */
  #insert(
    swarm: Swarm,
    state: PeerState,
    place: number,
    { isUnverifiedSeed, isCounted }: { readonly isUnverifiedSeed: boolean; readonly isCounted: boolean },
  ): number {
    const { rows } = this
    if (rows.live >= this.#limits.peersMax && !this.eviction.makeRoomForRow(swarm, state.address)) {
      if (swarm.rows === 0) this.#drop(swarm)
      return -1
    }
    const row = rows.allocate(state.address, state.port, swarm.index)
    rows.setPlace(row, place)
    rows.setIdentity(row, state.identity)
    rows.setFlag(row, flags.seed, state.role === 'seed')
    rows.setFlag(row, flags.partial, state.role === 'partial')
    rows.setFlag(row, flags.unverifiedSeed, isUnverifiedSeed)
    swarm.rows++
    this.sources.add(rows.sourceHash(row), 1)
    this.#byEndpoint.add(rows.endpointHash(row), row)
    this.#placement.attach(swarm, row)
    if (isCounted) this.clients.add(swarm, row, state.role)
    else this.clients.leaveOut(row)
    return row
  }

  #drop(swarm: Swarm): void {
    this.#emptied.keep(swarm, this.#latestMs)
    this.#registry.drop(swarm)
  }

  #changeRole(swarm: Swarm, row: number, role: Role, isUnverifiedSeed: boolean): void {
    const { rows } = this
    const before = this.roleOf(row)
    if (before === role && rows.has(row, flags.unverifiedSeed) === isUnverifiedSeed) return
    this.clients.changeRole(swarm, row, before, role)
    this.#placement.detach(swarm, row, 'stopped')
    rows.setFlag(row, flags.seed, role === 'seed')
    rows.setFlag(row, flags.partial, role === 'partial')
    rows.setFlag(row, flags.unverifiedSeed, isUnverifiedSeed)
    this.#placement.attach(swarm, row)
    if (role === 'seed') this.#unlinkCompleteNeighbours(row)
  }

  /** Two complete peers have nothing to exchange. */
  #unlinkCompleteNeighbours(row: number): void {
    for (let index = this.introductions.count(row) - 1; index >= 0; index--) {
      const other = this.introductions.at(row, index)
      if (this.rows.has(other, flags.seed)) this.introductions.unlink(row, other)
    }
  }

  #changeIdentity(swarm: Swarm, row: number, identity: number): void {
    const role = this.roleOf(row)
    this.clients.remove(swarm, row, role)
    this.clientCodes.clear(row)
    this.rows.setIdentity(row, identity)
    this.clients.add(swarm, row, role)
  }

  /** undefined if the table is full. */
  #create(infoHash: Buffer, from: Address): Swarm | undefined {
    if (this.#registry.size >= this.#limits.swarmsMax && !this.eviction.makeRoomForSwarm(from))
      return undefined
    const swarm = this.#registry.create(infoHash)
    const { count, lastAtMs } = this.completions.get(infoHash)
    swarm.downloaded = count
    swarm.completedAtMs = lastAtMs
    this.#emptied.restore(swarm)
    return swarm
  }
}
