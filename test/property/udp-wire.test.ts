/**
 * A datagram of an unproven sender causes nothing but the response to a connect, and every written message is read
 * back.
 */
import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../src/core/clock.ts'
import { UdpHandler } from '../../src/server/udp/udp-handler.ts'
import {
  readAnnounce,
  readAnnounceResponse,
  writeAnnounce,
  writeAnnounceResponse,
} from '../../src/wire/udp/announce.ts'
import {
  readConnect,
  readConnectResponse,
  writeConnect,
  writeConnectResponse,
} from '../../src/wire/udp/connect.ts'
import { ConnectionIds } from '../../src/wire/udp/connection-id.ts'
import { readError, writeError } from '../../src/wire/udp/error.ts'
import { HmacSha256 } from '../../src/wire/udp/hmac-sha256.ts'
import { isResponse } from '../../src/wire/udp/header.ts'
import {
  readScrape,
  readScrapeResponse,
  writeScrape,
  writeScrapeResponse,
} from '../../src/wire/udp/scrape.ts'
import { aTracker, at } from '../a-tracker.ts'
import { bytes } from '../broken-targets.ts'

const RUNS = { numRuns: 20_000 }

const word = fc.nat({ max: 0xffff_ffff })
const int32 = fc.nat({ max: 0x7fff_ffff })
const quantity = fc.nat({ max: Number.MAX_SAFE_INTEGER })
const head = fc.record({ connectionId: bytes(8, 8), transactionId: word })
const SECRET = Buffer.alloc(32, 'secret')
const FROM = at('127.1.1.5')
/** An address that belongs to no site. */
const STRANGER = at('192.0.2.1')

const announce = fc.record({
  infoHash: bytes(20, 20),
  peerId: bytes(20, 20),
  port: fc.integer({ min: 1, max: 65_535 }),
  downloadedBytes: quantity,
  uploadedBytes: quantity,
  leftBytes: fc.option(quantity, { nil: undefined }),
  event: fc.constantFrom('none', 'started', 'completed', 'stopped', 'paused'),
  peersWanted: fc.option(fc.nat({ max: 200 }), { nil: undefined }),
  key: fc.constant(Buffer.alloc(0)),
  urlData: bytes(0, 600),
})

function answering() {
  const tracker = aTracker()
  const refused: string[] = []
  const answers = new UdpHandler({
    tracker: tracker.tracker,
    secrets: { current: () => [SECRET] },
    clock: tracker.clock,
    onRefusal: (code) => refused.push(code),
    log: { error: (fields) => expect.unreachable(String(fields['err'])) },
  })
  return { answers, refused, ids: new ConnectionIds(SECRET, tracker.clock) }
}

describe('with any datagram', () => {
  const anything = fc.oneof(
    bytes(0, 200),
    bytes(0, 2_000),
    // Real requests with a connection id of another address.
    fc.tuple(head, announce).map(([request, said]) => writeAnnounce(request, said)),
    fc.tuple(head, fc.array(bytes(20, 20), { maxLength: 80 })).map(([h, hashes]) => writeScrape(h, hashes)),
    // The beginning of a connect, then other bytes.
    bytes(0, 100).map((rest) => Buffer.concat([Buffer.from('0000041727101980', 'hex'), rest])),
    fc.tuple(word, bytes(0, 50)).map(([id, rest]) => Buffer.concat([writeConnect(id), rest])),
  )

  it('an unproven sender gets 16 bytes for a connect and otherwise no response', () => {
    const { answers, refused } = answering()
    let drops = 0
    fc.assert(
      fc.property(anything, fc.constantFrom(FROM, STRANGER, at('fd00::7')), (packet, from) => {
        const answer = answers.answer(packet, from, 6881)
        const isConnect =
          packet.length >= 16 && packet.subarray(0, 12).toString('hex') === '000004172710198000000000'
        if (isConnect) expect(answer).toHaveLength(16)
        else {
          expect(answer).toBeUndefined()
          drops++
        }
      }),
      RUNS,
    )
    expect(answers.drops.unreadable + answers.drops.unproven).toBe(drops)
    expect(refused).toEqual([])
  })

  it('a proven sender gets a response that fits into a frame and repeats its transaction id', () => {
    const { answers, ids } = answering()
    fc.assert(
      fc.property(
        fc.constantFrom(FROM, STRANGER, at('fd00::7')),
        fc.oneof(
          anything,
          fc.tuple(fc.constantFrom(1, 2), bytes(0, 2_000)).map(([action, rest]) => {
            const start = Buffer.alloc(12)
            start.writeUInt32BE(action, 8)
            return Buffer.concat([start, rest])
          }),
        ),
        (from, packet) => {
          fc.pre(packet.length >= 16)
          const proven = Buffer.concat([ids.issue(from), packet.subarray(8)])
          const answer = answers.answer(proven, from, 6881)
          if (answer instanceof Promise) throw new Error('the response is not deferred')
          const action = proven.readUInt32BE(8)
          expect(answer?.length).toBeLessThanOrEqual(896)
          expect([action, 3]).toContain(answer?.readUInt32BE(0))
          expect(answer?.readUInt32BE(4)).toBe(proven.readUInt32BE(12))
        },
      ),
      RUNS,
    )
    expect(answers.drops).toEqual({ unreadable: 0, unproven: 0, limited: 0 })
  })
})

