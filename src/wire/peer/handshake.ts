/**
 * The handshake (BEP 3): the first 68 bytes in each direction of a connection between two peers.
 *
 * All reserved bits that a node sends are zero. No extension is negotiated, therefore a conforming client sends plain
 * BEP 3 messages only; the reserved bits of the client are read for the log and have no effect.
 */
import { assert } from '../../core/assert.ts'
import { INFO_HASH_BYTES } from '../../core/info-hash.ts'

/*
  Handshake => 68 bytes
     0  uint8     19
     1  byte[19]  "BitTorrent protocol"
    20  byte[8]   reserved       0: no extension
    28  byte[20]  info_hash
    48  byte[20]  peer_id
*/
const PROTOCOL = Buffer.from('\x13BitTorrent protocol', 'latin1')
const RESERVED_AT = 20
const INFO_HASH_AT = 28
const PEER_ID_AT = 48
export const HANDSHAKE_BYTES = 68
const PEER_ID_BYTES = 20

export interface Handshake {
  readonly reserved: Buffer
  readonly infoHash: Buffer
  readonly peerId: Buffer
}

export function writeHandshake(infoHash: Buffer, peerId: Buffer): Buffer {
  assert(infoHash.length === INFO_HASH_BYTES, 'an infohash has 20 bytes')
  assert(peerId.length === PEER_ID_BYTES, 'a peer id has 20 bytes')
  return Buffer.concat([PROTOCOL, Buffer.alloc(INFO_HASH_AT - RESERVED_AT), infoHash, peerId])
}

/** Returns whether a handshake may begin with these bytes, of which the first `length` have arrived. */
export function isHandshakeStart(bytes: Buffer, start: number, length: number): boolean {
  const compared = Math.min(length, PROTOCOL.length)
  return bytes.compare(PROTOCOL, 0, compared, start, start + compared) === 0
}

/** Copies the fields, because the bytes belong to a buffer that is reused. */
export function readHandshake(bytes: Buffer, start: number): Handshake {
  const field = (from: number, to: number) => Buffer.from(bytes.subarray(start + from, start + to))
  return {
    reserved: field(RESERVED_AT, INFO_HASH_AT),
    infoHash: field(INFO_HASH_AT, PEER_ID_AT),
    peerId: field(PEER_ID_AT, HANDSHAKE_BYTES),
  }
}
