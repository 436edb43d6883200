/**
 * Frames of the connection between the carriers of two nodes. Both directions have the same frames, and all torrents
 * share the connection.
 *
 * A node subscribes to a torrent at the site of the other node and chooses the number of the channel. Frames about the
 * torrent carry that number: `subscribe`, `request`, `cancel` and `unsubscribe` from the subscriber, the others from the
 * publisher. Numbers of the two directions are independent.
 */
import { INFO_HASH_BYTES } from '../../core/info-hash.ts'
import { BLOCK_BYTES_MAX, PIECES_MAX } from '../../core/limits.ts'
import type { Block } from '../../wire/peer/block.ts'

export const LINK_VERSION = 1
/** Channels of one direction: as many torrents as a node carries at the same time. */
export const CHANNELS_MAX = 65_536
/** Sites on the way to a source. */
const PATH_SITES_MAX = 64
const SITE_NAME_BYTES_MAX = 255
/** Digits of the identity of a node, two a byte. */
export const NODE_DIGITS = 16
const NODE_BYTES = NODE_DIGITS / 2

/*
  Frame => 5 + n bytes, big-endian
     0  uint32    1 + n
     4  uint8     type
     5  byte[n]   body
*/
export const FRAME_HEAD_BYTES = 5
export const LENGTH_BYTES = 4
/** The longest frame is `pieces` with PIECES_MAX bits. */
export const FRAME_BYTES_MAX = 1 + 8 + PIECES_MAX / 8

const frameTypes = {
  hello: 1,
  subscribe: 2,
  unsubscribe: 3,
  state: 4,
  pieces: 5,
  available: 6,
  request: 7,
  cancel: 8,
  block: 9,
  invalid: 10,
  ping: 11,
} as const

/** The publisher's place in the tree, and what it can deliver besides its pieces. */
export interface CarrierState {
  readonly hasSource: boolean
  readonly rank: number | undefined
  readonly sitesFed: number
  /** Zero where their number is not known. */
  readonly pieces: number
  readonly path: readonly string[]
}

export type Frame =
  | { readonly kind: 'hello'; readonly version: number; readonly node: string; readonly site: string }
  | { readonly kind: 'subscribe'; readonly channel: number; readonly infoHash: Buffer }
  | { readonly kind: 'unsubscribe'; readonly channel: number }
  | ({ readonly kind: 'state'; readonly channel: number } & CarrierState)
  /** Replaces all pieces of the publisher. */
  | { readonly kind: 'pieces'; readonly channel: number; readonly bits: Buffer }
  | { readonly kind: 'available'; readonly channel: number; readonly pieces: readonly number[] }
  | ({ readonly kind: 'request' | 'cancel'; readonly channel: number } & Block)
  | { readonly kind: 'block'; readonly channel: number; readonly block: Block; readonly data: Buffer }
  | { readonly kind: 'invalid'; readonly channel: number; readonly piece: number }
  | { readonly kind: 'ping' }

/*
  Ping => no body. The next frame of the other side is its answer: both sides send one a second.
*/
export const PING = start(frameTypes.ping, 0)

/*
  Hello => the first frame of each direction
     0  uint8     version
     1  byte[8]   identity of the node, another one for each start of its process
     9  byte[n]   name of the site, UTF-8
*/
export function writeHello(node: string, site: string): Buffer {
  const name = Buffer.from(site, 'utf8')
  const frame = start(frameTypes.hello, 1 + NODE_BYTES + name.length)
  frame[FRAME_HEAD_BYTES] = LINK_VERSION
  frame.write(node, FRAME_HEAD_BYTES + 1, NODE_BYTES, 'hex')
  name.copy(frame, FRAME_HEAD_BYTES + 1 + NODE_BYTES)
  return frame
}

/*
  Subscribe
     0  uint32    channel
     4  byte[20]  infohash
  Unsubscribe
     0  uint32    channel
*/
export function writeSubscribe(channel: number, infoHash: Buffer): Buffer {
  const frame = startChannel(frameTypes.subscribe, channel, INFO_HASH_BYTES)
  infoHash.copy(frame, FRAME_HEAD_BYTES + 4)
  return frame
}

