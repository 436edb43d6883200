/**
 * The names of everything in Redis. All keys of a site have one hash tag, so that a Cluster keeps them in one place
 * and one script may use several. docs/reference/redis.md lists them for operators.
 */

export interface SiteKeys {
  /** Stream: what the nodes heard and decided, as batches. */
  readonly log: string
  /** String: chosen at random when the log began. Another one: the log is another one. */
  readonly epoch: string
  /** Hash: infohash in hex → how often it was completed. */
  readonly completions: string
  /** Sorted set: infohash → the change that made its count, for who reads only what is new. */
  readonly completionChanges: string
  /** Sorted set: infohash and client → until when it is not counted again. */
  readonly completionClients: string
  /** Hash: infohash in hex → what is known of the torrent, JSON. */
  readonly torrents: string
  /** Hash: infohash in hex → the .torrent file. */
  readonly torrentFiles: string
  /** Hash: `id` of this collection of torrents, and the `version` that grows with each change. */
  readonly torrentState: string
  /** Hash: the `current` secret, the `previous` one, and `changedAt` in milliseconds. */
  readonly secrets: string
  /** Sorted set: who holds the right to fetch a torrent for a site, until when. */
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
    secrets: `${prefix}secrets`,
    lease: (infoHash, of) => `${prefix}lease:${infoHash.toString('hex')}:${of}`,
  }
}
