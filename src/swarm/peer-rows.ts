/**
 * Peers as rows of eleven 32-bit words: no object, timer or string for each of nine million peers.
 *
 * Rows are stored in chunks. Growth never copies existing rows (one large array would stall the event loop for 200 ms
 * at nine million peers), and the words of a row share one or two cache lines. A released row is reused, so
 * `SwarmTable.remove` clears every reference to it.
 */
import { Address } from '../core/address.ts'
import { assert } from '../core/assert.ts'
import { SWARMS_MAX } from '../core/limits.ts'
import { indexHash } from './index-hash.ts'
import { hashWords } from './peer-hash.ts'
import { PlaceNumbers } from './place-numbers.ts'
import { RowBits } from './row-bits.ts'
import { SlotPool } from './slot-pool.ts'

/*
  row =>
    0  address      IPv4 bits, or the slot of the IPv6 address in `#addresses6`
    1  endpoint     port << 16 | number of its place
    2  swarm        index of its swarm << 12 | client code; NO_SWARM in a released row
    3  next         in the circular list of its place and role, see `row-list.ts` << 8 | stall age, bits 0 to 7
    4  lastSeen     milliseconds since 1970, modulo 2^32, without the shifts of the clock
    5  left         KiB still missing, rounded up; LEFT_UNKNOWN if the peer did not report it
    6  downloaded   KiB since `started`, saturated
    7  identity     hash of peer id and key: the same client at another address has the same
    8  state        lifetime in seconds << 16 | stalls << 13 | client order << 10 | flags
    9  links        block of its introductions << 7 | stall age, bits 16 to 18 << 4 | number of introductions
   10  previous     in the circular list << 8 | stall age, bits 8 to 15
*/
const WORDS = 11
const CHUNK_ROWS_LOG2 = 14
const CHUNK_ROWS = 1 << CHUNK_ROWS_LOG2
const ROW_IN_CHUNK = CHUNK_ROWS - 1

const NO_SWARM = 0xf_ffff
assert(SWARMS_MAX <= NO_SWARM, 'a row has 20 bits for its swarm')

/** Ends the list of released rows. */
const NO_ROW = 0xffff_ffff

const CLIENT_CODE_BITS = 12
/** The largest number of a client's code that a row can hold. */
export const CLIENT_CODE_MAX = (1 << CLIENT_CODE_BITS) - 1

/**
 * The stall age is the time from the last counted stall, or progress, to the last announce, in milliseconds. It is
 * compared with an eighth of a lifetime, which is at most 454 s with the default intervals; 524 s stand for all later times.
 */
const STALL_AGE_MAX = 0x7_ffff

/** The third word of an IPv4 address; the two before it are 0. */
const V4_MAPPED = 0xffff

/** `left` of a peer that did not report it. */
export const LEFT_UNKNOWN = 0xffff_ffff

/** The longest lifetime that a row can hold. */
export const LIFETIME_SECONDS_MAX = 0xffff
const STALLS_MAX = 0x7
const LINK_COUNT_BITS = 4
/** The other 25 bits are for the block: two of them for each of 16 million rows. */
const BLOCK_SHIFT = 7
/** The largest number of introductions that a row can hold. */
export const LINK_COUNT_MAX = (1 << LINK_COUNT_BITS) - 1

/** See `ClientCounts`. */
export const CLIENT_ORDER_MAX = 0x7

export const flags = {
  /** Complete, by its own announce. */
  seed: 1,
  /** BEP 21: incomplete, and not downloading. */
  partial: 2,
  v6: 4,
  /** Holds a lease of its site. */
  gateway: 16,
  /** Announced `left=0` as an aria2 magnet client without metadata does; see `PeerState`. */
  unverifiedSeed: 32,
  /** Was seen incomplete before it was complete, so its `left=0` is true. */
  verifiedSeed: 64,
  /** Does not accept connections (port 1 of libtorrent): counted, never handed out. */
  unreachable: 128,
  /** Uploads hardly anything before it is complete; see `ClientProfile.isSlowToForward`. */
  slowToForward: 256,
  /** This node received the last announce itself, not from another node. */
  locallyObserved: 512,
} as const

