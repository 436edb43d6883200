/**
 * Payloads of the frames between a worker and the owner of the swarm table: requests one way, responses the other way.
 * Both ends are of one build and one machine, so the payloads have no version and are not checked.
 */
import { Address } from '../../core/address.ts'
import type {
  AnnounceEvent,
  AnnounceReply,
  AnnounceRequest,
  Arrival,
  ScrapeCounts,
} from '../../core/announce.ts'
import { Refusal, type RefusalCode } from '../../core/errors.ts'
import { INFO_HASH_BYTES } from '../../core/info-hash.ts'
import type { FrameWriter } from './frames.ts'

/** Frames of a worker, and of the owner. */
export const kinds = { announce: 0, scrape: 1, reply: 2, counts: 3, refusal: 4, shared: 5 } as const

/*
  Announce => little-endian
     0  uint8     protocol         0 HTTP, 1 UDP
     1  uint8     event            index in EVENTS
     2  uint16    port
     4  uint32[4] address of the client
    20  int32     peers wanted     -1: not given
    24  double    downloaded
    32  double    uploaded
    40  double    left             NaN: not given
    48  byte[20]  info_hash
    68  byte[20]  peer_id
    88  uint16    length of the key
    90  uint8     length of the local address; 0: unknown
    91  byte[]    key, local address
*/
const ANNOUNCE_BYTES = 91

const EVENTS: readonly AnnounceEvent[] = ['none', 'started', 'completed', 'stopped', 'paused']

interface AnnounceOrder {
  readonly request: AnnounceRequest
  readonly from: Address
  readonly protocol: 'http' | 'udp'
  readonly arrival: Arrival | undefined
}

export function writeAnnounceOrder(
  frames: FrameWriter,
  id: number,
  { request, from, protocol, arrival }: AnnounceOrder,
): void {
  const { key } = request
  const localAddress = arrival?.localAddress ?? ''
  const max = ANNOUNCE_BYTES + key.length + localAddress.length
  const { bytes, at } = frames.begin(kinds.announce, id, max)
  bytes.writeUInt8(protocol === 'udp' ? 1 : 0, at)
  bytes.writeUInt8(EVENTS.indexOf(request.event), at + 1)
  bytes.writeUInt16LE(request.port, at + 2)
  writeAddress(bytes, at + 4, from)
  bytes.writeInt32LE(request.peersWanted ?? -1, at + 20)
  bytes.writeDoubleLE(request.downloadedBytes, at + 24)
  bytes.writeDoubleLE(request.uploadedBytes, at + 32)
  bytes.writeDoubleLE(request.leftBytes ?? Number.NaN, at + 40)
  request.infoHash.copy(bytes, at + 48)
  request.peerId.copy(bytes, at + 68)
  bytes.writeUInt16LE(key.length, at + 88)
  bytes.writeUInt8(localAddress.length, at + 90)
  key.copy(bytes, at + ANNOUNCE_BYTES)
  bytes.write(localAddress, at + ANNOUNCE_BYTES + key.length, 'latin1')
  frames.end(at + max)
}

export function readAnnounceOrder(payload: Buffer): AnnounceOrder {
  const peersWanted = payload.readInt32LE(20)
  const leftBytes = payload.readDoubleLE(40)
  const keyEnd = ANNOUNCE_BYTES + payload.readUInt16LE(88)
  const localEnd = keyEnd + payload.readUInt8(90)
  return {
    request: {
      infoHash: payload.subarray(48, 68),
      peerId: payload.subarray(68, 88),
      port: payload.readUInt16LE(2),
      downloadedBytes: payload.readDoubleLE(24),
      uploadedBytes: payload.readDoubleLE(32),
      leftBytes: Number.isNaN(leftBytes) ? undefined : leftBytes,
      event: EVENTS[payload.readUInt8(1)] as AnnounceEvent,
      peersWanted: peersWanted < 0 ? undefined : peersWanted,
      key: payload.subarray(ANNOUNCE_BYTES, keyEnd),
    },
    from: readAddress(payload, 4),
    protocol: payload.readUInt8(0) === 1 ? 'udp' : 'http',
    arrival: keyEnd === localEnd ? undefined : { localAddress: payload.toString('latin1', keyEnd, localEnd) },
  }
}

/*
  Reply => little-endian
     0  double[5] complete, incomplete, downloaded, interval, shortest interval
    40  uint32    length of peers4
    44  byte[]    peers4, peers6
*/
const REPLY_BYTES = 44

export function writeReply(frames: FrameWriter, id: number, reply: AnnounceReply): void {
  const { peers4, peers6 } = reply
  const max = REPLY_BYTES + peers4.length + peers6.length
  const { bytes, at } = frames.begin(kinds.reply, id, max)
  bytes.writeDoubleLE(reply.complete, at)
  bytes.writeDoubleLE(reply.incomplete, at + 8)
  bytes.writeDoubleLE(reply.downloaded, at + 16)
  bytes.writeDoubleLE(reply.intervalSeconds, at + 24)
  bytes.writeDoubleLE(reply.intervalSecondsMin, at + 32)
  bytes.writeUInt32LE(peers4.length, at + 40)
  peers4.copy(bytes, at + REPLY_BYTES)
  peers6.copy(bytes, at + REPLY_BYTES + peers4.length)
  frames.end(at + max)
}

