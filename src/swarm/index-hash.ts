/**
 * Keyed hashes for every index in which a peer chooses its own place by its address, port, infohash, peer id or key.
 *
 * Threat: with a known mixer a host computes identifiers that share one place of an index, so that each announce scans
 * all rows before it. 50,000 announces of one address then take tens of seconds of CPU. The hash is HalfSipHash-1-3
 * (Aumasson and Bernstein), the function that Linux uses for its own hash tables, and its key is a secret of the process:
 * without the key the places are unpredictable, and no response contains a hash.
 *
 * These hashes never leave the process. `peer-hash.ts` has those that nodes replicate.
 */
import type { Address } from '../core/address.ts'
import { systemSecret } from '../core/random.ts'

/** Words of the longest input: infohash, port, address. */
const WORDS_MAX = 10
/** Of `CLIENT_ORDER_MAX`. */
const ORDER_BITS = 3
/** Rounds after the length; they absorb zeros. */
const ROUNDS_LAST = 3

export class IndexHash {
  readonly #key0: number
  readonly #key1: number
  /** Reused, because the announce path allocates nothing here. */
  readonly #words = new Int32Array(WORDS_MAX)

  /** `secret`: at least 8 bytes. */
  constructor(secret: Buffer) {
    this.#key0 = secret.readInt32LE(0)
    this.#key1 = secret.readInt32LE(4)
  }

  /** Peer of a swarm. `word3` alone is the address of an IPv4 peer. */
  endpoint4(swarm: number, word3: number, port: number): number {
    const words = this.#words
    words[0] = swarm
    words[1] = word3
    words[2] = port
    return this.#hash(3)
  }

  /** The same with the four words of an IPv6 address. */
  endpoint6(swarm: number, word0: number, word1: number, word2: number, word3: number, port: number): number {
    const words = this.#words
    words[0] = swarm
    words[1] = word0
    words[2] = word1
    words[3] = word2
    words[4] = word3
    words[5] = port
    return this.#hash(6)
  }

  endpoint(swarm: number, address: Address, port: number): number {
    const { word0, word1, word2, word3 } = address
    return address.isV4
      ? this.endpoint4(swarm, word3, port)
      : this.endpoint6(swarm, word0, word1, word2, word3, port)
  }

  /** Client of a swarm and the order of one of its addresses, not the address. */
  client(swarm: number, identity: number, order: number): number {
    const words = this.#words
    // One word, which is one round less: there are fewer swarms than rows, and up to eight orders.
    words[0] = (swarm << ORDER_BITS) | order
    words[1] = identity
    return this.#hash(2)
  }

  /** Source of requests and rows: an IPv4 address, or the /64 of an IPv6 address, all of which one host may have. */
  source(address: Address): number {
    return address.isV4 ? this.source4(address.word3) : this.source6(address.word0, address.word1)
  }

  source4(word3: number): number {
    this.#words[0] = word3
    return this.#hash(1)
  }

  source6(word0: number, word1: number): number {
    this.#words[0] = word0
    this.#words[1] = word1
    return this.#hash(2)
  }

  /** Peer of a torrent that may not be in the table, and therefore has no swarm index. */
  peer(infoHash: Buffer, address: Address, port: number): number {
    const words = this.#words
    for (let index = 0; index < 5; index++) words[index] = infoHash.readInt32LE(index * 4)
    words[5] = port
    words[6] = address.word0
    words[7] = address.word1
    words[8] = address.word2
    words[9] = address.word3
    return this.#hash(10)
  }

  /** HalfSipHash-1-3 with a 32-bit result of the first `count` words. */
  #hash(count: number): number {
    const words = this.#words
    let v0 = this.#key0
    let v1 = this.#key1
    let v2 = 0x6c796765 ^ v0
    let v3 = 0x74656462 ^ v1
    for (let round = 0; round <= count + ROUNDS_LAST; round++) {
      // The input, then its length, then zeros.
      const word = round < count ? (words[round] as number) : round === count ? count << 26 : 0
      if (round === count + 1) v2 ^= 0xff
      v3 ^= word
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
      v0 ^= word
    }
    return (v1 ^ v3) >>> 0
  }
}

/** The one of this process. Which rows share a place never changes an answer, so no test needs to choose the key. */
export const indexHash = new IndexHash(systemSecret())
