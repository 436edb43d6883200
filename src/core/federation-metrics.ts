/** Protocol violations and other rejections between sites: counted where they are detected, shown by `observe`. */

/**
 * Reason of a rejection. `token`: missing or different federation token. `streams`: too many subscribers. `site`: a URL
 * that leads to another site. `version`: a protocol version that is neither ours nor adjacent. `size`: a message above
 * the size limit. `slow`: a subscriber that does not keep up. `torrent`: a registered torrent that could not be fetched
 * or stored. `override`: a hold or a rate that is dated in the future. `address`: peers outside the site's own addresses. `contacts`, `torrents`: more advertised peers or torrents
 * than fit. `garbage`: a malformed message. These are values of a metric label and keep their names.
 */
export const federationRefusals = [
  'token',
  'streams',
  'site',
  'version',
  'size',
  'slow',
  'torrent',
  'override',
  'address',
  'contacts',
  'torrents',
  'garbage',
] as const

export type FederationRefusal = (typeof federationRefusals)[number]