/** The peers are views of the payload, which is never written again. */
export function readReply(payload: Buffer): AnnounceReply {
  const peers4End = REPLY_BYTES + payload.readUInt32LE(40)
  return {
    complete: payload.readDoubleLE(0),
    incomplete: payload.readDoubleLE(8),
    downloaded: payload.readDoubleLE(16),
    intervalSeconds: payload.readDoubleLE(24),
    intervalSecondsMin: payload.readDoubleLE(32),
    peers4: payload.subarray(REPLY_BYTES, peers4End),
    peers6: payload.subarray(peers4End),
  }
}

/*
  Scrape => uint32[4] address of the client, byte[20] for each info_hash
  Counts => little-endian, for each: double[4] complete, downloaded, downloaders, incomplete
*/
const ADDRESS_BYTES = 16
const COUNTS_BYTES = 32

export function writeScrapeOrder(
  frames: FrameWriter,
  id: number,
  infoHashes: readonly Buffer[],
  from: Address,
): void {
  const { bytes, at } = frames.begin(kinds.scrape, id, ADDRESS_BYTES + infoHashes.length * INFO_HASH_BYTES)
  writeAddress(bytes, at, from)
  let end = at + ADDRESS_BYTES
  for (const infoHash of infoHashes) end += infoHash.copy(bytes, end)
  frames.end(end)
}

export function readScrapeOrder(payload: Buffer): {
  readonly infoHashes: readonly Buffer[]
  readonly from: Address
} {
  const count = (payload.length - ADDRESS_BYTES) / INFO_HASH_BYTES
  const infoHashes = Array.from({ length: count }, (_, index) => {
    const at = ADDRESS_BYTES + index * INFO_HASH_BYTES
    return payload.subarray(at, at + INFO_HASH_BYTES)
  })
  return { infoHashes, from: readAddress(payload, 0) }
}

export function writeCounts(frames: FrameWriter, id: number, counts: readonly ScrapeCounts[]): void {
  const { bytes, at } = frames.begin(kinds.counts, id, counts.length * COUNTS_BYTES)
  let end = at
  for (const { complete, downloaded, downloaders, incomplete } of counts)
    for (const value of [complete, downloaded, downloaders, incomplete]) end = bytes.writeDoubleLE(value, end)
  frames.end(end)
}

export function readCounts(payload: Buffer): ScrapeCounts[] {
  return Array.from({ length: payload.length / COUNTS_BYTES }, (_, index) => {
    const at = index * COUNTS_BYTES
    return {
      complete: payload.readDoubleLE(at),
      downloaded: payload.readDoubleLE(at + 8),
      downloaders: payload.readDoubleLE(at + 16),
      incomplete: payload.readDoubleLE(at + 24),
    }
  })
}

export function writeRefusal(frames: FrameWriter, id: number, { code, detail }: Refusal): void {
  frames.add(kinds.refusal, id, Buffer.from(JSON.stringify([code, detail])))
}

export function readRefusal(payload: Buffer): Refusal {
  const [code, detail] = JSON.parse(payload.toString()) as [RefusalCode, string | null]
  return new Refusal(code, detail ?? undefined)
}

/** State of the site that the workers need for UDP connection ids. */
export interface SharedState {
  readonly secrets: readonly Buffer[]
  /** Of the clock of the site, ahead of that of the machine. */
  readonly clockOffsetMs: number
}

export function writeSharedState(frames: FrameWriter, { secrets, clockOffsetMs }: SharedState): void {
  const encoded = secrets.map((secret) => secret.toString('hex'))
  frames.add(kinds.shared, 0, Buffer.from(JSON.stringify([encoded, clockOffsetMs])))
}

export function readSharedState(payload: Buffer): SharedState {
  const [secrets, clockOffsetMs] = JSON.parse(payload.toString()) as [string[], number]
  return { secrets: secrets.map((secret) => Buffer.from(secret, 'hex')), clockOffsetMs }
}

function writeAddress(bytes: Buffer, at: number, { word0, word1, word2, word3 }: Address): void {
  bytes.writeUInt32LE(word0, at)
  bytes.writeUInt32LE(word1, at + 4)
  bytes.writeUInt32LE(word2, at + 8)
  bytes.writeUInt32LE(word3, at + 12)
}

function readAddress(bytes: Buffer, at: number): Address {
  return new Address(
    bytes.readUInt32LE(at),
    bytes.readUInt32LE(at + 4),
    bytes.readUInt32LE(at + 8),
    bytes.readUInt32LE(at + 12),
  )
}
