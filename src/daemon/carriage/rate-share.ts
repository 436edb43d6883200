/**
 * Share of the rate of a link that one of several nodes of the sending site may use: that of its torrents among those which
 * the other site lacks. Each node computes it from the same shared state, and asks no other.
 */

export interface CarriedByNodes {
  /** Torrents that this node carries. */
  readonly own: Iterable<Buffer>
  /** Torrents that the other nodes of the site carry. */
  readonly others: Iterable<Buffer>
}

/** `isLacking`: hosts of the other site lack pieces of the torrent. */
export function rateShare({ own, others }: CarriedByNodes, isLacking: (infoHash: Buffer) => boolean): number {
  const otherTorrents = [...others]
  if (otherTorrents.length === 0) return 1
  const ownLacking = [...own].filter(isLacking).length
  const otherLacking = otherTorrents.filter(isLacking).length
  if (otherLacking === 0) return 1
  // A torrent may be carried before the other site reports its hosts: it gets its share from the beginning.
  const counted = Math.max(1, ownLacking)
  return counted / (counted + otherLacking)
}
