/**
 * What is simulated: one file, one source, hosts at sites, links with a speed, clients. Completely determined:
 * the same scenario gives the same run.
 */
import type { Topology } from '../topology/topology.ts'
import type { ClientModel } from './client-model.ts'

export interface Scenario {
  readonly topology: Topology
  /** By site index. The source is one of its site's. */
  readonly hostsOfSite: readonly number[]
  readonly sourceSite: number
  readonly sizeBytes: number
  /** Each direction of a host's link. */
  readonly nicBitsPerSecond: number
  /** By site index: each direction of the link between a site and all others. */
  readonly wanBitsPerSecond: readonly number[]
  /** Host after host takes the next of these. */
  readonly clients: readonly ClientModel[]
  readonly seed: number
  /** The hosts of a site start within so many seconds of each other. */
  readonly startWithinSeconds: number
  /** By site index: when its first host starts. Sites that are not named start at 0. */
  readonly siteStartSeconds?: readonly number[]
  readonly losses?: readonly Loss[]
  /** Into how many pieces the file is cut; undefined: as many as the swarm allows, see `pieceCount`. */
  readonly pieces?: number
}

/** The host that has fetched most from other sites is gone for good once it holds this share of the file. */
export interface Loss {
  readonly site: number
  readonly atShare: number
}

/** What programs that make torrents choose for files of some gibibytes. */
const PIECES_MAX = 1024
/** Below this, waiting for a whole piece at each hop is a visible part of the whole. */
const PIECES_MIN = 128
/** Pieces times hosts: what is simulated within minutes on one core. */
const TRANSFERS_MAX = 16_000_000
/** No client makes pieces smaller than a block. */
const BLOCK_BYTES = 16_384

export function pieceCount(scenario: Scenario): number {
  if (scenario.pieces !== undefined) return scenario.pieces
  const affordable = Math.floor(TRANSFERS_MAX / hostCount(scenario))
  const wanted = Math.min(PIECES_MAX, Math.max(PIECES_MIN, affordable))
  return Math.max(1, Math.min(wanted, Math.ceil(scenario.sizeBytes / BLOCK_BYTES)))
}

export function hostCount(scenario: Scenario): number {
  return scenario.hostsOfSite.reduce((sum, hosts) => sum + hosts, 0)
}

/**
 * The least time any plan needs: the file leaves the source's site once, enters each site once, and enters each
 * host once.
 */
export function boundSeconds(scenario: Scenario): number {
  const { hostsOfSite, sourceSite, sizeBytes, nicBitsPerSecond, wanBitsPerSecond } = scenario
  const bits = sizeBytes * 8
  let slowest = nicBitsPerSecond
  for (const [site, hosts] of hostsOfSite.entries()) {
    const isCrossed = site === sourceSite ? hosts < hostCount(scenario) : hosts > 0
    if (isCrossed) slowest = Math.min(slowest, wanBitsPerSecond[site] ?? Infinity)
  }
  return bits / slowest
}
