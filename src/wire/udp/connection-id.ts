/**
 * Connection ids without a table (BEP 15): an id is a keyed hash of the address it was sent to and of the minute, so
 * a sender that repeats it has received it there recently. Nothing is stored at a connect, so connects from forged
 * addresses cannot exhaust any memory. Ids that were proven are remembered in a table of fixed size: the next announces
 * of the same client cost no hash (bench/udp-announces.ts).
 *
 * The port is not hashed, since a NAT may change it between two datagrams. All nodes that may share an address must
 * have one secret: libtorrent keeps one id for each IP address of a tracker, for all ports.
 *
 * Threat: announces in the name of another address, which would register it and receive its peers. An attacker that
 * does not receive the responses has to guess 64 bits within four minutes.
 */
import type { Address } from '../../core/address.ts'
import { assert } from '../../core/assert.ts'
import type { Clock } from '../../core/clock.ts'
import { HmacSha256 } from './hmac-sha256.ts'

/**
 * Clients use an id for one minute, some for five; BEP 15 requires two. With four buckets it lives 3 to 4 minutes: each
 * further one costs a hash for every forged datagram, and saves those few clients one timeout.
 */
const BUCKET_MS = 60_000
const BUCKETS_ACCEPTED = 4

/** With a shorter secret, ids could be computed from a few received ones. */
const SECRET_BYTES_MIN = 16

/*
  The message => 30 bytes
     0  byte[10]  "udp-cid-v1"
    10  byte[16]  address          IPv4 as ::ffff:a.b.c.d
    26  uint32    bucket           minutes since 1970
  The connection id is the first 8 bytes of its HMAC-SHA256.
*/
const MESSAGE_BYTES = 30
const PREFIX = Buffer.from('udp-cid-v1')
const PREFIX_TAIL = PREFIX.readUInt16BE(8)

/*
  A proven id => 7 words, at a place that its low bits select; a later one with the same place replaces it
     0  id, high and low          0 and 0: none
     2  address, four words
     6  bucket                    of the id, not of its proof
*/
const PROVEN_WORDS = 7
/** Clients that announce within the minutes in which an id is valid; 224 KiB. More of them cost their hash again. */
const PROVEN_IDS = 8_192

export class ConnectionIds {
  readonly #hmac: HmacSha256
  readonly #clock: Clock
  readonly #proven = new Int32Array(PROVEN_IDS * PROVEN_WORDS)
  readonly #message = new Int32Array(8)
  #high = 0
  #low = 0

  constructor(secret: Buffer, clock: Clock) {
    assert(secret.length >= SECRET_BYTES_MIN, 'the secret cannot be guessed')
    this.#hmac = new HmacSha256(secret)
    this.#clock = clock
    this.#message[0] = PREFIX.readInt32BE(0)
    this.#message[1] = PREFIX.readInt32BE(4)
  }

  /** The 8 bytes for this address and this minute. */
  issue(address: Address): Buffer {
    this.#compute(address, this.#bucket())
    const connectionId = Buffer.allocUnsafe(8)
    connectionId.writeInt32BE(this.#high, 0)
    connectionId.writeInt32BE(this.#low, 4)
    return connectionId
  }

  /** Whether the request, of at least 8 bytes, begins with an id that was sent to this address lately. */
  verify(request: Buffer, address: Address): boolean {
    const high = request.readInt32BE(0)
    const low = request.readInt32BE(4)
    const newest = this.#bucket()
    if (this.#isProven(high, low, address, newest)) return true
    for (let age = 0; age < BUCKETS_ACCEPTED; age++) {
      this.#compute(address, newest - age)
      // Both halves at once, so that the time does not depend on the number of correct bytes.
      if (((high ^ this.#high) | (low ^ this.#low)) === 0) {
        this.#remember(high, low, address, newest - age)
        return true
      }
    }
    return false
  }

  /** Compares all words at once, like `verify`. */
  #isProven(high: number, low: number, { word0, word1, word2, word3 }: Address, newest: number): boolean {
    const proven = this.#proven
    const at = placeOf(low)
    const difference =
      (high ^ (proven[at] as number)) |
      (low ^ (proven[at + 1] as number)) |
      (word0 ^ (proven[at + 2] as number)) |
      (word1 ^ (proven[at + 3] as number)) |
      (word2 ^ (proven[at + 4] as number)) |
      (word3 ^ (proven[at + 5] as number))
    const age = newest - (proven[at + 6] as number)
    // An id of zeros is never issued.
    return difference === 0 && (high | low) !== 0 && age >= 0 && age < BUCKETS_ACCEPTED
  }

  #remember(high: number, low: number, { word0, word1, word2, word3 }: Address, bucket: number): void {
    const proven = this.#proven
    const at = placeOf(low)
    proven[at] = high
    proven[at + 1] = low
    proven[at + 2] = word0
    proven[at + 3] = word1
    proven[at + 4] = word2
    proven[at + 5] = word3
    proven[at + 6] = bucket
  }

  #bucket(): number {
    return Math.floor(this.#clock.nowMs() / BUCKET_MS)
  }

  #compute({ word0, word1, word2, word3 }: Address, bucket: number): void {
    const message = this.#message
    message[2] = (PREFIX_TAIL << 16) | (word0 >>> 16)
    message[3] = (word0 << 16) | (word1 >>> 16)
    message[4] = (word1 << 16) | (word2 >>> 16)
    message[5] = (word2 << 16) | (word3 >>> 16)
    message[6] = (word3 << 16) | (bucket >>> 16)
    message[7] = bucket << 16
    this.#hmac.sign(message, MESSAGE_BYTES)
    this.#high = this.#hmac.digest[0] as number
    this.#low = this.#hmac.digest[1] as number
    // 0 means "not connected" to Transmission, and rtorrent refuses it.
    if ((this.#high | this.#low) === 0) this.#low = 1
  }
}

function placeOf(low: number): number {
  return (low & (PROVEN_IDS - 1)) * PROVEN_WORDS
}
