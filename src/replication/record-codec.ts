/**
 * Batches of site records as bytes: the content of the site log, of a snapshot, and of updates between sites.
 *
 * A node of the next version may append fields to a record and add types of records: each record has a length, and
 * unknown fields and types are skipped. A change that cannot be skipped gets a new version, and this node then rejects
 * the whole batch. Reading never throws: a batch comes from another program.
 */
import { assert } from '../core/assert.ts'
import { INFO_HASH_BYTES } from '../core/info-hash.ts'

import { CODE_BYTES } from '../swarm/client-codes.ts'
import type { PeerState } from '../swarm/peer-state.ts'
import { write16, write32, writeAddress } from './big-endian.ts'
import type {
  CarriageRecord,
  CarrierNodeRecord,
  CompletionRecord,
  GatewayHostRecord,
  IntroductionRecord,
  LeaseRecord,
  PeerRef,
  RecordSink,
  RemovedRecord,
  ObservationRecord,
  SiteCountsRecord,
} from './records.ts'
import {
  VERSION,
  NODE_ID_BYTES,
  HEADER_BYTES,
  RECORD_HEAD_BYTES,
  TORRENT,
  PEER,
  REMOVED,
  INTRODUCTION,
  LEASE,
  GATEWAY_HOST,
  COMPLETION,
  SITE_COUNTS,
  OBSERVATION,
  CARRIER_NODE,
  CARRIAGE,
  CLIENT,
  CARRIAGE_STATES,
  CARRIES,
  SEED,
  PARTIAL,
  V6,
  UNVERIFIED_SEED,
  VERIFIED_SEED,
  UNREACHABLE,
  SLOW_TO_FORWARD,
  OBSERVED_REACHABLE,
  OBSERVED_UNREACHABLE,
  OBSERVED_SHARE,
  OBSERVED_COMPLETE,
  OBSERVED_STALLED,
  OBSERVED_REFUSES_NODE,
  SHARE_UNITS,
  CAUSES,
} from './record-layout.ts'

const TEXT_BYTES_MAX = 255
/** The longest record is a carrier node with a name of 255 bytes and two addresses. */
const RECORD_BYTES_MAX = RECORD_HEAD_BYTES + 2 + TEXT_BYTES_MAX + 1 + 2 * 19
const FIRST_BYTES = 4096

export class BatchWriter implements RecordSink {
  readonly #node: Buffer
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #end = 0
  /** Position of the current infohash, which also applies to the next record of that torrent; 0 before the first. */
  #torrentAt = 0
  /** Of the peer before, in this batch. */
  #clientCode: string | undefined = undefined

  constructor(node: Buffer) {
    assert(node.length === NODE_ID_BYTES, 'the id of a node has eight bytes')
    this.#node = node
  }

  get isEmpty(): boolean {
    return this.#end === 0
  }

  get byteLength(): number {
    return this.#end
  }

