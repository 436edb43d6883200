/**
 * Who is in which torrent: the table that every announce reads and writes.
 *
 * Rows are typed words (`peer-rows.ts`), grouped by swarm, site, bubble and role, so that a random sample costs
 * what it returns. Everything that ends with a peer ends here: its introductions, its lease, its place as
 * somebody's upstream. Nothing has a timer; `sweep` is called with as much work as the caller can spare.
 */
import type { Address } from '../core/address.ts'
import { Refusal } from '../core/errors.ts'
import type { ElectionCause } from '../core/tracker-metrics.ts'
import { ClientCounts } from './client-counts.ts'
import { CompletionCounts } from './completion-counts.ts'
import { Introductions } from './introductions.ts'
import { hashAddress, hashEndpoint } from './peer-hash.ts'
import { flags, LEFT_UNKNOWN, PeerRows } from './peer-rows.ts'
import type { PlaceCounts } from './place-counts.ts'
import { Placement, type PlacesAfter } from './placement.ts'
import { RowIndex, ROWS_MAX } from './row-index.ts'
import type { Gateway, Role, SiteSwarm, Swarm } from './swarm.ts'
import { SwarmRegistry } from './swarm-registry.ts'

/** One announce, as far as the table is concerned. */
export interface Sighting {
  readonly infoHash: Buffer
  readonly address: Address
  readonly port: number
  /** Index of the place where the topology puts the address. */
  readonly place: number
  /** See `hashIdentity`. */
  readonly identity: number
  readonly role: Role
  /** KiB, rounded up; `LEFT_UNKNOWN` where the peer did not say. */
  readonly leftKib: number
  readonly downloadedKib: number
  readonly nowMs: number
  readonly lifetimeSeconds: number
  /** False: counted, never handed out. */
  readonly isReachable: boolean
  /** `left=0` of the kind that magnet clients send. */
  readonly isDoubtful: boolean
  /** Passes hardly anything on before it is complete. */
  readonly isSlowToForward: boolean
}

export interface Observed {
  readonly swarm: Swarm
  readonly site: SiteSwarm
  readonly row: number
  /** Whether this announce took the client from leecher to seed; once a client and torrent. */
  readonly hasCompleted: boolean
  /** KiB since its last announce. */
  readonly downloadedKib: number
  /** Whether its host held its site's lease before this announce, now or once: clients never forget a peer. */
  readonly isGatewayHost: boolean
}

export interface SwarmTableLimits {
  readonly peersMax: number
  readonly swarmsMax: number
}

/** As many rows as an index entry can name, about a gibibyte; and as much again in swarms of one peer each. */
const LIMITS: SwarmTableLimits = { peersMax: ROWS_MAX, swarmsMax: 1_000_000 }

/** An announce in a row counts as one without progress from a quarter of the interval on, which is half a lifetime. */
const STALLS_PER_LIFETIME = 8

/** How far the clocks of two nodes are apart at the very worst; more than that, and the clock was set back. */
const AHEAD_MS_MAX = 60_000

export class SwarmTable {
  readonly rows = new PeerRows()
  readonly introductions = new Introductions(this.rows)
  readonly completions = new CompletionCounts()
  readonly #registry = new SwarmRegistry()
  readonly #byEndpoint: RowIndex
  readonly #clients = new ClientCounts(this.rows, (row) => this.roleOf(row))
  readonly #limits: SwarmTableLimits
  readonly #placement: Placement
  #sweepRow = 0
  #evicted = 0

  /** `siteOfPlace` gives the site index of each place index. */
  constructor(siteOfPlace: readonly number[], limits: SwarmTableLimits = LIMITS) {
    this.#placement = new Placement(this.rows, siteOfPlace)
    this.#limits = limits
    const { rows } = this
    this.#byEndpoint = new RowIndex((row) => hashEndpoint(rows.swarm(row), rows.address(row), rows.port(row)))
  }

  get swarmCount(): number {
    return this.#registry.size
  }

  get placeCounts(): PlaceCounts {
    return this.#placement.counts
  }

  /** Swarms dropped because the table was full. */
  get evictedSwarms(): number {
    return this.#evicted
  }

