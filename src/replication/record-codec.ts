/**
 * Batches of site records as bytes: the content of the site log, of a snapshot, and of updates between sites.
 *
 * A node of the next version may append fields to a record and add types of records: each record has a length, and
 * unknown fields and types are skipped. A change that cannot be skipped gets a new version, and this node then rejects
 * the whole batch. Reading never throws: a batch comes from another program.
 */
import { assert } from '../core/assert.ts'
import { INFO_HASH_BYTES } from '../core/info-hash.ts'
import type { ElectionCause } from '../core/tracker-metrics.ts'
import type { PeerState } from '../swarm/peer-state.ts'
import { byte, near, read16, read32, readAddress, write16, write32, writeAddress } from './big-endian.ts'
import type {
  CompletionRecord,
  GatewayHostRecord,
  IntroductionRecord,
  LeaseRecord,
  PeerRef,
  RecordSink,
  RemovedRecord,
  SiteCountsRecord,
} from './records.ts'

/*
  Batch => big-endian
     0  uint8     version        1
     1  byte[8]   node           its writer
     9  uint48    time           of writing; milliseconds since 1970
    15  Record[]

  Record =>
     0  uint8     type
     1  uint16    length         of the body
     3  byte[length]

  A time of 32 bits is modulo 2^32 milliseconds and means the one nearest to the time of the batch.

  1 Torrent     byte[20] infohash of the records that follow
  2 Peer        uint8 flags, uint8 stalls, uint16 port, uint16 lifetime in seconds, uint32 last_seen,
                uint32 left, uint32 downloaded in KiB, uint32 identity, byte[4 or 16] address by the flag v6
  3 Removed     Ref
  4 Introduction Ref, Ref
  5 Lease       uint8 state (0 held, else 1 + index of the cause that ended it), uint48 since, double version (see lease-version.ts),
                Ref peer, Ref upstream, of length 0 where there is none, uint32 tree rank (0 where it is missing)
  6 GatewayHost uint32 host, double version, uint8 length, byte[length] site name in UTF-8
  7 Completion  uint32 count, uint48 last_at
  8 SiteCounts  uint32 seeds, uint32 leechers, uint32 partial, uint48 left in KiB, uint32 downloaded

  Ref => uint8 length of the address (4, 16, or 0: no peer, and nothing follows), address, uint16 port, uint32 announced_at
*/
const VERSION = 1
export const NODE_ID_BYTES = 8
const HEADER_BYTES = 15
const RECORD_HEAD_BYTES = 3
const PEER_ADDRESS_AT = 22

const TORRENT = 1
const PEER = 2
const REMOVED = 3
const INTRODUCTION = 4
const LEASE = 5
const GATEWAY_HOST = 6
const COMPLETION = 7
const SITE_COUNTS = 8

const SEED = 1
const PARTIAL = 2
const V6 = 4
const UNVERIFIED_SEED = 8
const VERIFIED_SEED = 16
const UNREACHABLE = 32
const SLOW_TO_FORWARD = 64

/** The wire format contains the index: append only. */
const CAUSES: readonly ElectionCause[] = ['first', 'stopped', 'expired', 'stalled', 'added', 'surplus']

/** The longest record is a gateway host with a site name of 255 bytes. */
const RECORD_BYTES_MAX = RECORD_HEAD_BYTES + 13 + 255
const FIRST_BYTES = 4096

