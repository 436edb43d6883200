/**
 * What the announce path reports about itself. Here and not in `observe`, because `tracker` writes it, `observe`
 * keeps it, and neither may know the other.
 *
 * Every method is called thousands of times a second: an implementation adds to plain numbers and does nothing
 * else. `siteIndex` is `Site.index` of the site of the peer, of the topology in force.
 */
import type { AnnounceEvent } from './announce.ts'
import type { RefusalCode } from './errors.ts'

export type Protocol = 'http' | 'udp'

/** How far a peer that was handed out is from the peer that asked. */
export type Ring = 'bubble' | 'site' | 'remote'

/**
 * Why a site has a new gateway for a torrent. `first`: it had none yet. `stopped`, `expired`, `stalled`: what the
 * gateway before it did. `added`: one more beside those that are there. `surplus`: the one before
 * was one too many, chosen by two nodes that could not ask each other.
 */
export type ElectionCause = 'first' | 'stopped' | 'expired' | 'stalled' | 'added' | 'surplus'

export interface TrackerMetrics {
  /** An announce that was answered with peers, possibly none. */
  announce(siteIndex: number, protocol: Protocol, event: AnnounceEvent): void
  /** An announce or scrape that was turned away. */
  refusal(code: RefusalCode): void
  /** So many peers of one ring were in one answer. */
  handout(siteIndex: number, ring: Ring, peers: number): void
  election(siteIndex: number, cause: ElectionCause): void
  /** A peer without progress was given a fresh source. */
  rescue(siteIndex: number): void
  /** What a peer downloaded since its last announce; `isGateway` if its host is or was a gateway of that torrent. */
  downloaded(siteIndex: number, bytes: number, isGateway: boolean): void
  /** A peer has finished; counted once for each peer and torrent. */
  completion(siteIndex: number): void
  /** How long it took to decide on one answer. */
  duration(seconds: number): void
}
