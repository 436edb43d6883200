/**
 * Metrics of origin fetches: `webseed` reports them, `observe` stores them. `siteIndex` is the site of the client in
 * the current topology.
 */

/**
 * Reason for rejecting a request for content. `warm`: its site has a copy. `budget`: the byte budget of its site is
 * exhausted. `busy`: another host of its site was fetching until the client's timeout was near. `failed`: the origin
 * could not be read. `not-found`: the torrent has no file of that name.
 */
export type OriginRefusal = 'warm' | 'budget' | 'busy' | 'failed' | 'not-found'

export interface OriginMetrics {
  /** Bytes read from an origin for clients of this site. */
  originBytes(siteIndex: number, bytes: number): void
  /** Bytes that clients of this site obtained without the origin. */
  originSaved(siteIndex: number, bytes: number): void
  originRefused(siteIndex: number, cause: OriginRefusal): void
}
