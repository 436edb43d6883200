/**
 * Reader of batches of site records: from the site log, from a snapshot, and from another site. Nothing here throws for
 * what it reads, because a batch comes from another program: malformed records are skipped and reported.
 */
import { INFO_HASH_BYTES } from '../core/info-hash.ts'
import { CODE_BYTES } from '../swarm/client-codes.ts'
import { byte, near, read16, read32, readAddress } from './big-endian.ts'
import type { CarrierEndpoint, PeerRef, RecordSink } from './records.ts'
import {
  VERSION,
  NODE_ID_BYTES,
  HEADER_BYTES,
  RECORD_HEAD_BYTES,
  PEER_ADDRESS_AT,
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

/** The node that wrote a batch, and when. */
export interface BatchHeader {
  readonly node: Buffer
  readonly atMs: number
}

/** undefined where it is not a batch of this version. */
export function readBatchHeader(batch: Buffer): BatchHeader | undefined {
  if (batch.length < HEADER_BYTES || batch[0] !== VERSION) return undefined
  return { node: batch.subarray(1, 1 + NODE_ID_BYTES), atMs: batch.readUIntBE(9, 6) }
}

/**
 * Hands each record of a batch to the sink, in order; infohashes are views into the batch. False where it is not a
 * batch, or where a part of it is malformed; the sink then has the other records.
 */
export function readBatch(batch: Buffer, sink: RecordSink): boolean {
  if (batch.length < HEADER_BYTES || batch[0] !== VERSION) return false
  const nowMs = batch.readUIntBE(9, 6)
  let infoHash: Buffer | undefined = undefined
  let clientCode: string | undefined = undefined
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
    } else if (type === CLIENT) {
      clientCode = readClientCode(batch, start, end)
    } else if (type === CARRIER_NODE) {
      isComplete = readCarrierNode(batch, start, end, sink) && isComplete
    } else if (type <= CARRIAGE) {
      isComplete =
        infoHash !== undefined &&
        readRecord({ batch, start, end, nowMs, clientCode }, type, infoHash, sink) &&
        isComplete
    }
    at = end
  }
  return isComplete
}

/** undefined where the peers that follow have none, and where it is malformed. */
function readClientCode(batch: Buffer, start: number, end: number): string | undefined {
  if (end - start < 1 + CODE_BYTES || byte(batch, start) !== CODE_BYTES) return undefined
  return batch.toString('latin1', start + 1, start + 1 + CODE_BYTES)
}

/** The body of one record, as a range of its batch. */
interface Body {
  readonly batch: Buffer
  readonly start: number
  readonly end: number
  readonly nowMs: number
  /** Of the peers. */
  readonly clientCode: string | undefined
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
    case OBSERVATION:
      return readObservation(body, infoHash, sink)
    case CARRIAGE: {
      const { batch, start, end } = body
      const state = CARRIAGE_STATES[byte(batch, start)]
      const site = readText(batch, start + 1, end)
      // A state that only the next version has.
      if (site !== undefined && state !== undefined) sink.carriage({ infoHash, site, state })
      return site !== undefined
    }
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

function readObservation(body: Body, infoHash: Buffer, sink: RecordSink): boolean {
  const { batch, start, end } = body
  if (end - start < 7) return false
  const ref = readRef(body, start + 7)
  const flags = byte(batch, start)
  const sharePerSecond = batch.readFloatBE(start + 3)
  if (ref === undefined || !(sharePerSecond >= 0 && sharePerSecond < Infinity)) return false
  const has = (flag: number) => (flags & flag) !== 0
  sink.observation({
    infoHash,
    address: ref.address,
    port: ref.port,
    observation: {
      reachability: has(OBSERVED_REACHABLE)
        ? 'reachable'
        : has(OBSERVED_UNREACHABLE)
          ? 'unreachable'
          : 'unknown',
      share: has(OBSERVED_SHARE) ? read16(batch, start + 1) / SHARE_UNITS : undefined,
      isComplete: has(OBSERVED_COMPLETE),
      isStalled: has(OBSERVED_STALLED),
      refusesNode: has(OBSERVED_REFUSES_NODE),
      observedAtMs: ref.announcedAtMs,
      sharePerSecond,
    },
  })
  return true
}

function readPeer(
  { batch, start, end, nowMs, clientCode }: Body,
  infoHash: Buffer,
  sink: RecordSink,
): boolean {
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
    clientCode,
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

function readCarrierNode(batch: Buffer, start: number, end: number, sink: RecordSink): boolean {
  const name = readText(batch, start + 1, end)
  if (name === undefined) return false
  let at = start + 2 + byte(batch, start + 1)
  if (at >= end) return false
  const endpoints: CarrierEndpoint[] = []
  for (let left = byte(batch, at++); left > 0; left--) {
    const length = at < end ? byte(batch, at) : 0
    const portAt = at + 1 + length
    if ((length !== 4 && length !== 16) || portAt + 2 > end) return false
    endpoints.push({ address: readAddress(batch, at + 1, length === 16), port: read16(batch, portAt) })
    at = portAt + 2
  }
  sink.carrierNode({ name, isCarrying: (byte(batch, start) & CARRIES) !== 0, endpoints })
  return true
}

/** undefined where it exceeds the record. */
function readText(batch: Buffer, at: number, end: number): string | undefined {
  if (at >= end) return undefined
  const textEnd = at + 1 + byte(batch, at)
  return textEnd > end ? undefined : batch.toString('utf8', at + 1, textEnd)
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