export class PeerRows {
  readonly #chunks: Uint32Array[] = []
  readonly #addresses6 = new SlotPool(4)
  /** The site log is known to have this state of the peer; see `SwarmReplica`. */
  readonly logged = new RowBits()
  places = new PlaceNumbers()
  #shiftedMs = 0
  #rowsEver = 0
  #free = NO_ROW
  #live = 0

  /** Rows in use. */
  get live(): number {
    return this.#live
  }

  /** Above every row number in use; not every number below it is in use. */
  get end(): number {
    return this.#rowsEver
  }

  get bytes(): number {
    return this.#chunks.length * CHUNK_ROWS * WORDS * 4 + this.#addresses6.bytes + this.logged.bytes
  }

  isLive(row: number): boolean {
    return row < this.#rowsEver && this.swarm(row) !== NO_SWARM
  }

  allocate(address: Address, port: number, swarm: number): number {
    let row = this.#free
    if (row === NO_ROW) {
      row = this.#rowsEver++
      if (row >>> CHUNK_ROWS_LOG2 === this.#chunks.length)
        this.#chunks.push(new Uint32Array(CHUNK_ROWS * WORDS))
    } else this.#free = this.#get(row, 0)

    this.#live++
    const chunk = this.#chunkOf(row)
    const base = (row & ROW_IN_CHUNK) * WORDS
    chunk.fill(0, base, base + WORDS)
    chunk[base + 1] = port << 16
    chunk[base + 2] = swarm << CLIENT_CODE_BITS
    if (address.isV4) chunk[base] = address.word3
    else {
      const slot = this.#addresses6.allocate()
      this.#addresses6.set(slot, 0, address.word0)
      this.#addresses6.set(slot, 1, address.word1)
      this.#addresses6.set(slot, 2, address.word2)
      this.#addresses6.set(slot, 3, address.word3)
      chunk[base] = slot
      chunk[base + 8] = flags.v6
    }
    return row
  }

  release(row: number): void {
    if (this.has(row, flags.v6)) this.#addresses6.release(this.#get(row, 0))
    this.logged.set(row, false)
    this.#set(row, 2, NO_SWARM << CLIENT_CODE_BITS)
    this.#set(row, 0, this.#free)
    this.#free = row
    this.#live--
  }

  address(row: number): Address {
    if (!this.has(row, flags.v6)) return Address.v4(this.#get(row, 0))
    const slot = this.#get(row, 0)
    const pool = this.#addresses6
    return new Address(pool.get(slot, 0), pool.get(slot, 1), pool.get(slot, 2), pool.get(slot, 3))
  }

  /** `isLoopback` of its address, without an object. */
  isLoopback(row: number): boolean {
    if (this.has(row, flags.v6)) return this.address(row).isLoopback
    return this.#get(row, 0) >>> 24 === 127
  }

  /** `hashAddress` of its address, without an object. */
  addressHash(row: number): number {
    const word = this.#get(row, 0)
    if (!this.has(row, flags.v6)) return hashWords(0, 0, V4_MAPPED, word)
    const pool = this.#addresses6
    return hashWords(pool.get(word, 0), pool.get(word, 1), pool.get(word, 2), pool.get(word, 3))
  }

  /** `IndexHash.endpoint` of the row, without an object, because the index calls it often. */
  endpointHash(row: number): number {
    const word = this.#get(row, 0)
    const swarm = this.swarm(row)
    const port = this.port(row)
    if (!this.has(row, flags.v6)) return indexHash.endpoint4(swarm, word, port)
    const pool = this.#addresses6
    return indexHash.endpoint6(
      swarm,
      pool.get(word, 0),
      pool.get(word, 1),
      pool.get(word, 2),
      pool.get(word, 3),
      port,
    )
  }

  /** `IndexHash.source` of its address, without an object. */
  sourceHash(row: number): number {
    const word = this.#get(row, 0)
    if (!this.has(row, flags.v6)) return indexHash.source4(word)
    return indexHash.source6(this.#addresses6.get(word, 0), this.#addresses6.get(word, 1))
  }

  /** True if the row has this address. Allocates no object. */
  isAt(row: number, address: Address): boolean {
    const word = this.#get(row, 0)
    if (!this.has(row, flags.v6)) return address.word3 === word && address.isV4
    const pool = this.#addresses6
    return (
      pool.get(word, 3) === address.word3 &&
      pool.get(word, 2) === address.word2 &&
      pool.get(word, 1) === address.word1 &&
      pool.get(word, 0) === address.word0
    )
  }

  /** Writes the compact form, 6 or 18 bytes (BEP 23, BEP 7), and returns the offset behind it. */
  writeCompact(row: number, target: Buffer, offset: number): number {
    const word = this.#get(row, 0)
    if (this.has(row, flags.v6)) {
      for (let index = 0; index < 4; index++)
        offset = target.writeUInt32BE(this.#addresses6.get(word, index), offset)
    } else offset = target.writeUInt32BE(word, offset)
    return target.writeUInt16BE(this.port(row), offset)
  }

  isV6(row: number): boolean {
    return this.has(row, flags.v6)
  }

  port(row: number): number {
    return this.#get(row, 1) >>> 16
  }

  place(row: number): number {
    return this.places.placeOf(this.#get(row, 1) & 0xffff)
  }

  setPlace(row: number, place: number, numbers = this.places): void {
    this.#set(row, 1, (this.port(row) << 16) | numbers.numberOf(place))
  }

  swarm(row: number): number {
    return this.#get(row, 2) >>> CLIENT_CODE_BITS
  }

  /** See `ClientCodes`; 0 for none. */
  clientCode(row: number): number {
    return this.#get(row, 2) & CLIENT_CODE_MAX
  }

  setClientCode(row: number, code: number): void {
    this.#set(row, 2, (this.#get(row, 2) & ~CLIENT_CODE_MAX) | code)
  }

  next(row: number): number {
    return this.#get(row, 3) >>> 8
  }

  setNext(row: number, next: number): void {
    this.#set(row, 3, (next << 8) | (this.#get(row, 3) & 0xff))
  }

  previous(row: number): number {
    return this.#get(row, 10) >>> 8
  }

  setPrevious(row: number, previous: number): void {
    this.#set(row, 10, (previous << 8) | (this.#get(row, 10) & 0xff))
  }

  /**
   * The time of the last announce. The row holds its low 32 bits, which repeat every 49 days; the result is the time
   * with these bits that is nearest to `nearMs`. A live row was seen within 18 hours of now.
   */
  lastSeenMs(row: number, nearMs: number): number {
    return nearMs - ((nearMs - this.#shiftedMs - this.#get(row, 4)) | 0)
  }

  lifetimeSeconds(row: number): number {
    return this.#get(row, 8) >>> 16
  }

  setLastSeen(row: number, lastSeenMs: number, lifetimeSeconds: number): void {
    this.#setStallAge(row, this.#stallAgeAt(row, lastSeenMs))
    this.#set(row, 4, lastSeenMs - this.#shiftedMs)
    this.setLifetime(row, lifetimeSeconds)
  }

  /** The clock itself was shifted by this much. The rows hold times without the shifts. */
  shiftTime(byMs: number): void {
    this.#shiftedMs += byMs
  }

  setLifetime(row: number, lifetimeSeconds: number): void {
    this.#set(row, 8, (Math.min(lifetimeSeconds, LIFETIME_SECONDS_MAX) << 16) | (this.#get(row, 8) & 0xffff))
  }

  isExpired(row: number, nowMs: number): boolean {
    return ((nowMs - this.#shiftedMs - this.#get(row, 4)) | 0) > (this.#get(row, 8) >>> 16) * 1000
  }

  leftKib(row: number): number {
    return this.#get(row, 5)
  }

  setLeftKib(row: number, leftKib: number): void {
    this.#set(row, 5, leftKib)
  }

  downloadedKib(row: number): number {
    return this.#get(row, 6)
  }

  setDownloadedKib(row: number, downloadedKib: number): void {
    this.#set(row, 6, downloadedKib)
  }

  identity(row: number): number {
    return this.#get(row, 7)
  }

  setIdentity(row: number, identity: number): void {
    this.#set(row, 7, identity)
  }

  /** Consecutive announces without progress. */
  stalls(row: number): number {
    return (this.#get(row, 8) >>> 13) & STALLS_MAX
  }

  /** Time since the last counted stall, or the last progress; infinite from 524 s on. */
  stallAgeMs(row: number, nowMs: number): number {
    const ageMs = this.#stallAgeAt(row, nowMs)
    return ageMs === STALL_AGE_MAX ? Number.POSITIVE_INFINITY : ageMs
  }

  /** The last announce had progress, or counts as a stall. */
  clearStallAge(row: number): void {
    this.#setStallAge(row, 0)
  }

  setStalls(row: number, stalls: number): void {
    this.#set(row, 8, (this.#get(row, 8) & ~0xe000) | (Math.min(stalls, STALLS_MAX) << 13))
  }

  /** Order of this address among those of its client; 0 is the counted one. */
  clientOrder(row: number): number {
    return (this.#get(row, 8) >>> 10) & CLIENT_ORDER_MAX
  }

  setClientOrder(row: number, order: number): void {
    this.#set(row, 8, (this.#get(row, 8) & ~0x1c00) | (order << 10))
  }

  has(row: number, flag: number): boolean {
    return (this.#get(row, 8) & flag) !== 0
  }

  setFlag(row: number, flag: number, on: boolean): void {
    const state = this.#get(row, 8)
    this.#set(row, 8, on ? state | flag : state & ~flag)
  }

  /** The block of its introductions; 0 without any. */
  linksBlock(row: number): number {
    return this.#get(row, 9) >>> BLOCK_SHIFT
  }

  /** Number of introductions. It is in the row, because a choice reads it of hundreds of rows, and not their blocks. */
  linkCount(row: number): number {
    return this.#get(row, 9) & LINK_COUNT_MAX
  }

  setLinks(row: number, block: number, count: number): void {
    this.#set(row, 9, (block << BLOCK_SHIFT) | (this.#get(row, 9) & 0x70) | count)
  }

  #stallAgeAt(row: number, atMs: number): number {
    const age =
      (this.#get(row, 3) & 0xff) | ((this.#get(row, 10) & 0xff) << 8) | ((this.#get(row, 9) & 0x70) << 12)
    return age === STALL_AGE_MAX
      ? age
      : Math.min(STALL_AGE_MAX, Math.max(0, age + ((atMs - this.#shiftedMs - this.#get(row, 4)) | 0)))
  }

  #setStallAge(row: number, age: number): void {
    this.#set(row, 3, (this.#get(row, 3) & ~0xff) | (age & 0xff))
    this.#set(row, 10, (this.#get(row, 10) & ~0xff) | ((age >>> 8) & 0xff))
    this.#set(row, 9, (this.#get(row, 9) & ~0x70) | ((age >>> 12) & 0x70))
  }

  #chunkOf(row: number): Uint32Array {
    return this.#chunks[row >>> CHUNK_ROWS_LOG2] as Uint32Array
  }

  #get(row: number, word: number): number {
    return this.#chunkOf(row)[(row & ROW_IN_CHUNK) * WORDS + word] as number
  }

  #set(row: number, word: number, value: number): void {
    this.#chunkOf(row)[(row & ROW_IN_CHUNK) * WORDS + word] = value
  }
}
