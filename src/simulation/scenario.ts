/**
 * A simulation scenario: one file, one source, hosts at sites, links with a speed, clients. Deterministic: the same
 * scenario gives the same run.
 */
import type { Topology } from '../topology/topology.ts'
import type { ClientModel } from './client-model.ts'

export interface Scenario {
  readonly topology: Topology
  /** By site index. The source is one of the hosts of its site. */
  readonly hostsOfSite: readonly number[]
  readonly sourceSite: number
  readonly sizeBytes: number
  /** Each direction of a host's link. */
  readonly nicBitsPerSecond: number
  /** By site index: each direction of the link between a site and all others. */
  readonly wanBitsPerSecond: readonly number[]
  /** Assigned to the hosts in turn. */
  readonly clients: readonly ClientModel[]
  readonly seed: number
  /** The hosts of a site start within this time of each other. */
  readonly startWithinSeconds: number
  /** By site index: start of its first host. The default is 0. */
  readonly siteStartSeconds?: readonly number[]
  readonly losses?: readonly Loss[]
  /** Number of pieces of the file; undefined: as many as the swarm size allows, see `pieceCount`. */
  readonly pieces?: number
}

/**
 * The host that has fetched most from other sites disappears once it has this share of the file; in a carried site, whose
 * hosts fetch from no other site, the host with the most pieces.
 */
export interface Loss {
  readonly site: number
  readonly atShare: number
}

/** Piece length of common torrent creators for files of several gibibytes. */
const PIECES_MAX = 1024
/** With fewer pieces, waiting for a whole piece at each hop is a visible part of the total. */
const PIECES_MIN = 128
/** Pieces × hosts that one core simulates within minutes. */
const TRANSFERS_MAX = 16_000_000
/** A piece is at least one block. */
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
 * Lower bound of the time of any plan: the file leaves the site of the source once, enters each site once, and
 * enters each host once.
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
