/** What sites turn away from each other: `federation` and `tracker` count it, `observe` shows it. */

/**
 * Why something of another site was turned away. `token`: it did not show ours. `streams`: too many of them already.
 * `site`: another site than the one whose URL it is. `version`: neither ours nor next to it. `size`: a message beyond
 * all limits. `slow`: a reader that does not keep up. `torrent`: a registered torrent that could not be taken over.
 * `address`: peers that are not its own. `contacts`, `torrents`: more of them than fit. `garbage`: what cannot be read.
 */
export const federationRefusals = [
  'token',
  'streams',
  'site',
  'version',
  'size',
  'slow',
  'torrent',
  'address',
  'contacts',
  'torrents',
  'garbage',
] as const

export type FederationRefusal = (typeof federationRefusals)[number]