describe('every written message is read back:', () => {
  it('a connect and its response', () => {
    fc.assert(
      fc.property(word, bytes(8, 8), (transactionId, connectionId) => {
        expect(readConnect(writeConnect(transactionId))).toBe(transactionId)
        const answer = writeConnectResponse(transactionId, connectionId)
        expect(isResponse(answer, 0, transactionId)).toBe(true)
        expect(readConnectResponse(answer)).toEqual(connectionId)
      }),
    )
  })

  it('an announce', () => {
    fc.assert(
      fc.property(head, announce, (request, said) => {
        expect(readAnnounce(writeAnnounce(request, said))).toEqual(said)
      }),
    )
  })

  it('the response to an announce', () => {
    const reply = fc.record({ complete: int32, incomplete: int32, intervalSeconds: int32 })
    const peers = fc.record({
      isV4: fc.boolean(),
      peers4: fc.nat({ max: 80 }).map((count) => Buffer.alloc(count * 6, count)),
      peers6: fc.nat({ max: 27 }).map((count) => Buffer.alloc(count * 18, count)),
    })
    fc.assert(
      fc.property(word, reply, peers, (transactionId, counts, { isV4, peers4, peers6 }) => {
        const written = { ...counts, peers4, peers6, downloaded: 1, intervalSecondsMin: 1 }
        const packet = writeAnnounceResponse(transactionId, written, isV4)
        expect(isResponse(packet, 1, transactionId)).toBe(true)
        expect(readAnnounceResponse(packet, isV4)).toEqual({
          ...counts,
          peers4: isV4 ? peers4 : Buffer.alloc(0),
          peers6: isV4 ? Buffer.alloc(0) : peers6,
        })
      }),
    )
  })

  it('a scrape and its response', () => {
    const counts = fc.record({ complete: int32, downloaded: int32, incomplete: int32 })
    fc.assert(
      fc.property(
        head,
        fc.array(fc.tuple(bytes(20, 20), counts), { minLength: 1, maxLength: 74 }),
        (request, torrents) => {
          const infoHashes = torrents.map(([infoHash]) => infoHash)
          expect(readScrape(writeScrape(request, infoHashes))).toEqual(infoHashes)
          const answer = writeScrapeResponse(
            request.transactionId,
            torrents.map(([, count]) => count),
          )
          expect(isResponse(answer, 2, request.transactionId)).toBe(true)
          expect(readScrapeResponse(answer)).toEqual(torrents.map(([, count]) => count))
        },
      ),
    )
  })

  it('an error', () => {
    fc.assert(
      fc.property(word, fc.string({ unit: 'grapheme', maxLength: 30 }), (transactionId, reason) => {
        const packet = writeError(transactionId, reason)
        expect(isResponse(packet, 3, transactionId)).toBe(true)
        expect(readError(packet)).toBe(Buffer.from(reason).toString())
      }),
    )
  })
})

describe('HMAC-SHA256', () => {
  it('equals that of Node for any key of at most a block and any message that fits', () => {
    fc.assert(
      fc.property(bytes(16, 64), bytes(0, 55), (key, message) => {
        const words = new Int32Array(Math.ceil(message.length / 4))
        message.forEach((byte, index) => (words[index >> 2]! |= byte << (24 - (index % 4) * 8)))
        const hmac = new HmacSha256(key)
        hmac.sign(words, message.length)
        const digest = Buffer.alloc(32)
        hmac.digest.forEach((value, index) => digest.writeInt32BE(value, index * 4))
        expect(digest.toString('hex')).toBe(createHmac('sha256', key).update(message).digest('hex'))
      }),
      { numRuns: 2_000 },
    )
  })
})

it('an id is valid for its lifetime, for any address and time', () => {
  fc.assert(
    fc.property(
      fc.ipV6(),
      fc.nat({ max: 4_000_000_000 }),
      fc.nat({ max: 180_000 }),
      (text, unixSeconds, ageMs) => {
        const clock = new ManualClock(unixSeconds * 1000)
        const ids = new ConnectionIds(SECRET, clock)
        const id = ids.issue(at(text))
        clock.advanceMs(ageMs)
        expect(ids.verify(id, at(text))).toBe(true)
        expect(id.readBigUInt64BE()).not.toBe(0n)
      },
    ),
  )
})
