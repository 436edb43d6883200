/**
 * What a peer id tells of the client behind it: when it will really announce again, and whether its `left=0` can
 * be believed. Measured and read in the clients' sources; anybody else is taken at his word.
 */

export interface ClientProfile {
  /** The client announces no sooner than this, whatever it is told. */
  readonly announceSecondsMin: number
  /** Announces `left=0` for a magnet of which it has nothing yet. */
  readonly announcesMagnetsAsComplete: boolean
  /**
   * Passes hardly anything on before it is complete, so that each step of a chain of such clients costs the whole
   * download anew: Transmission unchokes and asks in rounds of ten seconds (measured: docs/measurements.md).
   */
  readonly isSlowToForward: boolean
  /** Hangs up on a neighbour that finishes before it has its last piece (libtorrent's "upload-only" rule). */
  readonly dropsFinishers: boolean
  /** Learns from its own kind only what they had when they met; see `handout/bitfield-only-clients.ts`. */
  readonly isBitfieldOnly: boolean
  /** Keeps `completed` for its next announce; see `silent-finishers.ts`. */
  readonly reportsCompletionLate: boolean
}

const UNKNOWN: ClientProfile = {
  announceSecondsMin: 0,
  announcesMagnetsAsComplete: false,
  isSlowToForward: false,
  dropsFinishers: false,
  isBitfieldOnly: false,
  reportsCompletionLate: false,
}
/** libtorrent's `min_announce_interval`; qBittorrent and Deluge keep it. */
const LIBTORRENT: ClientProfile = { ...UNKNOWN, announceSecondsMin: 300, dropsFinishers: true }
/** rtorrent clamps what it is told to 600 … 28,800 s. */
const RTORRENT: ClientProfile = {
  ...UNKNOWN,
  announceSecondsMin: 600,
  isSlowToForward: true,
  isBitfieldOnly: true,
  reportsCompletionLate: true,
}
/** Without a connection, aria2 announces every 120 s. */
const ARIA2: ClientProfile = { ...UNKNOWN, announcesMagnetsAsComplete: true }
const TRANSMISSION: ClientProfile = { ...UNKNOWN, isSlowToForward: true }

const FAMILIES: Readonly<Record<string, ClientProfile>> = {
  '-LT': LIBTORRENT,
  '-qB': LIBTORRENT,
  '-DE': LIBTORRENT,
  '-lt': RTORRENT,
  'A2-': ARIA2,
  '-TR': TRANSMISSION,
}

/** What the slowest of them keeps to: nobody announces less often than that, or than it is told. */
export const announceSecondsMinLongest = Math.max(
  ...Object.values(FAMILIES).map(({ announceSecondsMin }) => announceSecondsMin),
)

/** `peerId`: 20 bytes, of which the first three name the client (BEP 20). */
export function clientProfile(peerId: Buffer): ClientProfile {
  return FAMILIES[peerId.toString('latin1', 0, 3)] ?? UNKNOWN
}
