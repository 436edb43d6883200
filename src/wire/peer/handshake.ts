/**
 * The first messages between two peers (BEP 3): enough to learn how much of a torrent a client has, which nobody
 * but the client can say. No extension is offered, so a seed answers with a full bitfield and nothing newer.
 */
import { INFO_HASH_BYTES } from '../../core/info-hash.ts'

/*
  Handshake => 68 bytes, the same in both directions
     0  uint8     19
     1  byte[19]  "BitTorrent protocol"
    20  byte[8]   reserved       0: no extension
    28  byte[20]  info_hash
    48  byte[20]  peer_id

  Message => behind it, any number
     0  uint32    length         of what follows; 0 is a keep-alive
     4  uint8     id             5 bitfield: one bit a piece, highest first, spare bits at the end 0
     5  byte[length - 1]
*/
const PROTOCOL = Buffer.from('\x13BitTorrent protocol', 'latin1')
const INFO_HASH_AT = 28
const HANDSHAKE_BYTES = 68
const BITFIELD = 5
/** A million pieces, and room for small messages in front of them. */
export const ANSWER_BYTES_MAX = 128 * 1024

export function writeHandshake(infoHash: Buffer, peerId: Buffer): Buffer {
  return Buffer.concat([PROTOCOL, Buffer.alloc(8), infoHash, peerId])
}

/**
 * What a peer's first bytes tell: its share of all pieces, 1 only where it has every one; undefined while more is
 * needed to know. A peer that
 * begins with anything but its bitfield has nothing to show (BEP 3: only the first message may be one). Throws a
 * RangeError for what is no answer to this handshake.
 */
export function readShare(bytes: Buffer, infoHash: Buffer): number | undefined {
  const start = Math.min(bytes.length, PROTOCOL.length)
  if (!bytes.subarray(0, start).equals(PROTOCOL.subarray(0, start)))
    throw new RangeError('not the BitTorrent protocol')
  if (bytes.length < HANDSHAKE_BYTES) return undefined
  if (!bytes.subarray(INFO_HASH_AT, INFO_HASH_AT + INFO_HASH_BYTES).equals(infoHash))
    throw new RangeError('the peer speaks of another torrent')
  if (bytes.length < HANDSHAKE_BYTES + 5) return undefined
  const length = bytes.readUInt32BE(HANDSHAKE_BYTES)
  if (length === 0 || bytes[HANDSHAKE_BYTES + 4] !== BITFIELD) return 0
  const end = HANDSHAKE_BYTES + 4 + length
  if (end > ANSWER_BYTES_MAX) throw new RangeError('the bitfield is larger than any torrent needs')
  if (bytes.length < end) return undefined
  return shareOf(bytes.subarray(HANDSHAKE_BYTES + 5, end))
}

/** How many bits at the end are spare is not known here: zeros behind the last one are taken for it. */
function shareOf(bits: Buffer): number {
  const last = bits.at(-1)
  if (last === undefined) return 0
  let missing = 0
  for (const byte of bits) for (let rest = ~byte & 0xff; rest !== 0; rest &= rest - 1) missing++
  const spare = last === 0 ? 0 : 31 - Math.clz32(last & -last)
  return 1 - (missing - spare) / (bits.length * 8 - spare)
}
