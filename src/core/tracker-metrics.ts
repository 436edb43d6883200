/**
 * Metrics of the announce path. Defined here because `tracker` reports them, `observe` stores them, and neither
 * imports the other.
 *
 * Every method is called thousands of times a second: an implementation only adds to plain numbers. `siteIndex` is
 * `Site.index` of the peer's site in the current topology.
 */
import type { AnnounceEvent } from './announce.ts'
import type { RefusalCode } from './errors.ts'

export type Protocol = 'http' | 'udp'

/** Distance between a peer that is handed out and the requester. The metric label is `ring`. */
export type Locality = 'bubble' | 'site' | 'remote'

/**
 * Reason for a new gateway of a torrent at a site. `first`: the site had none yet. `stopped`, `expired`, `stalled`: it
 * replaces a gateway that did so. `unreachable`: it
 * replaces a gateway that does not accept connections. `added`: an additional one. `surplus`: it replaces one that was too many, because two
 * nodes chose a gateway each while they could not reach each other.
 */
export type ElectionCause = 'first' | 'stopped' | 'expired' | 'stalled' | 'added' | 'surplus' | 'unreachable'

export interface TrackerMetrics {
  /** An announce answered with a list of peers, possibly empty. */
  announce(siteIndex: number, protocol: Protocol, event: AnnounceEvent): void
  /** A rejected announce or scrape. */
  refusal(code: RefusalCode): void
  /** Number of peers of one locality in one response. */
  handout(siteIndex: number, locality: Locality, peers: number): void
  election(siteIndex: number, cause: ElectionCause): void
  /** A peer without progress was handed another source. */
  rescue(siteIndex: number): void
  /** Bytes a peer downloaded since its last announce; `isGateway` if its host is or was a gateway of that torrent. */
  downloaded(siteIndex: number, bytes: number, isGateway: boolean): void
  /** A peer completed its download; counted once per peer and torrent. */
  completion(siteIndex: number): void
  /** Time from the observed loss of a gateway to the first new piece of its successor. */
  gatewayReplaced(seconds: number): void
  /** Time to compute one response. */
  duration(seconds: number): void
}

/** Counts nothing: for simulations and benchmarks, and as the base of metrics that count a part. */
export const noMetrics: TrackerMetrics = {
  announce: () => {},
  refusal: () => {},
  handout: () => {},
  election: () => {},
  rescue: () => {},
  downloaded: () => {},
  completion: () => {},
  gatewayReplaced: () => {},
  duration: () => {},
}
