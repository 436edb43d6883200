/** Frames between a listener and the owner of the swarm table: reading undoes writing, wherever the stream is cut. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Address } from '../../src/core/address.ts'
import { Refusal } from '../../src/core/errors.ts'
import {
  readAnnounceOrder,
  readCounts,
  readRefusal,
  readReply,
  readScrapeOrder,
  readSharedState,
  writeAnnounceOrder,
  writeCounts,
  writeRefusal,
  writeReply,
  writeScrapeOrder,
  writeSharedState,
} from '../../src/daemon/workers/announce-frames.ts'
import { FrameReader, FrameWriter } from '../../src/daemon/workers/frames.ts'

const word = fc.nat(0xffff_ffff)
const count = fc.nat(Number.MAX_SAFE_INTEGER)
const from = fc.oneof(
  word.map((bits) => Address.v4(bits)),
  fc.tuple(word, word, word, word).map((words) => new Address(...words)),
)
const bytesOf = (minLength: number, maxLength = minLength) =>
  fc.uint8Array({ minLength, maxLength }).map((bytes) => Buffer.from(bytes))

const order = fc.record({
  request: fc.record({
    infoHash: bytesOf(20),
    peerId: bytesOf(20),
    port: fc.nat(0xffff),
    downloadedBytes: count,
    uploadedBytes: count,
    leftBytes: fc.option(count, { nil: undefined }),
    event: fc.constantFrom('none', 'started', 'completed', 'stopped', 'paused' as const),
    peersWanted: fc.option(fc.nat(10_000), { nil: undefined }),
    key: bytesOf(0, 64),
  }),
  from,
  protocol: fc.constantFrom('http', 'udp' as const),
  arrival: fc.option(fc.constantFrom({ localAddress: '10.0.0.1' }, { localAddress: 'fd00::7' }), {
    nil: undefined,
  }),
})
const reply = fc.record({
  complete: count,
  incomplete: count,
  downloaded: count,
  intervalSeconds: count,
  intervalSecondsMin: count,
  peers4: bytesOf(0, 60),
  peers6: bytesOf(0, 180),
})
const counts = fc.record({ complete: count, downloaded: count, downloaders: count, incomplete: count })

/** The frames that arrive when the written bytes are cut into pieces of these lengths, repeated. */
function received(write: (frames: FrameWriter) => void, lengths: readonly number[]) {
  const written: Buffer[] = []
  const frames = new FrameWriter((bytes) => void written.push(bytes))
  write(frames)
  frames.flush()
  const bytes = Buffer.concat(written)
  const got: { readonly id: number; readonly payload: Buffer }[] = []
  const reader = new FrameReader((_kind, id, payload) => void got.push({ id, payload: Buffer.from(payload) }))
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const end = at + (lengths[piece % lengths.length] as number)
    reader.receive(bytes.subarray(at, end))
    at = end
  }
  return got
}

const pieces = fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 5 })

test('announces arrive as they were sent, in order', () => {
  fc.assert(
    fc.property(fc.array(order, { maxLength: 50 }), pieces, (orders, lengths) => {
      const got = received((frames) => {
        for (const [id, each] of orders.entries()) writeAnnounceOrder(frames, id, each)
      }, lengths)
      expect(got.map(({ id }) => id)).toEqual(orders.map((_, index) => index))
      expect(got.map(({ payload }) => readAnnounceOrder(payload))).toEqual(orders)
    }),
  )
})

test('responses arrive as they were sent', () => {
  fc.assert(
    fc.property(reply, fc.array(counts, { maxLength: 100 }), pieces, (given, scraped, lengths) => {
      const [first, second] = received((frames) => {
        writeReply(frames, 1, given)
        writeCounts(frames, 0xffff_ffff, scraped)
      }, lengths)
      expect(readReply(first?.payload ?? Buffer.alloc(0))).toEqual(given)
      expect(second?.id).toBe(0xffff_ffff)
      expect(readCounts(second?.payload ?? Buffer.alloc(0))).toEqual(scraped)
    }),
  )
})

test('scrapes, rejections and the state of the site arrive as they were sent', () => {
  const text = fc.option(fc.string(), { nil: undefined })
  const state = fc.record({ secrets: fc.array(bytesOf(32), { maxLength: 3 }), clockOffsetMs: fc.integer() })
  fc.assert(
    fc.property(fc.array(bytesOf(20)), from, text, state, (infoHashes, client, detail, shared) => {
      const [scrape, refusal, sent] = received(
        (frames) => {
          writeScrapeOrder(frames, 1, infoHashes, client)
          writeRefusal(frames, 2, new Refusal('TRK_OVERLOADED', detail))
          writeSharedState(frames, shared)
        },
        [1],
      )
      const empty = Buffer.alloc(0)
      expect(readScrapeOrder(scrape?.payload ?? empty)).toEqual({ infoHashes, from: client })
      expect(readRefusal(refusal?.payload ?? empty)).toEqual(new Refusal('TRK_OVERLOADED', detail))
      expect(readSharedState(sent?.payload ?? empty)).toEqual(shared)
    }),
  )
})

test('frames of many turns use no bytes twice', () => {
  const written: Buffer[] = []
  const frames = new FrameWriter((bytes) => void written.push(bytes))
  const payload = (index: number) => Buffer.alloc(1_000, index)
  for (let index = 0; index < 200; index++) {
    frames.add(0, index, payload(index))
    if (index % 3 === 0) frames.flush()
  }
  frames.flush()
  const got: number[] = []
  const reader = new FrameReader((_kind, id, bytes) => {
    expect(bytes.equals(payload(id))).toBe(true)
    got.push(id)
  })
  reader.receive(Buffer.concat(written))
  expect(got).toEqual(Array.from({ length: 200 }, (_, index) => index))
})
