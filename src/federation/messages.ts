/**
 * Messages of a stream between nodes of different sites. Each has a length and a type, so that types of the next version
 * are skipped. A node accepts nodes that are one version older or newer.
 *
 * Threat: the other end may send any bytes, without limit. The length of a message is known before any of it is kept, and
 * reading never throws.
 */
import type { RegisteredTorrent } from '../replication/site-store.ts'

/*
  Message => big-endian
     0  uint32    length          of type and body
     4  uint8     type
     5  byte[length - 1]

  1 Hello       uint8 version, uint48 time, uint8 length, byte[length] site in UTF-8; the first of a stream. May end with
                uint8 length, byte[length] hash of the topology of the node in ASCII, see topology-hash.ts
  2 Batch       updates of the torrents of the site (replication/record-codec.ts)
  3 Complete    every torrent has been sent once
  4 Heartbeat   uint48 time; once a second. May end with the hash, as a hello does
  5 Registered  uint48 registered_at, uint8 count, byte[20] infohash each: one registered torrent
  6 Removed     uint48 removed_at, byte[20] infohash: one removed torrent
  7 Listed      every registered torrent has been sent once
  9 Report      a report about a torrent of the site, see site-reports.ts
  8 Override    uint48 at, uint8 length, byte[length] key, value to the end; both in ASCII, see replication/overrides.ts

  A time is in milliseconds since 1970, as the sending site counts it.
*/
export const VERSION = 1
const HEAD_BYTES = 5
/** A batch is slightly longer than `UPDATE_BYTES` of the advertiser; four times that leaves room for the next version. */
export const MESSAGE_BYTES_MAX = 131_072
const INFO_HASH_BYTES = 20
/** The longest key, and a value of a later version. */
const OVERRIDE_BYTES_MAX = 1_024

export type Message =
  | {
      readonly type: 'hello'
      readonly version: number
      readonly timeMs: number
      readonly site: string
      readonly topologyHash: string | undefined
    }
  | { readonly type: 'batch'; readonly batch: Buffer }
  | { readonly type: 'complete' }
  | { readonly type: 'heartbeat'; readonly timeMs: number; readonly topologyHash: string | undefined }
  | { readonly type: 'registered'; readonly atMs: number; readonly infoHashes: readonly Buffer[] }
  | { readonly type: 'removed'; readonly atMs: number; readonly infoHash: Buffer }
  | { readonly type: 'listed' }
  | { readonly type: 'report'; readonly report: Buffer }
  | { readonly type: 'override'; readonly atMs: number; readonly key: string; readonly value: string }
  /** Of a later version. */
  | { readonly type: 'unknown' }
  | { readonly type: 'malformed' }

export function writeHello(site: string, timeMs: number, topologyHash: string): Buffer {
  const name = Buffer.from(site).subarray(0, 255)
  const hash = hashField(topologyHash)
  const message = open(1, 8 + name.length + hash.length)
  message.writeUInt8(VERSION, HEAD_BYTES)
  message.writeUIntBE(timeMs, HEAD_BYTES + 1, 6)
  message.writeUInt8(name.length, HEAD_BYTES + 7)
  name.copy(message, HEAD_BYTES + 8)
  hash.copy(message, HEAD_BYTES + 8 + name.length)
  return message
}

export function writeBatch(batch: Buffer): Buffer {
  return writeBody(2, batch)
}

export function writeReport(report: Buffer): Buffer {
  return writeBody(9, report)
}

function writeBody(type: number, body: Buffer): Buffer {
  const message = Buffer.allocUnsafe(HEAD_BYTES + body.length)
  message.writeUInt32BE(body.length + 1, 0)
  message.writeUInt8(type, 4)
  body.copy(message, HEAD_BYTES)
  return message
}

export const COMPLETE: Buffer = open(3, 0)
export const LISTED: Buffer = open(7, 0)

export function writeHeartbeat(timeMs: number, topologyHash: string): Buffer {
  const hash = hashField(topologyHash)
  const message = open(4, 6 + hash.length)
  message.writeUIntBE(timeMs, HEAD_BYTES, 6)
  hash.copy(message, HEAD_BYTES + 6)
  return message
}

export function writeRegistered({ registeredAtMs, infoHashes }: RegisteredTorrent): Buffer {
  const message = open(5, 7 + infoHashes.length * INFO_HASH_BYTES)
  message.writeUIntBE(registeredAtMs, HEAD_BYTES, 6)
  message.writeUInt8(infoHashes.length, HEAD_BYTES + 6)
  for (const [index, infoHash] of infoHashes.entries())
    infoHash.copy(message, HEAD_BYTES + 7 + index * INFO_HASH_BYTES)
  return message
}

