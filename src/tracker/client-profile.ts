/**
 * Behaviour of a client by its peer id: its real announce interval, and whether its `left=0` is reliable. Measured, and
 * read in the clients' sources; other clients' values are trusted.
 */

export interface ClientProfile {
  /** The client announces no sooner than this, regardless of the interval of the response. */
  readonly announceSecondsMin: number
  /** Announces `left=0` for a magnet of which it has nothing yet. */
  readonly announcesMagnetsAsComplete: boolean
  /**
   * Passes hardly anything on before it is complete, so that each step of a chain of such clients costs the whole
   * download again: Transmission unchokes and asks in rounds of ten seconds (measured: docs/measurements.md).
   */
  readonly isSlowToForward: boolean
  /** Disconnects a neighbour that finishes before it has its last piece (libtorrent's "upload-only" rule). */
  readonly dropsFinishers: boolean
  /** From clients of its kind, it learns only the pieces of the first bitfield; see `handout/bitfield-only-clients.ts`. */
  readonly isBitfieldOnly: boolean
}

const UNKNOWN: ClientProfile = {
  announceSecondsMin: 0,
  announcesMagnetsAsComplete: false,
  isSlowToForward: false,
  dropsFinishers: false,
  isBitfieldOnly: false,
}
/** libtorrent's `min_announce_interval`; qBittorrent and Deluge keep it. */
const LIBTORRENT: ClientProfile = { ...UNKNOWN, announceSecondsMin: 300, dropsFinishers: true }
/** rtorrent clamps the interval to 600 … 28,800 s. */
const RTORRENT: ClientProfile = {
  ...UNKNOWN,
  announceSecondsMin: 600,
  isSlowToForward: true,
  isBitfieldOnly: true,
}
/** Without a connection, aria2 announces every 120 s. */
const ARIA2: ClientProfile = { ...UNKNOWN, announcesMagnetsAsComplete: true }
const TRANSMISSION: ClientProfile = { ...UNKNOWN, isSlowToForward: true }

const PROFILES: Readonly<Record<string, ClientProfile>> = {
  '-LT': LIBTORRENT,
  '-qB': LIBTORRENT,
  '-DE': LIBTORRENT,
  '-lt': RTORRENT,
  'A2-': ARIA2,
  '-TR': TRANSMISSION,
}

/** The longest of these: no client announces less often than the longer of this and its interval. */
export const announceSecondsMinLongest = Math.max(
  ...Object.values(PROFILES).map(({ announceSecondsMin }) => announceSecondsMin),
)

const BY_PREFIX: ReadonlyMap<number, ClientProfile> = new Map(
  Object.entries(PROFILES).map(([prefix, profile]) => [Buffer.from(prefix).readUIntBE(0, 3), profile]),
)

/** `code`: see `clientCodeOf`. */
export function clientProfileOfCode(code: string): ClientProfile {
  return PROFILES[code.slice(0, 3)] ?? UNKNOWN
}

/** `peerId`: 20 bytes, of which the first three name the client (BEP 20). */
export function clientProfile(peerId: Buffer): ClientProfile {
  return BY_PREFIX.get(peerId.readUIntBE(0, 3)) ?? UNKNOWN
}
