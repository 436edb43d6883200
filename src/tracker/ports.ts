/** What only an announce needs from outside the tracker. Implementations answer from memory and never throw. */

/** Decides whether a torrent is served here. */
export interface TorrentAdmission {
  admits(infoHash: Buffer): boolean
}
