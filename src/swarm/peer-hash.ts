/**
 * 32-bit hashes of the identifiers of a peer. They place rows in hash indexes and group the addresses of one client; a
 * collision costs a comparison, or a count that is off by one in a swarm of a hundred thousand.
 */
import type { Address } from '../core/address.ts'

/** Murmur3's finaliser: every input bit reaches every output bit. */
function mix(value: number): number {
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b)
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35)
  return value ^ (value >>> 16)
}

/** Hash of the four words of an `Address`. */
export function hashWords(word0: number, word1: number, word2: number, word3: number): number {
  return mix(word3 ^ mix(word0 ^ mix(word1 ^ mix(word2)))) >>> 0
}

export function hashAddress({ word0, word1, word2, word3 }: Address): number {
  return hashWords(word0, word1, word2, word3)
}

/** Hash of a peer in a swarm, which is identified by infohash, address and port. */
export function hashEndpoint(swarm: number, addressHash: number, port: number): number {
  return mix(addressHash ^ mix(port ^ Math.imul(swarm, 0x9e3779b1))) >>> 0
}

/** The same on all nodes, independent of the swarm's index. Two words of the infohash make collisions rare enough. */
export function hashPeer(infoHash: Buffer, address: Address, port: number): number {
  const torrent = mix(infoHash.readUInt32BE(0) ^ mix(infoHash.readUInt32BE(16)))
  return mix(hashAddress(address) ^ mix(port ^ torrent)) >>> 0
}

/** Hash of a client in a swarm and the order of one of its addresses, not of the address. */
export function hashClient(swarm: number, identity: number, order: number): number {
  return mix(identity ^ Math.imul(swarm, 0x9e3779b1) ^ Math.imul(order, 0x85ebca6b)) >>> 0
}

/**
 * Hash of a client's peer id and key. Without a key the address is included, because the same peer id at two addresses
 * is then not necessarily one client.
 */
export function hashIdentity(peerId: Buffer, key: Buffer, address: Address): number {
  let hash = key.length === 0 ? hashAddress(address) : key.length
  for (const byte of peerId) hash = Math.imul(hash ^ byte, 0x01000193)
  for (const byte of key) hash = Math.imul(hash ^ byte, 0x01000193)
  return mix(hash) >>> 0
}
