/** Frames between carriers: writing and reading undo each other in chunks of any size, and no input throws. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  CHANNELS_MAX,
  type Frame,
  FRAME_BYTES_MAX,
  LINK_VERSION,
  PING,
  writeAvailable,
  writeBlockHead,
  writeBlockRequest,
  writeHello,
  writeInvalid,
  writePieces,
  writeState,
  writeSubscribe,
  writeUnsubscribe,
} from '../../src/carriers/link/frame.ts'
import { FrameReader } from '../../src/carriers/link/frame-reader.ts'
import { BLOCK_BYTES_MAX, PIECES_MAX } from '../../src/core/limits.ts'

const channel = fc.integer({ min: 0, max: CHANNELS_MAX - 1 })
const piece = fc.integer({ min: 0, max: PIECES_MAX - 1 })
const site = fc.stringMatching(/^[a-z0-9-]{1,40}$/)
const block = fc.record({
  piece,
  begin: fc.integer({ min: 0, max: 0xffff_ffff }),
  length: fc.integer({ min: 1, max: BLOCK_BYTES_MAX }),
})
const bytes = (max: number) =>
  fc.uint8Array({ minLength: 1, maxLength: max }).map((array) => Buffer.from(array))

const frames: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    kind: fc.constant('hello' as const),
    version: fc.constant(LINK_VERSION),
    node: fc.stringMatching(/^[0-9a-f]{16}$/),
    site,
  }),
  fc.record({
    kind: fc.constant('subscribe' as const),
    channel,
    infoHash: fc.uint8Array({ minLength: 20, maxLength: 20 }).map((array) => Buffer.from(array)),
  }),
  fc.record({ kind: fc.constant('unsubscribe' as const), channel }),
  fc.record({
    kind: fc.constant('state' as const),
    channel,
    hasSource: fc.boolean(),
    rank: fc.option(fc.integer({ min: 0, max: 1_000 }), { nil: undefined }),
    sitesFed: fc.integer({ min: 0, max: 1_000 }),
    pieces: fc.integer({ min: 0, max: PIECES_MAX }),
    path: fc.array(site, { maxLength: 8 }),
  }),
  fc.record({ kind: fc.constant('pieces' as const), channel, bits: bytes(300) }),
  fc.record({
    kind: fc.constant('available' as const),
    channel,
    pieces: fc.array(piece, { minLength: 1, maxLength: 20 }),
  }),
  fc
    .record({ kind: fc.constantFrom('request' as const, 'cancel' as const), channel })
    .chain((frame) => block.map((wanted) => ({ ...frame, ...wanted }))),
  fc
    .record({ channel, piece, begin: fc.integer({ min: 0, max: 0xffff_ffff }), data: bytes(BLOCK_BYTES_MAX) })
    .map(({ channel: number, piece: index, begin, data }) => ({
      kind: 'block' as const,
      channel: number,
      block: { piece: index, begin, length: data.length },
      data,
    })),
  fc.record({ kind: fc.constant('invalid' as const), channel, piece }),
  fc.constant({ kind: 'ping' as const }),
)

function write(frame: Frame): Buffer {
  switch (frame.kind) {
    case 'hello':
      return writeHello(frame.node, frame.site)
    case 'subscribe':
      return writeSubscribe(frame.channel, frame.infoHash)
    case 'unsubscribe':
      return writeUnsubscribe(frame.channel)
    case 'state':
      return writeState(frame.channel, frame)
    case 'pieces':
      return writePieces(frame.channel, frame.bits)
    case 'available':
      return writeAvailable(frame.channel, frame.pieces)
    case 'request':
    case 'cancel':
      return writeBlockRequest(frame.kind, frame.channel, frame)
    case 'block':
      return Buffer.concat([writeBlockHead(frame.channel, frame.block), frame.data])
    case 'invalid':
      return writeInvalid(frame.channel, frame.piece)
    default:
      return PING
  }
}

function readAll(chunks: readonly Buffer[]) {
  const read: Frame[] = []
  const reader = new FrameReader((frame) => read.push(frame))
  let error: string | undefined
  for (const chunk of chunks) error = reader.read(chunk)
  return { read, error }
}

function cut(whole: Buffer, sizes: readonly number[]): Buffer[] {
  const chunks: Buffer[] = []
  for (let at = 0, index = 0; at < whole.length; index++) {
    const size = sizes[index % sizes.length] ?? whole.length
    chunks.push(Buffer.from(whole.subarray(at, at + size)))
    at += size
  }
  return chunks
}

test('frames are read as they were written, in chunks of any size', () => {
  fc.assert(
    fc.property(
      fc.array(frames, { maxLength: 12 }),
      fc.array(fc.integer({ min: 1, max: 40_000 }), { minLength: 1, maxLength: 4 }),
      (written, sizes) => {
        const { read, error } = readAll(cut(Buffer.concat(written.map(write)), sizes))
        expect(error).toBeUndefined()
        expect(read).toEqual(written)
      },
    ),
  )
})

test('no bytes make the reader throw, and it awaits no more than a frame', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 10 }), (chunks) => {
      readAll(chunks.map((chunk) => Buffer.from(chunk)))
    }),
    { numRuns: 2_000 },
  )
})

test('a frame of the longest length is awaited, and a longer one is rejected', () => {
  const head = (length: number) => {
    const frame = Buffer.alloc(5)
    frame.writeUInt32BE(length, 0)
    frame[4] = 5
    return frame
  }
  expect(readAll([head(FRAME_BYTES_MAX)]).error).toBeUndefined()
  expect(readAll([head(FRAME_BYTES_MAX + 1)]).error).toBe(`a frame of ${FRAME_BYTES_MAX + 1} bytes`)
  expect(readAll([head(0)]).error).toBe('a frame of 0 bytes')
})

test('a frame with a body of the wrong size is rejected', () => {
  const short = writeSubscribe(1, Buffer.alloc(20)).subarray(0, 28)
  const frame = Buffer.from(short)
  frame.writeUInt32BE(24, 0)
  expect(readAll([frame]).error).toBe('a malformed frame of type 2 and 23 bytes')
})
