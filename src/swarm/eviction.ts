/**
 * The row or swarm that a full table drops for a new one: of the source with the most rows, as far as a sample shows.
 *
 * Threat: one host announces any number of infohashes or ports. If age or size decided, it would replace the seeds of
 * other hosts. By the number of rows of a source, it replaces its own rows, and is rejected where the sample has none of
 * them. A source is never dropped for one that would then have as many rows, so that many hosts with one row each take no
 * place either. The last seed of a registered torrent is never dropped.
 *
 * A source that has a share of the table is missing in the sample with a probability of (1 - share)^64: one in a thousand
 * for a tenth of it.
 */
import type { Address } from '../core/address.ts'
import { indexHash } from './index-hash.ts'
import type { PeerRows } from './peer-rows.ts'
import { flags } from './peer-rows.ts'
import { Sample } from './sample.ts'
import type { SourceCounts } from './source-counts.ts'
import type { Swarm } from './swarm.ts'
import type { SwarmRegistry } from './swarm-registry.ts'

const SAMPLE = 64

/** Rows that a source has more than the one of the new row, or it keeps its own. */
const MORE_ROWS = 2

/** Rows of a swarm that are compared: all of those that a host creates with one announce for each infohash. */
const ROWS_COMPARED = 4

/** The part of the table that it needs. */
export interface EvictedTable {
  readonly rows: PeerRows
  readonly sources: SourceCounts
  remove(row: number, cause: 'expired'): void
}

export class Eviction {
  readonly #table: EvictedTable
  readonly #registry: SwarmRegistry
  readonly #sample = new Sample()
  #peers = 0
  /** Whether a torrent is registered. */
  isRegistered: (infoHash: Buffer) => boolean = () => false

  constructor(table: EvictedTable, registry: SwarmRegistry) {
    this.#table = table
    this.#registry = registry
  }

  /** Number of peers that were dropped. */
  get peers(): number {
    return this.#peers
  }

  /** Drops a row for a new one of this swarm and address. False if there is none to drop. */
  makeRoomForRow(swarm: Swarm, from: Address): boolean {
    const row = this.#rowFor(swarm, indexHash.source(from))
    if (row >= 0) this.#drop(row)
    return row >= 0
  }

  /** Drops a swarm for a new one of this address. False if there is none to drop. */
  makeRoomForSwarm(from: Address): boolean {
    const swarm = this.#swarmFor(indexHash.source(from))
    for (const site of swarm?.sites ?? [])
      for (const list of site.lists) while (list.length > 0) this.#drop(list.head)
    return swarm !== undefined
  }

  #drop(row: number): void {
    this.#peers++
    this.#table.remove(row, 'expired')
  }

  /** The row to drop for a new one of this swarm and source; -1 if the sample has none. */
  #rowFor(swarm: Swarm, source: number): number {
    const { rows } = this.#table
    let heaviest = -1
    let most = 0
    let smallest = Number.POSITIVE_INFINITY
    for (let scanned = 0; scanned < SAMPLE && rows.end > 0; scanned++) {
      const row = this.#sample.below(rows.end)
      if (!rows.isLive(row)) continue
      const weight = this.#weightOf(rows.sourceHash(row), source)
      if (weight < Math.max(most, 1)) continue
      const its = this.#registry.at(rows.swarm(row))
      if ((weight === most && its.rows >= smallest) || this.#isKept(its, row)) continue
      // The new row needs its swarm, which is dropped with its last row.
      if (its === swarm && swarm.rows === 1) continue
      heaviest = row
      most = weight
      smallest = its.rows
    }
    return heaviest
  }

  /** The swarm to drop for a new one of this source; undefined if the sample has none. */
  #swarmFor(source: number): Swarm | undefined {
    let heaviest: Swarm | undefined
    let most = 0
    for (const swarm of this.#registry.sample(SAMPLE)) {
      const weight = this.#weightOfSwarm(swarm, source)
      if (weight < Math.max(most, 1) || this.#hasKeptSeed(swarm)) continue
      if (weight === most && heaviest !== undefined && swarm.rows > heaviest.rows) continue
      heaviest = swarm
      most = weight
    }
    return heaviest
  }

  /** Rows of `its`; 0 where they are too few to be dropped for a row of `source`. */
  #weightOf(its: number, source: number): number {
    const { sources } = this.#table
    const count = sources.of(its)
    return its === source || count >= sources.of(source) + MORE_ROWS ? count : 0
  }

  /** That of the lightest source among the first few peers: a swarm of several hosts has a light one. */
  #weightOfSwarm(swarm: Swarm, source: number): number {
    const { rows } = this.#table
    let least = Number.POSITIVE_INFINITY
    let compared = 0
    for (const site of swarm.sites)
      for (const list of site.lists)
        for (const row of list.all(rows)) {
          least = Math.min(least, this.#weightOf(rows.sourceHash(row), source))
          if (++compared === ROWS_COMPARED) return least
        }
    return least
  }

  #isKept(swarm: Swarm, row: number): boolean {
    return this.#table.rows.has(row, flags.seed) && seedsOf(swarm) === 1 && this.isRegistered(swarm.infoHash)
  }

  #hasKeptSeed(swarm: Swarm): boolean {
    return seedsOf(swarm) > 0 && this.isRegistered(swarm.infoHash)
  }
}

function seedsOf(swarm: Swarm): number {
  let seeds = 0
  for (const site of swarm.sites) seeds += site.seeds
  return seeds
}
