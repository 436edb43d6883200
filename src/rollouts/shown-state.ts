/**
 * The state of a torrent at a site with what its rollout shows: hosts may exchange pieces, or download from a source that
 * announces late, so that a site is stranded once nothing moves.
 */
import { hasCopy } from '../handout/site-state.ts'
import type { Swarm } from '../swarm/swarm.ts'
import type { SiteReport } from './site-report.ts'

/** The sources of remote sites arrive by then. */
const STRANDED_MS_MIN = 5_000

interface Shown {
  /** Hosts of the site got content lately. */
  readonly isMoving: boolean
  /** A source, or a gateway or carrier with an upstream. */
  readonly hasUpstream: boolean
  /** Since the start of its first host. */
  readonly waitsMs: number
}

/** `state`: from the sources in the swarm alone. */
export function shownState(
  state: SiteReport['state'],
  { isMoving, hasUpstream, waitsMs }: Shown,
): SiteReport['state'] {
  if (state === 'stranded') return isMoving ? 'filling' : 'stranded'
  if (state !== 'filling' || isMoving || hasUpstream) return state
  return waitsMs >= STRANDED_MS_MIN ? 'stranded' : 'filling'
}

/** A complete copy at any site, or an origin. */
export function hasSource(hasOrigin: boolean, swarms: readonly Swarm[]): boolean {
  return hasOrigin || swarms.some((swarm) => swarm.sites.some((site) => hasCopy(swarm, site)))
}

/** A gateway or carrier without an upstream waits for a source, as its hosts do. */
export function fetches(gateway: SiteReport['gateway'], carrier: SiteReport['carrier']): boolean {
  return (gateway?.upstream ?? carrier?.upstreamSite ?? null) !== null
}
