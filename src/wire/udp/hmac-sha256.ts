/**
 * HMAC-SHA256 (RFC 2104, FIPS 180-4) of one short message, for connection ids.
 *
 * Every announce needs one and every forged datagram up to four. Node's `createHmac` takes 3.4 µs and allocates
 * several objects; this takes 1.0 µs and allocates none, because both pads of the key are hashed once and a short
 * message is then two blocks (bench/udp-announces.ts). No branch and no table index depends on a secret. A property
 * test compares it with Node's.
 */
import { assert } from '../../core/assert.ts'

const BLOCK_BYTES = 64
const BLOCK_WORDS = 16

/** One block minus its padding: one bit, and the length in 64 bits. */
const MESSAGE_BYTES_MAX = BLOCK_BYTES - 9

const FIRST_PRIMES = firstPrimes(64)
/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8. */
const ROUND_CONSTANTS = Int32Array.from(FIRST_PRIMES, (prime) => fractionBits(Math.cbrt(prime)))
const INITIAL_STATE = Int32Array.from(FIRST_PRIMES.slice(0, 8), (prime) => fractionBits(Math.sqrt(prime)))

export class HmacSha256 {
  /** The digest of the last message; overwritten by the next. */
  readonly digest = new Int32Array(8)
  readonly #innerPad: Int32Array
  readonly #outerPad: Int32Array
  readonly #schedule = new Int32Array(64)

  constructor(key: Buffer) {
    assert(key.length <= BLOCK_BYTES, 'a longer key would have to be hashed first')
    this.#innerPad = this.#hashPad(key, 0x36)
    this.#outerPad = this.#hashPad(key, 0x5c)
  }

  /** `words` are big-endian; the bits after the last byte are zero. Leaves the result in `digest`. */
  sign(words: Int32Array, messageBytes: number): void {
    assert(messageBytes <= MESSAGE_BYTES_MAX, 'the message fits into one block')
    const schedule = this.#schedule
    schedule.fill(0, 0, BLOCK_WORDS)
    schedule.set(words)
    this.#finish(this.#innerPad, messageBytes)
    schedule.fill(0, 0, BLOCK_WORDS)
    schedule.set(this.digest)
    this.#finish(this.#outerPad, 32)
  }

  #hashPad(key: Buffer, filler: number): Int32Array {
    const pad = Buffer.alloc(BLOCK_BYTES, filler)
    for (const [index, byte] of key.entries()) pad[index] = filler ^ byte
    for (let index = 0; index < BLOCK_WORDS; index++) this.#schedule[index] = pad.readInt32BE(index * 4)
    const state = new Int32Array(8)
    compress(INITIAL_STATE, this.#schedule, state)
    return state
  }

  /** Pads the block after `messageBytes`. The block of a key pad precedes it. */
  #finish(pad: Int32Array, messageBytes: number): void {
    const schedule = this.#schedule
    const end = messageBytes >>> 2
    schedule[end] = (schedule[end] as number) | (0x80 << (24 - (messageBytes & 3) * 8))
    schedule[BLOCK_WORDS - 1] = (BLOCK_BYTES + messageBytes) * 8
    compress(pad, schedule, this.digest)
  }
}

/** The compression function, with the names of FIPS 180-4 §6.2.2. `w` holds a block in its first 16 words. */
function compress(from: Int32Array, w: Int32Array, into: Int32Array): void {
  const at = (index: number) => w[index] as number
  for (let t = BLOCK_WORDS; t < 64; t++) {
    const x = at(t - 15)
    const y = at(t - 2)
    const s0 = ((x >>> 7) | (x << 25)) ^ ((x >>> 18) | (x << 14)) ^ (x >>> 3)
    const s1 = ((y >>> 17) | (y << 15)) ^ ((y >>> 19) | (y << 13)) ^ (y >>> 10)
    w[t] = (at(t - 16) + s0 + at(t - 7) + s1) | 0
  }
  let a = from[0] as number
  let b = from[1] as number
  let c = from[2] as number
  let d = from[3] as number
  let e = from[4] as number
  let f = from[5] as number
  let g = from[6] as number
  let h = from[7] as number
  for (let t = 0; t < 64; t++) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7))
    const choice = (e & f) ^ (~e & g)
    const t1 = (h + s1 + choice + (ROUND_CONSTANTS[t] as number) + at(t)) | 0
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10))
    const majority = (a & b) ^ (a & c) ^ (b & c)
    h = g
    g = f
    f = e
    e = (d + t1) | 0
    d = c
    c = b
    b = a
    a = (t1 + s0 + majority) | 0
  }
  into[0] = (from[0] as number) + a
  into[1] = (from[1] as number) + b
  into[2] = (from[2] as number) + c
  into[3] = (from[3] as number) + d
  into[4] = (from[4] as number) + e
  into[5] = (from[5] as number) + f
  into[6] = (from[6] as number) + g
  into[7] = (from[7] as number) + h
}

function fractionBits(value: number): number {
  return Math.floor((value - Math.floor(value)) * 0x1_0000_0000) | 0
}

function firstPrimes(count: number): number[] {
  const primes: number[] = []
  for (let candidate = 2; primes.length < count; candidate++) {
    if (primes.every((prime) => candidate % prime !== 0)) primes.push(candidate)
  }
  return primes
}
