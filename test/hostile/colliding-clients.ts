/**
 * Attack generator: peer ids whose clients all had the same place in the index of clients while that index used a mixer
 * without a key.
 *
 * Each announce goes to a torrent of its own, so the swarm indexes are 0, 1, 2, …. The mixer is inverted for each of them,
 * which gives the identity that the client needs, and a meet-in-the-middle search over five bytes gives a peer id with
 * this identity: about 50,000 in a few seconds on one core.
 */
import { hashAddress } from '../../src/swarm/peer-hash.ts'
import type { Address } from '../../src/core/address.ts'

const FNV_PRIME = 0x01000193
const PREFIX = Buffer.from('-XX0000-abcd')
const FORWARD_BITS = 22
const SLOTS = 1 << (FORWARD_BITS + 1)

/** The inverse of an odd factor modulo 2^32, by Newton's iteration. */
function inverse(factor: number): number {
  let result = factor
  for (let round = 0; round < 5; round++) result = Math.imul(result, 2 - Math.imul(factor, result))
  return result
}

const FNV_INVERSE = inverse(FNV_PRIME)
const UNMIX_1 = inverse(0xc2b2ae35)
const UNMIX_2 = inverse(0x85ebca6b)

/** The inverse of Murmur3's finaliser, with which `hashIdentity` ends. */
function unmix(value: number): number {
  value = Math.imul(value ^ (value >>> 16), UNMIX_1)
  value = Math.imul(value ^ (value >>> 13) ^ (value >>> 26), UNMIX_2)
  return value ^ (value >>> 16)
}

const step = (hash: number, byte: number) => Math.imul(hash ^ byte, FNV_PRIME)

export class CollidingClients {
  readonly #states = new Int32Array(SLOTS)
  /** Three bytes of the peer id, plus 1; 0 is empty. */
  readonly #bytes = new Int32Array(SLOTS)

  /** `from`: the one address of the attacker; the clients send no key, as over UDP. */
  constructor(from: Address) {
    let start = hashAddress(from) | 0
    for (const byte of PREFIX) start = step(start, byte)
    for (let bytes = 0; bytes < 1 << FORWARD_BITS; bytes++) {
      const state = step(step(step(start, bytes & 0xff), (bytes >>> 8) & 0xff), bytes >>> 16)
      let at = slotOf(state)
      while (this.#bytes[at] !== 0) at = (at + 1) & (SLOTS - 1)
      this.#states[at] = state
      this.#bytes[at] = bytes + 1
    }
  }

  peerId(swarm: number): Buffer {
    const identity = unmix(0x1234_5678) ^ Math.imul(swarm, 0x9e3779b1)
    const end = unmix(identity)
    for (let last = 0; last < 0x100_0000; last++) {
      // Backwards over the last five bytes, of which two stay 0.
      let state = Math.imul(end, FNV_INVERSE) ^ (last & 0xff)
      state = Math.imul(state, FNV_INVERSE) ^ ((last >>> 8) & 0xff)
      state = Math.imul(state, FNV_INVERSE) ^ (last >>> 16)
      state = Math.imul(Math.imul(state, FNV_INVERSE), FNV_INVERSE)
      const bytes = this.#find(state)
      if (bytes < 0) continue
      const free = [bytes & 0xff, (bytes >>> 8) & 0xff, bytes >>> 16, 0, 0]
      return Buffer.from([...PREFIX, ...free, last >>> 16, (last >>> 8) & 0xff, last & 0xff])
    }
    throw new Error('no peer id has this identity')
  }

  #find(state: number): number {
    for (let at = slotOf(state); this.#bytes[at] !== 0; at = (at + 1) & (SLOTS - 1))
      if (this.#states[at] === state) return (this.#bytes[at] as number) - 1
    return -1
  }
}

function slotOf(state: number): number {
  return (Math.imul(state, 0x9e3779b1) >>> 0) & (SLOTS - 1)
}
