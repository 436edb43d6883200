/**
 * Reports about the torrents of a site that its nodes send to other sites, such as the progress of a rollout. Their content
 * is opaque here. The other sites keep the last report of each torrent.
 */
export interface SiteReports {
  /** Torrents with a report, by `infoHashKey`. Read lazily. */
  torrents(): Iterable<string>
  /** The current report, at most `REPORT_BYTES_MAX`; undefined if there is none any more. */
  encode(torrent: string): Buffer | undefined
  onChange(listener: (torrent: string) => void): void
  /** A report from a node of this site. False if it is malformed. */
  receive(site: string, report: Buffer): boolean
}

export const NO_REPORTS: SiteReports = {
  torrents: () => [],
  encode: () => undefined,
  onChange: () => {},
  receive: () => true,
}
