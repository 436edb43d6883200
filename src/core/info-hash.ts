/**
 * The infohash: 20 bytes that name a torrent on the wire. SHA-1 of the `info` bytes (BEP 3), or the first
 * 20 bytes of their SHA-256 (BEP 52). The program handles it as bytes; hex is only for display.
 */

export const INFO_HASH_BYTES = 20

/** Reads 40 hexadecimal digits, or the first 20 bytes of a 64 digit v2 hash. Returns undefined for anything else. */
export function parseInfoHash(text: string): Buffer | undefined {
  if (!/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i.test(text)) return undefined
  return Buffer.from(text.slice(0, 40), 'hex')
}

export function formatInfoHash(infoHash: Buffer): string {
  return infoHash.toString('hex')
}

/** Twenty bytes as twenty characters: the fastest key of a Map. Not for display. */
export function infoHashKey(infoHash: Buffer): string {
  return infoHash.toString('latin1')
}