export class BatchWriter implements RecordSink {
  readonly #node: Buffer
  #bytes = Buffer.allocUnsafe(FIRST_BYTES)
  #end = 0
  /** Position of the current infohash, which also applies to the next record of that torrent; 0 before the first. */
  #torrentAt = 0

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
    return batch
  }

  peer(state: PeerState): void {
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
    const length = bytes.write(site, at + 1, 255)
    bytes[at] = length
    this.#close(start, at + 1 + length)
  }

  completion({ infoHash, count, lastAtMs }: CompletionRecord): void {
    const start = this.#open(COMPLETION, infoHash)
    this.#close(start, this.#bytes.writeUIntBE(lastAtMs, write32(this.#bytes, count, start), 6))
  }

  siteCounts({ infoHash, seeds, leechers, partial, leftKib, downloaded }: SiteCountsRecord): void {
    const start = this.#open(SITE_COUNTS, infoHash)
    const bytes = this.#bytes
    const at = write32(bytes, partial, write32(bytes, leechers, write32(bytes, seeds, start)))
    this.#close(start, write32(bytes, downloaded, bytes.writeUIntBE(leftKib, at, 6)))
  }

  /** Makes room, writes the infohash where it differs from the current one, and returns the start of the body. */
  #open(type: number, infoHash: Buffer): number {
    if (this.#end === 0) this.#end = HEADER_BYTES
    const needed = this.#end + RECORD_BYTES_MAX + RECORD_HEAD_BYTES + INFO_HASH_BYTES
    if (needed > this.#bytes.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2))
      this.#bytes.copy(grown, 0, 0, this.#end)
      this.#bytes = grown
    }
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

/**
 * Hands each record of a batch to the sink, in order; infohashes are views into the batch. False where it is not a
 * batch, or where a part of it is malformed; the sink then has the other records.
 */
export function readBatch(batch: Buffer, sink: RecordSink): boolean {
  if (batch.length < HEADER_BYTES || batch[0] !== VERSION) return false
  const nowMs = batch.readUIntBE(9, 6)
  let infoHash: Buffer | undefined = undefined
  let isComplete = true
  for (let at = HEADER_BYTES; at < batch.length;) {
    const start = at + RECORD_HEAD_BYTES
    if (start > batch.length) return false
    const end = start + ((byte(batch, at + 1) << 8) | byte(batch, at + 2))
    if (end > batch.length) return false
    const type = byte(batch, at)
    if (type === TORRENT) {
      infoHash = end - start < INFO_HASH_BYTES ? undefined : batch.subarray(start, start + INFO_HASH_BYTES)
      isComplete &&= infoHash !== undefined
    } else if (type <= SITE_COUNTS) {
      isComplete =
        infoHash !== undefined && readRecord({ batch, start, end, nowMs }, type, infoHash, sink) && isComplete
    }
    at = end
  }
  return isComplete
}

/** The body of one record, as a range of its batch. */
interface Body {
  readonly batch: Buffer
  readonly start: number
  readonly end: number
  readonly nowMs: number
}

function readRecord(body: Body, type: number, infoHash: Buffer, sink: RecordSink): boolean {
  switch (type) {
    case PEER:
      return readPeer(body, infoHash, sink)
    case REMOVED: {
      const ref = readRef(body, body.start)
      if (ref === undefined) return false
      sink.removed({ infoHash, address: ref.address, port: ref.port, atMs: ref.announcedAtMs })
      return true
    }
    case INTRODUCTION: {
      const first = readRef(body, body.start)
      const second = first === undefined ? undefined : readRef(body, refEnd(body.batch, body.start))
      if (first === undefined || second === undefined) return false
      sink.introduction({ infoHash, ends: [first, second] })
      return true
    }
    case LEASE:
      return readLease(body, infoHash, sink)
    case GATEWAY_HOST:
      return readGatewayHost(body, infoHash, sink)
    case COMPLETION: {
      const { batch, start, end } = body
      if (end - start < 10) return false
      sink.completion({ infoHash, count: read32(batch, start), lastAtMs: batch.readUIntBE(start + 4, 6) })
      return true
    }
    case SITE_COUNTS:
      return readSiteCounts(body, infoHash, sink)
    default:
      return false
  }
}

function readSiteCounts({ batch, start, end }: Body, infoHash: Buffer, sink: RecordSink): boolean {
  if (end - start < 22) return false
  const [seeds, leechers, partial] = [
    read32(batch, start),
    read32(batch, start + 4),
    read32(batch, start + 8),
  ]
  const leftKib = batch.readUIntBE(start + 12, 6)
  sink.siteCounts({ infoHash, seeds, leechers, partial, leftKib, downloaded: read32(batch, start + 18) })
  return true
}

function readPeer({ batch, start, end, nowMs }: Body, infoHash: Buffer, sink: RecordSink): boolean {
  if (end - start < PEER_ADDRESS_AT + 4) return false
  const flags = byte(batch, start)
  const has = (flag: number) => (flags & flag) !== 0
  if (has(V6) && end - start < PEER_ADDRESS_AT + 16) return false
  const port = read16(batch, start + 2)
  if (port === 0) return false
  sink.peer({
    infoHash,
    address: readAddress(batch, start + PEER_ADDRESS_AT, has(V6)),
    port,
    identity: read32(batch, start + 18),
    role: has(SEED) ? 'seed' : has(PARTIAL) ? 'partial' : 'leecher',
    leftKib: read32(batch, start + 10),
    downloadedKib: read32(batch, start + 14),
    lastSeenMs: near(nowMs, read32(batch, start + 6)),
    lifetimeSeconds: read16(batch, start + 4),
    stalls: byte(batch, start + 1),
    isUnverifiedSeed: has(UNVERIFIED_SEED),
    isVerifiedSeed: has(VERIFIED_SEED),
    isUnreachable: has(UNREACHABLE),
    isSlowToForward: has(SLOW_TO_FORWARD),
  })
  return true
}

function readLease(body: Body, infoHash: Buffer, sink: RecordSink): boolean {
  const { batch, start, end } = body
  if (end - start < 15) return false
  const state = byte(batch, start)
  const peer = readRef(body, start + 15)
  if (peer === undefined) return false
  const version = batch.readDoubleBE(start + 7)
  if (!Number.isSafeInteger(version) || version < 0) return false
  const upstreamAt = refEnd(batch, start + 15)
  if (upstreamAt >= end) return false
  const upstream = byte(batch, upstreamAt) === 0 ? undefined : readRef(body, upstreamAt)
  if (upstream === undefined && byte(batch, upstreamAt) !== 0) return false
  const orderAt = upstream === undefined ? upstreamAt + 1 : refEnd(batch, upstreamAt)
  sink.lease({
    infoHash,
    peer,
    sinceMs: batch.readUIntBE(start + 1, 6),
    version,
    // A cause that only the next version has still ends the lease.
    endedBy: state === 0 ? undefined : (CAUSES[state - 1] ?? 'stopped'),
    upstream,
    treeRank: orderAt + 4 <= end ? read32(batch, orderAt) : 0,
  })
  return true
}

function readGatewayHost({ batch, start, end }: Body, infoHash: Buffer, sink: RecordSink): boolean {
  if (end - start < 13) return false
  const nameEnd = start + 13 + byte(batch, start + 12)
  const version = batch.readDoubleBE(start + 4)
  if (nameEnd > end || !Number.isSafeInteger(version) || version < 0) return false
  sink.gatewayHost({
    infoHash,
    site: batch.toString('utf8', start + 13, nameEnd),
    host: read32(batch, start),
    version,
  })
  return true
}

/** undefined where there is none, or where it exceeds the record. */
function readRef({ batch, end, nowMs }: Body, at: number): PeerRef | undefined {
  if (at >= end) return undefined
  const length = byte(batch, at)
  if ((length !== 4 && length !== 16) || at + length + 7 > end) return undefined
  const portAt = at + 1 + length
  const port = read16(batch, portAt)
  if (port === 0) return undefined
  const address = readAddress(batch, at + 1, length === 16)
  return { address, port, announcedAtMs: near(nowMs, read32(batch, portAt + 2)) }
}

/** End of the ref at this position, by its own length: 16 bytes may hold an IPv4 address. */
function refEnd(batch: Buffer, at: number): number {
  return at + 1 + byte(batch, at) + 6
}

function writeRef(bytes: Buffer, { address, port, announcedAtMs }: PeerRef, at: number): number {
  bytes[at] = address.isV4 ? 4 : 16
  return write32(bytes, announcedAtMs, write16(bytes, port, writeAddress(bytes, address, at + 1)))
}