  /** Bytes in typed arrays; the objects of the swarms come on top. */
  get bytes(): number {
    return this.rows.bytes + this.introductions.bytes + this.#byEndpoint.bytes + this.#clients.bytes
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
      hashEndpoint(swarm.index, address, port),
      (row) => rows.port(row) === port && rows.swarm(row) === swarm.index && rows.isAt(row, address),
    )
  }

  /** Records what a peer said of itself. A peer that is new, or at a new place, is where it says from now on. */
  observe(sighting: Sighting): Observed {
    const swarm = this.#swarmFor(sighting.infoHash)
    const { rows } = this
    const known = this.find(swarm, sighting.address, sighting.port)
    const row = known < 0 ? this.#insert(swarm, sighting) : known
    const wasSeed = known >= 0 && rows.has(row, flags.seed)
    const downloadedKib = known < 0 ? 0 : progressKib(rows.downloadedKib(row), sighting.downloadedKib)
    const isGatewayHost =
      downloadedKib > 0 && this.siteOf(row).gatewayHosts.has(hashAddress(rows.address(row)))

    if (known >= 0) {
      this.#countStalls(row, sighting)
      if (rows.place(row) !== sighting.place) this.#move(swarm, row, sighting.place)
      if (rows.identity(row) !== sighting.identity) this.#changeIdentity(swarm, row, sighting.identity)
      this.#changeRole(swarm, row, sighting)
    }
    rows.setHeard(row, sighting.nowMs, sighting.lifetimeSeconds)
    rows.setLeftKib(row, sighting.leftKib)
    rows.setDownloadedKib(row, sighting.downloadedKib)
    rows.setFlag(row, flags.unreachable, !sighting.isReachable)
    rows.setFlag(row, flags.slowToForward, sighting.isSlowToForward)

    const isCounted = rows.clientOrder(row) === 0
    const hasCompleted = known >= 0 && !wasSeed && sighting.role === 'seed' && isCounted
    if (hasCompleted) {
      swarm.downloaded = this.completions.add(swarm.infoHash)
      this.#trustSeeds(swarm)
    }
    return { swarm, site: this.siteOf(row), row, hasCompleted, downloadedKib, isGatewayHost }
  }

  /** Forgets a peer and all that depended on it. */
  remove(row: number, cause: 'stopped' | 'expired'): void {
    const swarm = this.swarmOf(row)
    this.#placement.detach(swarm, row, cause)
    this.introductions.unlinkAll(row)
    swarm.forgetUpstream(row)
    const { rows } = this
    this.#byEndpoint.remove(hashEndpoint(swarm.index, rows.address(row), rows.port(row)), row)
    this.#clients.remove(swarm, row, this.roleOf(row))
    rows.release(row)
    swarm.rows--
    if (swarm.rows === 0) this.#registry.drop(swarm)
  }

  /** Looks at up to `rowsMax` rows and forgets those whose lifetime is over. Returns how many it forgot. */
  sweep(nowMs: number, rowsMax: number): number {
    const { rows } = this
    let expired = 0
    for (let looked = Math.min(rowsMax, rows.end); looked > 0; looked--) {
      if (this.#sweepRow >= rows.end) this.#sweepRow = 0
      const row = this.#sweepRow++
      if (!rows.isLive(row)) continue
      // Heard in the future: the clock was set back. Whoever is gone must not stay for as long as that was.
      if (rows.heardAtMs(row, nowMs) > nowMs + AHEAD_MS_MAX)
        rows.setHeard(row, nowMs, rows.lifetimeSeconds(row))
      if (rows.isExpired(row, nowMs)) {
        this.remove(row, 'expired')
        expired++
      }
    }
    return expired
  }

  /** Time itself moved by this much: everything that was noted moves along. */
  shiftTime(byMs: number): void {
    const { rows } = this
    for (let row = 0; row < rows.end; row++)
      if (rows.isLive(row)) rows.setHeard(row, rows.heardAtMs(row, 0) + byMs, rows.lifetimeSeconds(row))
  }

  grantLease(row: number): Gateway {
    return this.#placement.grantLease(this.swarmOf(row), row)
  }

  /** Does nothing to a peer without a lease. */
  endLease(row: number, cause: ElectionCause): void {
    this.#placement.endLease(this.swarmOf(row), row, cause)
  }

  /** Puts every peer where another topology says it is, and forgets those that belong nowhere any more. */
  remap(topology: PlacesAfter): void {
    const { rows } = this
    for (let row = 0; row < rows.end; row++)
      if (rows.isLive(row) && topology.locate(rows.address(row)) < 0) this.remove(row, 'stopped')
    this.#placement.remap(this.#registry.swarms(), topology)
  }

  #insert(swarm: Swarm, sighting: Sighting): number {
    if (this.rows.live >= this.#limits.peersMax && !this.#evict(swarm)) {
      if (swarm.rows === 0) this.#registry.drop(swarm)
      throw new Refusal('TRK_OVERLOADED')
    }
    const { rows } = this
    const row = rows.allocate(sighting.address, sighting.port, swarm.index)
    rows.setPlace(row, sighting.place)
    rows.setIdentity(row, sighting.identity)
    rows.setFlag(row, flags.seed, sighting.role === 'seed')
    rows.setFlag(row, flags.partial, sighting.role === 'partial')
    rows.setFlag(row, flags.doubtful, sighting.isDoubtful)
    swarm.rows++
    this.#byEndpoint.add(hashEndpoint(swarm.index, sighting.address, sighting.port), row)
    this.#placement.attach(swarm, row)
    this.#clients.add(swarm, row, sighting.role)
    return row
  }

  #move(swarm: Swarm, row: number, place: number): void {
    this.#placement.detach(swarm, row, 'stopped')
    this.rows.setPlace(row, place)
    this.#placement.attach(swarm, row)
  }

  #changeRole(swarm: Swarm, row: number, sighting: Sighting): void {
    const { rows } = this
    const before = this.roleOf(row)
    if (before === sighting.role && rows.has(row, flags.doubtful) === sighting.isDoubtful) return
    this.#clients.changeRole(swarm, row, before, sighting.role)
    this.#placement.detach(swarm, row, 'stopped')
    rows.setFlag(row, flags.seed, sighting.role === 'seed')
    rows.setFlag(row, flags.partial, sighting.role === 'partial')
    rows.setFlag(row, flags.doubtful, sighting.isDoubtful)
    if (before !== 'seed' && sighting.role === 'seed') rows.setFlag(row, flags.proven, true)
    this.#placement.attach(swarm, row)
    if (sighting.role === 'seed') this.#forgetCompleteNeighbours(row)
  }

  /** Two complete peers have nothing to tell each other. */
  #forgetCompleteNeighbours(row: number): void {
    for (let index = this.introductions.count(row) - 1; index >= 0; index--) {
      const other = this.introductions.at(row, index)
      if (this.rows.has(other, flags.seed)) this.introductions.unlink(row, other)
    }
  }

  /** Somebody finished, so content was there to be had: whoever still says `left=0` now has it. */
  #trustSeeds(swarm: Swarm): void {
    for (const site of swarm.sites) {
      if (site.doubtfulSeeds === 0) continue
      site.doubtfulSeeds = 0
      for (const seeds of site.listsOf('seed'))
        for (const row of seeds.all(this.rows)) this.rows.setFlag(row, flags.doubtful, false)
    }
  }

  /**
   * An announce in a row without progress. One that follows sooner than a quarter of the time until the next is
   * due says nothing: clients announce to several tiers of the same node within a second.
   */
  #countStalls(row: number, sighting: Sighting): void {
    const { rows } = this
    const hasProgress =
      sighting.leftKib < rows.leftKib(row) || sighting.role === 'seed' || rows.leftKib(row) === LEFT_UNKNOWN
    if (hasProgress) rows.setStalls(row, 0)
    else if (
      sighting.nowMs - rows.heardAtMs(row, sighting.nowMs) >=
      (rows.lifetimeSeconds(row) * 1000) / STALLS_PER_LIFETIME
    )
      rows.setStalls(row, rows.stalls(row) + 1)
  }

  #changeIdentity(swarm: Swarm, row: number, identity: number): void {
    const role = this.roleOf(row)
    this.#clients.remove(swarm, row, role)
    this.rows.setIdentity(row, identity)
    this.#clients.add(swarm, row, role)
  }

  #swarmFor(infoHash: Buffer): Swarm {
    const known = this.#registry.get(infoHash)
    if (known !== undefined) return known
    if (this.#registry.size >= this.#limits.swarmsMax) this.#evict(undefined)
    const swarm = this.#registry.create(infoHash)
    swarm.downloaded = this.completions.get(infoHash)
    return swarm
  }

  /** Makes room: the emptiest of a few swarms goes, with all its peers. False where there is no other swarm. */
  #evict(spared: Swarm | undefined): boolean {
    const emptiest = this.#registry.emptiestOfSome(spared)
    if (emptiest === undefined) return false
    this.#evicted++
    for (const site of emptiest.sites)
      for (const list of site.lists) while (list.length > 0) this.remove(list.head, 'expired')
    return true
  }
}

/** Counters restart at `started`, so a smaller one than before is all new. */
function progressKib(beforeKib: number, nowKib: number): number {
  return nowKib >= beforeKib ? nowKib - beforeKib : nowKib
}
