/**
 * The keys in Redis. All keys of a site have one hash tag, so that a Cluster keeps them in one slot and a script may use
 * several. docs/reference/redis.md lists them for operators.
 */

export interface SiteKeys {
  /** Stream: announces and decisions of the nodes, as batches. */
  readonly log: string
  /** String: chosen at random when the log starts. Another value means another log. */
  readonly epoch: string
  /** Hash: infohash in hex → number of completions. */
  readonly completions: string
  /** Sorted set: infohash → the change that made its count, so that nodes read only new counts. */
  readonly completionChanges: string
  /** Sorted set: infohash and client → until when it is not counted again. */
  readonly completionClients: string
  /** Hash: infohash in hex → description of the torrent, JSON. */
  readonly torrents: string
  /** Hash: infohash in hex → the .torrent file. */
  readonly torrentFiles: string
  /** Hash: `id` of this collection of torrents, and the `version` that increases with each change. */
  readonly torrentState: string
  /** Hash: key → text of a document. */
  readonly documents: string
  /** Sorted set: key of a document → its last change, so that nodes read only changed documents. */
  readonly documentChanges: string
  /** Hash: override → time in milliseconds and value; and the `version` that increases with each change. */
  readonly overrides: string
  /** Hash: the `current` secret, the `previous` one, and `changedAt` in milliseconds. */
  readonly secrets: string
  /** Sorted set: peer that may fetch a torrent for a site → until when. */
  lease(infoHash: Buffer, site: string): string
}

export function siteKeys(site: string): SiteKeys {
  const prefix = `siteswarm:{${site}}:`
  return {
    log: `${prefix}log`,
    epoch: `${prefix}epoch`,
    completions: `${prefix}completions`,
    completionChanges: `${prefix}completion-changes`,
    completionClients: `${prefix}completion-clients`,
    torrents: `${prefix}torrents`,
    torrentFiles: `${prefix}torrent-files`,
    torrentState: `${prefix}torrent-state`,
    documents: `${prefix}documents`,
    documentChanges: `${prefix}document-changes`,
    overrides: `${prefix}overrides`,
    secrets: `${prefix}secrets`,
    lease: (infoHash, of) => `${prefix}lease:${infoHash.toString('hex')}:${of}`,
  }
}
