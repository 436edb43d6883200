/**
 * UDP announce (BEP 15): one fixed layout, optionally followed by BEP 41 options.
 *
 * The caller has verified the connection id, so the address of the sender is proven and a refusal may be sent back.
 */
import type { AnnounceEvent, AnnounceReply, AnnounceRequest } from '../../core/announce.ts'
import { assert } from '../../core/assert.ts'
import { Refusal } from '../../core/errors.ts'
import { PEERS_WANTED_DEFAULT, PEERS_WANTED_MAX } from '../../core/limits.ts'
import { actions, type RequestHead, writeResponseHead, writeRequestHead } from './header.ts'
import { readUrlData, writeUrlData } from './url-data.ts'

/*
  AnnounceRequest => 98 bytes, then options
     0  uint64   connection_id    verified by the caller
     8  uint32   action           1
    12  uint32   transaction_id   echoed in the response
    16  byte[20] info_hash
    36  byte[20] peer_id
    56  int64    downloaded
    64  int64    left             0: a seed. 2^63-1 (Transmission) and -1 (anacrolix): a magnet without metadata
    72  int64    uploaded
    80  uint32   event            0 none, 1 completed, 2 started, 3 stopped, 4 paused (libtorrent)
    84  uint32   ip               ignored: the source address decides
    88  uint32   key              ignored, see below
    92  int32    num_want         negative: the tracker chooses; 0: none
    96  uint16   port
    98  options                   BEP 41
*/
const REQUEST_BYTES = 98

/** The longest of libtorrent has 355 bytes. No client sends one that exceeds an Ethernet frame. */
const REQUEST_BYTES_MAX = 1_500

/** The index is the number on the wire. */
const EVENTS: readonly AnnounceEvent[] = ['none', 'completed', 'started', 'stopped', 'paused']

/**
 * `key` never identifies a peer here: aria2 sends a random one in every datagram and WebTorrent always 0. With an
 * empty key, peer id and address identify the peer; with the real one, every announce of aria2 would count as a new
 * client.
 */
const NO_KEY = Buffer.alloc(0)

export interface UdpAnnounce extends AnnounceRequest {
  /** Path and query of the announce URL, where the client sends them (BEP 41). */
  readonly urlData: Buffer
}

/** Throws a `Refusal` that names the problem. Other invalid values count as absent, as over HTTP. */
export function readAnnounce(packet: Buffer): UdpAnnounce {
  if (packet.length < REQUEST_BYTES) {
    throw new Refusal('TRK_REQUEST_MALFORMED', `an announce has at least ${REQUEST_BYTES} bytes`)
  }
  if (packet.length > REQUEST_BYTES_MAX) {
    throw new Refusal('TRK_REQUEST_TOO_LONG', `an announce has at most ${REQUEST_BYTES_MAX} bytes`)
  }
  // Unknown events are treated as none: refusing them locks out clients newer than this file.
  const event = EVENTS[packet.readUInt32BE(80)] ?? 'none'
  const port = packet.readUInt16BE(96)
  if (port === 0 && event !== 'stopped') throw new Refusal('TRK_PORT_INVALID')

  const peersWanted = packet.readInt32BE(92)
  const leftBytes = readQuantity(packet, 64)
  return {
    infoHash: packet.subarray(16, 36),
    peerId: packet.subarray(36, 56),
    port,
    downloadedBytes: Math.max(readQuantity(packet, 56), 0),
    uploadedBytes: Math.max(readQuantity(packet, 72), 0),
    leftBytes: leftBytes < 0 ? undefined : leftBytes,
    event,
    peersWanted: peersWanted < 0 ? undefined : Math.min(peersWanted, PEERS_WANTED_MAX),
    key: NO_KEY,
    urlData: readUrlData(packet, REQUEST_BYTES),
  }
}

/** For clients. Up to 4 bytes of a key are sent, though trackers should ignore them. */
export function writeAnnounce(head: RequestHead, announce: UdpAnnounce): Buffer {
  const packet = Buffer.alloc(REQUEST_BYTES)
  writeRequestHead(packet, actions.announce, head)
  announce.infoHash.copy(packet, 16, 0, 20)
  announce.peerId.copy(packet, 36, 0, 20)
  packet.writeBigInt64BE(BigInt(announce.downloadedBytes), 56)
  packet.writeBigInt64BE(BigInt(announce.leftBytes ?? -1), 64)
  packet.writeBigInt64BE(BigInt(announce.uploadedBytes), 72)
  packet.writeUInt32BE(EVENTS.indexOf(announce.event), 80)
  announce.key.copy(packet, 88, 0, 4)
  packet.writeInt32BE(announce.peersWanted ?? -1, 92)
  packet.writeUInt16BE(announce.port, 96)
  return Buffer.concat([packet, writeUrlData(announce.urlData)])
}