export function writeUnsubscribe(channel: number): Buffer {
  return startChannel(frameTypes.unsubscribe, channel, 0)
}

/*
  State
     0  uint32    channel
     4  uint8     1: a client of the site has all pieces
     5  uint32    rank; 2^32 - 1: no rank
     9  uint16    sites fed
    11  uint32    pieces of the torrent
    15  uint8     sites of the path, each:
           uint8     length
           byte[]    name, UTF-8
*/
const NO_RANK = 0xffff_ffff

export function writeState(channel: number, state: CarrierState): Buffer {
  const names = state.path.slice(0, PATH_SITES_MAX).map((site) => Buffer.from(site, 'utf8'))
  const bytes = names.reduce((sum, { length }) => sum + 1 + length, 0)
  const frame = startChannel(frameTypes.state, channel, 12 + bytes)
  const body = FRAME_HEAD_BYTES
  frame[body + 4] = state.hasSource ? 1 : 0
  frame.writeUInt32BE(state.rank ?? NO_RANK, body + 5)
  frame.writeUInt16BE(Math.min(0xffff, state.sitesFed), body + 9)
  frame.writeUInt32BE(state.pieces, body + 11)
  frame[body + 15] = names.length
  let at = body + 16
  for (const name of names) {
    frame[at] = Math.min(SITE_NAME_BYTES_MAX, name.length)
    name.copy(frame, at + 1)
    at += 1 + name.length
  }
  return frame
}

/*
  Pieces
     0  uint32    channel
     4  byte[n]   one bit a piece, highest bit first
  Available
     0  uint32    channel
     4  uint32[n] pieces
  Invalid
     0  uint32    channel
     4  uint32    piece
*/
export function writePieces(channel: number, bits: Uint8Array): Buffer {
  const frame = startChannel(frameTypes.pieces, channel, bits.length)
  frame.set(bits, FRAME_HEAD_BYTES + 4)
  return frame
}

export function writeAvailable(channel: number, pieces: readonly number[]): Buffer {
  const frame = startChannel(frameTypes.available, channel, 4 * pieces.length)
  for (const [index, piece] of pieces.entries()) frame.writeUInt32BE(piece, FRAME_HEAD_BYTES + 4 + 4 * index)
  return frame
}

export function writeInvalid(channel: number, piece: number): Buffer {
  const frame = startChannel(frameTypes.invalid, channel, 4)
  frame.writeUInt32BE(piece, FRAME_HEAD_BYTES + 4)
  return frame
}

/*
  Request | Cancel
     0  uint32    channel
     4  uint32    piece
     8  uint32    begin
    12  uint32    length, 1 … 16,384
  Block
     0  uint32    channel
     4  uint32    piece
     8  uint32    begin
    12  byte[n]   the block
*/
export function writeBlockRequest(kind: 'request' | 'cancel', channel: number, block: Block): Buffer {
  const frame = startChannel(frameTypes[kind], channel, 12)
  frame.writeUInt32BE(block.piece, FRAME_HEAD_BYTES + 4)
  frame.writeUInt32BE(block.begin, FRAME_HEAD_BYTES + 8)
  frame.writeUInt32BE(block.length, FRAME_HEAD_BYTES + 12)
  return frame
}

/** The bytes before the block, which follows on the socket. */
export function writeBlockHead(channel: number, { piece, begin, length }: Block): Buffer {
  const head = startChannel(frameTypes.block, channel, 8)
  head.writeUInt32BE(1 + 12 + length, 0)
  head.writeUInt32BE(piece, FRAME_HEAD_BYTES + 4)
  head.writeUInt32BE(begin, FRAME_HEAD_BYTES + 8)
  return head
}

