/**
 * 32-bit hashes that nodes replicate, and that are therefore the same on all nodes: of a gateway's host, and of the
 * identity that groups the addresses of one client. A collision is a count that is off by one in a swarm of a hundred
 * thousand.
 *
 * Threat: everyone can compute these hashes, and peers with equal ones. They never decide the place in an index; that is
 * the task of `index-hash.ts`.
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
