/**
 * Behaviour of a client towards a peer that only watches, by its peer id (BEP 20).
 */

/**
 * Clients that show their progress only in the bitfield of a new connection. Transmission 3.00 sends hardly any HAVE to
 * a peer that is not interested. rtorrent 0.9.8 closes its connections when it finishes and announces its completion
 * 300 s or 600 s later.
 */
const RECONNECTED = new Set(['-TR', '-lt'])

/**
 * rtorrent 0.9.8 stops to request from a peer that has nothing more for it, and decides only each half a minute whether
 * it requests from it again.
 */
const PAUSING = '-lt'

/** `peerId`: 20 bytes. */
export function pausesWithoutOffers(peerId: Buffer): boolean {
  return peerId.toString('latin1', 0, PAUSING.length) === PAUSING
}

/** `peerId`: 20 bytes, of which the first three identify the client. */
export function sendsHave(peerId: Buffer): boolean {
  return !RECONNECTED.has(peerId.toString('latin1', 0, 3))
}
