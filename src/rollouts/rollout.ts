/**
 * One rollout: a torrent, the reports of its sites, and the part that this node measures. Its state follows from the
 * reports alone, so that nodes with the same reports agree.
 */
import type { ExpectedHosts } from './expected-hosts.ts'
import type { RolloutState } from './rollout-states.ts'
import type { SiteReport } from './site-report.ts'
import { SiteRollout } from './site-rollout.ts'

/** The torrent of a rollout. */
export interface RolloutTorrent {
  readonly infoHashes: readonly Buffer[]
  readonly name: string
  readonly sizeBytes: number
  readonly registeredAtMs: number
  /** Source of the content outside of the swarm. */
  readonly origin?: string | undefined
}

/** Numbers that an operator set for this torrent. The later setting replaces the earlier one at every site. */
export interface Expectation {
  readonly hosts: ExpectedHosts
  /** 0: none was set. */
  readonly atMs: number
}

const NO_EXPECTATION: Expectation = { hosts: {}, atMs: 0 }

export class Rollout {
  torrent: RolloutTorrent
  expectation: Expectation = NO_EXPECTATION
  /** Events that were reported, so that each is reported once. */
  readonly reported = new Set<string>()
  /** The torrent is not registered any more. */
  removedAtMs: number | undefined = undefined
  /** By site: measured here, or by a node of the site. */
  readonly reports = new Map<string, SiteReport>()
  /** Of sites without nodes, as nodes of other sites see them. */
  readonly offered = new Map<string, SiteReport>()
  readonly #measured = new Map<string, SiteRollout>()

  constructor(torrent: RolloutTorrent) {
    this.torrent = torrent
  }

  /** Of the first infohash. */
  get infoHash(): string {
    return (this.torrent.infoHashes[0] as Buffer).toString('hex')
  }

  /** The part of a site that this node measures. */
  at(site: string): SiteRollout {
    let measured = this.#measured.get(site)
    if (measured === undefined) this.#measured.set(site, (measured = new SiteRollout(site)))
    return measured
  }

  hasMeasured(site: string): boolean {
    return this.#measured.has(site)
  }

  measured(): Iterable<SiteRollout> {
    return this.#measured.values()
  }
}

/** `reports`: of all sites that have one. A site without hosts and without a number of expected ones does not count. */
export function stateOf(reports: readonly SiteReport[]): RolloutState {
  const awaited = reports.filter(({ hosts }) => hosts.seen > 0 || (hosts.expected ?? 0) > 0)
  if (awaited.every(({ hosts }) => hosts.seen === 0))
    return awaited.some(({ isHeld }) => isHeld) ? 'held' : 'waiting'
  const waiting = awaited.filter(({ isComplete }) => !isComplete)
  if (waiting.length === 0) return 'complete'
  if (waiting.every(({ isHeld }) => isHeld)) return 'held'
  return waiting.some(({ state, isHeld }) => state === 'stranded' && !isHeld) ? 'stranded' : 'running'
}