  /** The records since the last call as one batch, possibly without any. */
  take(nowMs: number): Buffer {
    if (this.#end === 0) this.#end = HEADER_BYTES
    const batch = Buffer.from(this.#bytes.subarray(0, this.#end))
    batch.writeUInt8(VERSION, 0)
    this.#node.copy(batch, 1)
    batch.writeUIntBE(nowMs, 9, 6)
    this.#end = 0
    this.#torrentAt = 0
    this.#clientCode = undefined
    return batch
  }

  peer(state: PeerState): void {
    if (state.clientCode !== this.#clientCode) this.#client(state.clientCode)
    const start = this.#open(PEER, state.infoHash)
    const bytes = this.#bytes
    const { address } = state
    let flags = state.role === 'seed' ? SEED : state.role === 'partial' ? PARTIAL : 0
    if (!address.isV4) flags |= V6
    if (state.isUnverifiedSeed) flags |= UNVERIFIED_SEED
    if (state.isVerifiedSeed) flags |= VERIFIED_SEED
    if (state.isUnreachable) flags |= UNREACHABLE
    if (state.isSlowToForward) flags |= SLOW_TO_FORWARD
    let at = start
    bytes[at++] = flags
    bytes[at++] = state.stalls
    at = write16(bytes, state.port, at)
    at = write16(bytes, state.lifetimeSeconds, at)
    at = write32(bytes, state.lastSeenMs, at)
    at = write32(bytes, state.leftKib, at)
    at = write32(bytes, state.downloadedKib, at)
    at = write32(bytes, state.identity, at)
    this.#close(start, writeAddress(bytes, address, at))
  }

  removed({ infoHash, address, port, atMs }: RemovedRecord): void {
    const start = this.#open(REMOVED, infoHash)
    this.#close(start, writeRef(this.#bytes, { address, port, announcedAtMs: atMs }, start))
  }

  introduction({ infoHash, ends }: IntroductionRecord): void {
    const start = this.#open(INTRODUCTION, infoHash)
    this.#close(start, writeRef(this.#bytes, ends[1], writeRef(this.#bytes, ends[0], start)))
  }

  lease({ infoHash, peer, sinceMs, version, endedBy, upstream, treeRank }: LeaseRecord): void {
    const start = this.#open(LEASE, infoHash)
    const bytes = this.#bytes
    bytes[start] = endedBy === undefined ? 0 : CAUSES.indexOf(endedBy) + 1
    let at = bytes.writeUIntBE(sinceMs, start + 1, 6)
    at = writeRef(bytes, peer, bytes.writeDoubleBE(version, at))
    if (upstream === undefined) bytes[at++] = 0
    else at = writeRef(bytes, upstream, at)
    this.#close(start, write32(bytes, treeRank, at))
  }

  gatewayHost({ infoHash, site, host, version }: GatewayHostRecord): void {
    const start = this.#open(GATEWAY_HOST, infoHash)
    const bytes = this.#bytes
    const at = bytes.writeDoubleBE(version, write32(bytes, host, start))
    this.#close(start, writeText(bytes, site, at))
  }

  completion({ infoHash, count, lastAtMs }: CompletionRecord): void {
    const start = this.#open(COMPLETION, infoHash)
    this.#close(start, this.#bytes.writeUIntBE(lastAtMs, write32(this.#bytes, count, start), 6))
  }

  observation({ infoHash, address, port, observation }: ObservationRecord): void {
    const start = this.#open(OBSERVATION, infoHash)
    const bytes = this.#bytes
    const { reachability, share, isComplete, isStalled, refusesNode, observedAtMs, sharePerSecond } =
      observation
    let flags =
      reachability === 'reachable'
        ? OBSERVED_REACHABLE
        : reachability === 'unreachable'
          ? OBSERVED_UNREACHABLE
          : 0
    if (share !== undefined) flags |= OBSERVED_SHARE
    if (isComplete) flags |= OBSERVED_COMPLETE
    if (isStalled) flags |= OBSERVED_STALLED
    if (refusesNode === true) flags |= OBSERVED_REFUSES_NODE
    bytes[start] = flags
    const at = bytes.writeFloatBE(
      sharePerSecond,
      write16(bytes, Math.round((share ?? 0) * SHARE_UNITS), start + 1),
    )
    this.#close(start, writeRef(bytes, { address, port, announcedAtMs: observedAtMs }, at))
  }

  siteCounts({ infoHash, seeds, leechers, partial, leftKib, downloaded }: SiteCountsRecord): void {
    const start = this.#open(SITE_COUNTS, infoHash)
    const bytes = this.#bytes
    const at = write32(bytes, partial, write32(bytes, leechers, write32(bytes, seeds, start)))
    this.#close(start, write32(bytes, downloaded, bytes.writeUIntBE(leftKib, at, 6)))
  }

  carrierNode({ name, isCarrying, endpoints }: CarrierNodeRecord): void {
    const start = this.#openBare(CARRIER_NODE)
    const bytes = this.#bytes
    bytes[start] = isCarrying ? CARRIES : 0
    let at = writeText(bytes, name, start + 1)
    bytes[at++] = endpoints.length
    for (const { address, port } of endpoints) {
      bytes[at] = address.isV4 ? 4 : 16
      at = write16(bytes, port, writeAddress(bytes, address, at + 1))
    }
    this.#close(start, at)
  }

  carriage({ infoHash, site, state }: CarriageRecord): void {
    const start = this.#open(CARRIAGE, infoHash)
    this.#bytes[start] = CARRIAGE_STATES.indexOf(state)
    this.#close(start, writeText(this.#bytes, site, start + 1))
  }

  #client(code: string | undefined): void {
    const start = this.#openBare(CLIENT)
    this.#clientCode = code
    // A length, because the next version may append fields to a record without a code too.
    const length = this.#bytes.write(code ?? '', start + 1, CODE_BYTES, 'latin1')
    this.#bytes[start] = length
    this.#close(start, start + 1 + length)
  }

  /** Makes room, writes the infohash where it differs from the current one, and returns the start of the body. */
  #open(type: number, infoHash: Buffer): number {
    this.#makeRoom()
    if (this.#torrentAt === 0 || !isAt(this.#bytes, infoHash, this.#torrentAt)) {
      this.#bytes[this.#end] = TORRENT
      const start = this.#end + RECORD_HEAD_BYTES
      this.#bytes.set(infoHash, start)
      this.#torrentAt = start
      this.#close(start, start + INFO_HASH_BYTES)
    }
    this.#bytes[this.#end] = type
    return this.#end + RECORD_HEAD_BYTES
  }

  #openBare(type: number): number {
    this.#makeRoom()
    this.#bytes[this.#end] = type
    return this.#end + RECORD_HEAD_BYTES
  }

  #makeRoom(): void {
    if (this.#end === 0) this.#end = HEADER_BYTES
    const needed = this.#end + RECORD_BYTES_MAX + RECORD_HEAD_BYTES + INFO_HASH_BYTES
    if (needed <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
    this.#bytes.copy(grown, 0, 0, this.#end)
    this.#bytes = grown
  }

  #close(start: number, end: number): void {
    write16(this.#bytes, end - start, start - 2)
    this.#end = end
  }
}

/** Infohashes nearly always differ in the first byte; the call of a native comparison takes longer. */
function isAt(bytes: Buffer, infoHash: Buffer, at: number): boolean {
  for (let index = 0; index < INFO_HASH_BYTES; index++)
    if (bytes[at + index] !== infoHash[index]) return false
  return true
}

function writeRef(bytes: Buffer, { address, port, announcedAtMs }: PeerRef, at: number): number {
  bytes[at] = address.isV4 ? 4 : 16
  return write32(bytes, announcedAtMs, write16(bytes, port, writeAddress(bytes, address, at + 1)))
}

/** At most 255 bytes, with their number in front. */
function writeText(bytes: Buffer, text: string, at: number): number {
  const length = bytes.write(text, at + 1, TEXT_BYTES_MAX)
  bytes[at] = length
  return at + 1 + length
}
