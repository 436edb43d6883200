import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  COMPLETE,
  type Message,
  MESSAGE_BYTES_MAX,
  MessageReader,
  writeBatch,
  writeHeartbeat,
  writeHello,
  writeRegistered,
  writeRemoved,
  writeReport,
} from '../../../src/federation/messages.ts'

const HASH = Buffer.alloc(20, 1)
const NOW_MS = 1_700_000_000_000

function read(...chunks: readonly Buffer[]): { messages: Message[]; isReadable: boolean } {
  const reader = new MessageReader()
  const messages: Message[] = []
  const isReadable = chunks.every((chunk) => reader.read(chunk, (message) => messages.push(message)))
  return { messages, isReadable }
}

const batch = Buffer.from('a batch')
const STREAM = Buffer.concat([
  writeHello('fra', NOW_MS, '0123456789ab'),
  writeBatch(batch),
  COMPLETE,
  writeHeartbeat(NOW_MS + 1000, 'abcdef012345'),
  writeRegistered({ infoHashes: [HASH], registeredAtMs: NOW_MS, name: '', sizeBytes: 0, note: '' }),
  writeRemoved(HASH, NOW_MS),
  writeReport(Buffer.from('a report')),
])
const MESSAGES: readonly Message[] = [
  { type: 'hello', version: 1, timeMs: NOW_MS, site: 'fra', topologyHash: '0123456789ab' },
  { type: 'batch', batch },
  { type: 'complete' },
  { type: 'heartbeat', timeMs: NOW_MS + 1000, topologyHash: 'abcdef012345' },
  { type: 'registered', atMs: NOW_MS, infoHashes: [HASH] },
  { type: 'removed', atMs: NOW_MS, infoHash: HASH },
  { type: 'report', report: Buffer.from('a report') },
]

describe('a stream', () => {
  test('is read as it was written, in chunks of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 20 })), (sizes) => {
        const chunks: Buffer[] = []
        let at = 0
        for (const size of sizes) chunks.push(STREAM.subarray(at, (at += size)))
        chunks.push(STREAM.subarray(at))
        expect(read(...chunks)).toEqual({ messages: MESSAGES, isReadable: true })
      }),
    )
  })

  test('of the next version yields the known messages and fields: longer messages and further types are skipped', () => {
    const longer = Buffer.concat([writeHeartbeat(NOW_MS, ''), Buffer.from('more')])
    longer.writeUInt32BE(longer.length - 4, 0)
    const further = Buffer.from([0, 0, 0, 4, 200, 1, 2, 3])
    expect(read(further, longer)).toEqual({
      messages: [{ type: 'unknown' }, { type: 'heartbeat', timeMs: NOW_MS, topologyHash: undefined }],
      isReadable: true,
    })
  })

  test('ends with a message that is too long, before any of it is kept', () => {
    const head = (length: number) => {
      const bytes = Buffer.alloc(5, 2)
      bytes.writeUInt32BE(length, 0)
      return bytes
    }
    expect(read(head(MESSAGE_BYTES_MAX)).isReadable).toBe(true)
    expect(read(head(MESSAGE_BYTES_MAX + 1)).isReadable).toBe(false)
    expect(read(head(0)).isReadable).toBe(false)
  })

  test('may contain any bytes: nothing is thrown', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 60 })), (chunks) => {
        for (const message of read(...chunks.map((chunk) => Buffer.from(chunk))).messages)
          expect(typeof message.type).toBe('string')
      }),
      { numRuns: 2_000 },
    )
  })
})