/** Undefined for a malformed frame. `body` is kept by frames with bytes. */
export function readFrame(type: number, body: Buffer): Frame | undefined {
  if (type === frameTypes.ping) return body.length === 0 ? { kind: 'ping' } : undefined
  if (type === frameTypes.hello) return readHello(body)
  if (body.length < 4) return undefined
  const channel = body.readUInt32BE(0)
  if (channel >= CHANNELS_MAX) return undefined
  const rest = body.subarray(4)
  switch (type) {
    case frameTypes.subscribe:
      return rest.length === INFO_HASH_BYTES ? { kind: 'subscribe', channel, infoHash: rest } : undefined
    case frameTypes.unsubscribe:
      return rest.length === 0 ? { kind: 'unsubscribe', channel } : undefined
    case frameTypes.state:
      return readState(channel, rest)
    case frameTypes.pieces:
      return rest.length <= PIECES_MAX / 8 ? { kind: 'pieces', channel, bits: rest } : undefined
    case frameTypes.available:
      return readAvailable(channel, rest)
    case frameTypes.request:
    case frameTypes.cancel:
      return readBlockRequest(type === frameTypes.request ? 'request' : 'cancel', channel, rest)
    case frameTypes.block:
      return readBlock(channel, rest)
    case frameTypes.invalid:
      return rest.length === 4 ? { kind: 'invalid', channel, piece: rest.readUInt32BE(0) } : undefined
    default:
      return undefined
  }
}

function readHello(body: Buffer): Frame | undefined {
  const nameAt = 1 + NODE_BYTES
  if (body.length <= nameAt || body.length > nameAt + SITE_NAME_BYTES_MAX) return undefined
  const node = body.toString('hex', 1, nameAt)
  return { kind: 'hello', version: body[0] as number, node, site: body.toString('utf8', nameAt) }
}

function readState(channel: number, rest: Buffer): Frame | undefined {
  if (rest.length < 12) return undefined
  const rank = rest.readUInt32BE(1)
  const pieces = rest.readUInt32BE(7)
  const count = rest[11] as number
  if (pieces > PIECES_MAX || count > PATH_SITES_MAX) return undefined
  const path: string[] = []
  let at = 12
  while (path.length < count) {
    const length = rest[at]
    if (length === undefined || at + 1 + length > rest.length) return undefined
    path.push(rest.toString('utf8', at + 1, at + 1 + length))
    at += 1 + length
  }
  if (at !== rest.length) return undefined
  const hasSource = rest[0] === 1
  const sitesFed = rest.readUInt16BE(5)
  return {
    kind: 'state',
    channel,
    hasSource,
    rank: rank === NO_RANK ? undefined : rank,
    sitesFed,
    pieces,
    path,
  }
}

function readAvailable(channel: number, rest: Buffer): Frame | undefined {
  if (rest.length === 0 || rest.length % 4 !== 0) return undefined
  const pieces: number[] = []
  for (let at = 0; at < rest.length; at += 4) {
    const piece = rest.readUInt32BE(at)
    if (piece >= PIECES_MAX) return undefined
    pieces.push(piece)
  }
  return { kind: 'available', channel, pieces }
}

function readBlockRequest(kind: 'request' | 'cancel', channel: number, rest: Buffer): Frame | undefined {
  if (rest.length !== 12) return undefined
  const block = { piece: rest.readUInt32BE(0), begin: rest.readUInt32BE(4), length: rest.readUInt32BE(8) }
  return isBlock(block) ? { kind, channel, ...block } : undefined
}

function readBlock(channel: number, rest: Buffer): Frame | undefined {
  if (rest.length < 8) return undefined
  const data = rest.subarray(8)
  const block = { piece: rest.readUInt32BE(0), begin: rest.readUInt32BE(4), length: data.length }
  return isBlock(block) ? { kind: 'block', channel, block, data } : undefined
}

function isBlock({ piece, length }: Block): boolean {
  return piece < PIECES_MAX && length > 0 && length <= BLOCK_BYTES_MAX
}

function startChannel(type: number, channel: number, bytes: number): Buffer {
  const frame = start(type, 4 + bytes)
  frame.writeUInt32BE(channel, FRAME_HEAD_BYTES)
  return frame
}

function start(type: number, bodyBytes: number): Buffer {
  const frame = Buffer.alloc(FRAME_HEAD_BYTES + bodyBytes)
  frame.writeUInt32BE(1 + bodyBytes, 0)
  frame[LENGTH_BYTES] = type
  return frame
}