/** A signed 64-bit number; -1 for all negative ones, and saturated at 2^53-1. BigInt would be slow. */
function readQuantity(packet: Buffer, offset: number): number {
  const high = packet.readInt32BE(offset)
  if (high < 0) return -1
  if (high >= EXACT_HIGH_WORDS) return Number.MAX_SAFE_INTEGER
  return high * 0x1_0000_0000 + packet.readUInt32BE(offset + 4)
}

const EXACT_HIGH_WORDS = 2 ** 21

/*
  AnnounceResponse => 20 bytes, then 6 (IPv4) or 18 (IPv6) for each peer; the family of the packet decides
     0  uint32   action           1
     4  uint32   transaction_id
     8  int32    interval
    12  int32    leechers         before the seeders, unlike in a scrape
    16  int32    seeders
    20  peers                     address, uint16 port
*/
const RESPONSE_BYTES = 20
const PEER_BYTES_V4 = 6
const PEER_BYTES_V6 = 18

/**
 * rtorrent reads 512 bytes of a response and silently loses the rest. 27 IPv6 peers take 506 bytes; 82 IPv4 peers
 * would fit, and 80 take 500.
 */
const PEERS_V4_MAX = 80
const PEERS_V6_MAX = 27

const RESPONSE_BYTES_RTORRENT = 512
assert(
  RESPONSE_BYTES + PEERS_V4_MAX * PEER_BYTES_V4 <= RESPONSE_BYTES_RTORRENT,
  'rtorrent reads all IPv4 peers',
)
assert(
  RESPONSE_BYTES + PEERS_V6_MAX * PEER_BYTES_V6 <= RESPONSE_BYTES_RTORRENT,
  'rtorrent reads all IPv6 peers',
)

/** The number of peers to request from the tracker: those that do not fit would count as introduced and reach no client. */
export function peersThatFit(peersWanted: number | undefined, isV4: boolean): number {
  return Math.min(peersWanted ?? PEERS_WANTED_DEFAULT, isV4 ? PEERS_V4_MAX : PEERS_V6_MAX)
}

/** Writes the peers of the family of the packet, the first ones that fit. */
export function writeAnnounceResponse(transactionId: number, reply: AnnounceReply, isV4: boolean): Buffer {
  const peers = isV4 ? reply.peers4 : reply.peers6
  const peersBytes = Math.min(
    peers.length,
    isV4 ? PEERS_V4_MAX * PEER_BYTES_V4 : PEERS_V6_MAX * PEER_BYTES_V6,
  )
  const packet = Buffer.allocUnsafe(RESPONSE_BYTES + peersBytes)
  writeResponseHead(packet, actions.announce, transactionId)
  packet.writeInt32BE(reply.intervalSeconds, 8)
  packet.writeInt32BE(reply.incomplete, 12)
  packet.writeInt32BE(reply.complete, 16)
  peers.copy(packet, RESPONSE_BYTES, 0, peersBytes)
  return packet
}

export type UdpAnnounceResponse = Pick<
  AnnounceReply,
  'intervalSeconds' | 'incomplete' | 'complete' | 'peers4' | 'peers6'
>

/** Reads a packet for which `isResponse` is true. undefined where it ends too early, or inside a peer, as in libtorrent. */
export function readAnnounceResponse(packet: Buffer, isV4: boolean): UdpAnnounceResponse | undefined {
  const peers = packet.subarray(RESPONSE_BYTES)
  if (packet.length < RESPONSE_BYTES || peers.length % (isV4 ? PEER_BYTES_V4 : PEER_BYTES_V6) !== 0)
    return undefined
  return {
    intervalSeconds: packet.readInt32BE(8),
    incomplete: packet.readInt32BE(12),
    complete: packet.readInt32BE(16),
    peers4: isV4 ? peers : NO_PEERS,
    peers6: isV4 ? NO_PEERS : peers,
  }
}

const NO_PEERS = Buffer.alloc(0)
