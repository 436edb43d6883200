/** The lease under which a peer receives peers of other sites. Only `Leases` writes it. */
export interface Gateway {
  readonly row: number
  /** Time of the grant. If there are too many leases, the earlier ones stay. */
  readonly sinceMs: number
  /** Version of the last decision about it; see `lease-version.ts`. */
  readonly version: number
  /** See `Leases`. */
  readonly isTentative: boolean
  /** Time of the peer's announce to which the lease belongs. A lease from before the peer stopped is void. */
  readonly announcedAtMs: number
  /** The peer of another site from which it fetches; -1 without one. */
  readonly upstreamRow: number
  /** Time of the upstream's announce to which the choice belongs. */
  readonly upstreamAnnouncedAtMs: number
  /** Upstreams without progress, which are tried again only after all others. */
  readonly failedUpstreamRows: readonly number[]
  /** Rank in the tree over the sites, set before it chooses an upstream; 0 before. See `tree-rank.ts`. */
  readonly treeRank: number
  /** KiB that it lacked at its last progress, and the time of it: at first those of its lease. Not replicated. */
  readonly progressLeftKib: number
  readonly progressAtMs: number
}