export function writeRemoved(infoHash: Buffer, atMs: number): Buffer {
  const message = open(6, 6 + INFO_HASH_BYTES)
  message.writeUIntBE(atMs, HEAD_BYTES, 6)
  infoHash.copy(message, HEAD_BYTES + 6)
  return message
}

export function writeOverrideMessage({
  key,
  value,
  atMs,
}: Omit<Extract<Message, { readonly type: 'override' }>, 'type'>): Buffer {
  const text = Buffer.from(key + value, 'latin1')
  const message = open(8, 7 + text.length)
  message.writeUIntBE(atMs, HEAD_BYTES, 6)
  message.writeUInt8(key.length, HEAD_BYTES + 6)
  text.copy(message, HEAD_BYTES + 7)
  return message
}

/** `type` and `body` of the message. */
function readMessage(type: number, body: Buffer): Message {
  switch (type) {
    case 1: {
      if (body.length < 8 || body.length < 8 + body.readUInt8(7)) return { type: 'malformed' }
      const site = body.toString('utf8', 8, 8 + body.readUInt8(7))
      return {
        type: 'hello',
        version: body.readUInt8(0),
        timeMs: body.readUIntBE(1, 6),
        site,
        topologyHash: readHashField(body, 8 + body.readUInt8(7)),
      }
    }
    case 2:
      return { type: 'batch', batch: body }
    case 3:
      return { type: 'complete' }
    case 4:
      return body.length < 6
        ? { type: 'malformed' }
        : { type: 'heartbeat', timeMs: body.readUIntBE(0, 6), topologyHash: readHashField(body, 6) }
    case 5: {
      const count = body.length < 7 ? 0 : body.readUInt8(6)
      if (count === 0 || body.length < 7 + count * INFO_HASH_BYTES) return { type: 'malformed' }
      const infoHashes = Array.from({ length: count }, (_, index) =>
        hashAt(body, 7 + index * INFO_HASH_BYTES),
      )
      return { type: 'registered', atMs: body.readUIntBE(0, 6), infoHashes }
    }
    case 6:
      if (body.length < 6 + INFO_HASH_BYTES) return { type: 'malformed' }
      return { type: 'removed', atMs: body.readUIntBE(0, 6), infoHash: hashAt(body, 6) }
    case 7:
      return { type: 'listed' }
    case 9:
      return { type: 'report', report: body }
    case 8: {
      if (body.length < 7 || body.length > OVERRIDE_BYTES_MAX || body.length < 7 + body.readUInt8(6))
        return { type: 'malformed' }
      const valueAt = 7 + body.readUInt8(6)
      return {
        type: 'override',
        atMs: body.readUIntBE(0, 6),
        key: body.toString('latin1', 7, valueAt),
        value: body.toString('latin1', valueAt),
      }
    }
    default:
      return { type: 'unknown' }
  }
}

/** Splits a stream into messages; the chunks may have any size. Keeps no more than one message. */
export class MessageReader {
  #kept: Buffer = Buffer.alloc(0)

  /** Hands over each complete message. False where one is too long: the rest of the stream cannot be read. */
  read(chunk: Buffer, take: (message: Message) => void): boolean {
    let bytes = this.#kept.length === 0 ? chunk : Buffer.concat([this.#kept, chunk])
    while (bytes.length >= HEAD_BYTES) {
      const length = bytes.readUInt32BE(0)
      if (length < 1 || length > MESSAGE_BYTES_MAX) return false
      const end = HEAD_BYTES - 1 + length
      if (bytes.length < end) break
      take(readMessage(bytes.readUInt8(4), bytes.subarray(HEAD_BYTES, end)))
      bytes = bytes.subarray(end)
    }
    // A copy: a view would keep the whole chunk in memory.
    this.#kept = Buffer.from(bytes)
    return true
  }
}

function hashField(topologyHash: string): Buffer {
  const hash = Buffer.from(topologyHash, 'latin1').subarray(0, 255)
  return Buffer.concat([Buffer.of(hash.length), hash])
}

/** undefined from a node of an older version, or where it is not a hash: it is shown to people. */
function readHashField(body: Buffer, at: number): string | undefined {
  const length = body.length > at ? body.readUInt8(at) : 0
  const text = body.toString('latin1', at + 1, at + 1 + length)
  return /^[0-9a-f]{1,64}$/.test(text) ? text : undefined
}

function open(type: number, bodyBytes: number): Buffer {
  const message = Buffer.alloc(HEAD_BYTES + bodyBytes)
  message.writeUInt32BE(bodyBytes + 1, 0)
  message.writeUInt8(type, 4)
  return message
}

function hashAt(bytes: Buffer, at: number): Buffer {
  return Buffer.from(bytes.subarray(at, at + INFO_HASH_BYTES))
}
