/**
 * What fetching from origins reports about itself: `webseed` writes it, `observe` keeps it. `siteIndex` is the site
 * of the client, of the topology in force.
 */

/**
 * Why a request for content was turned away. `warm`: its site has a copy. `budget`: its site was given what it may
 * have. `busy`: another host fetched for its site until the client would have given up. `failed`: the origin could
 * not be read.
 */
export type OriginRefusal = 'warm' | 'budget' | 'busy' | 'failed'

export interface OriginMetrics {
  /** Bytes that were read from an origin for clients of this site. */
  originBytes(siteIndex: number, bytes: number): void
  /** Bytes that clients of this site have without the origin having served them. */
  originSaved(siteIndex: number, bytes: number): void
  originRefused(siteIndex: number, why: OriginRefusal): void
}
