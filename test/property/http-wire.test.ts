/** The readers of a request target read or refuse every target. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Refusal } from '../../src/core/errors.ts'
import { readAnnounce, writeAnnounce } from '../../src/wire/http/announce.ts'
import { QueryCursor } from '../../src/wire/http/read-query.ts'
import { readScrape, writeScrape } from '../../src/wire/http/scrape.ts'
import {
  brokenParameter,
  brokenTarget,
  brokenValue,
  bytes,
  escaped,
  nearlyGoodAnnounce,
} from '../broken-targets.ts'

const RUNS = { numRuns: 10_000 }

/** The result, or the refusal; any other error fails the test. */
function readOrRefuse<T>(read: () => T): T | Refusal {
  try {
    return read()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
}

describe('with any target', () => {
  it('an announce is read within its bounds or refused', () => {
    let wereRead = 0
    fc.assert(
      fc.property(fc.oneof(brokenTarget, nearlyGoodAnnounce), (target) => {
        const read = readOrRefuse(() => readAnnounce(target))
        if (read instanceof Refusal) return
        wereRead++
        expect(read.infoHash).toHaveLength(20)
        expect(read.peerId).toHaveLength(20)
        expect(read.key.length).toBeLessThanOrEqual(64)
        expect(Number.isInteger(read.port) && read.port <= 65535).toBe(true)
        expect(read.port > 0 || read.event === 'stopped').toBe(true)
        for (const number of [
          read.uploadedBytes,
          read.downloadedBytes,
          read.leftBytes ?? 0,
          read.peersWanted ?? 0,
        ]) {
          expect(Number.isSafeInteger(number) && number >= 0).toBe(true)
        }
        expect(read.peersWanted ?? 0).toBeLessThanOrEqual(200)
      }),
      RUNS,
    )
    // The generator must also produce targets that are read.
    expect(wereRead).toBeGreaterThan(1_000)
  })

  it('a good announce with one broken parameter is read, or refused for that parameter', () => {
    const good = [
      'info_hash=aaaaaaaaaaaaaaaaaaaa',
      'peer_id=bbbbbbbbbbbbbbbbbbbb',
      'port=6881',
      'left=0',
      'key=k',
    ]
    fc.assert(
      fc.property(fc.nat({ max: good.length - 1 }), brokenValue, (index, value) => {
        const target = `/announce?${good.map((pair, at) => (at === index ? `${pair.split('=')[0]}=${value}` : pair)).join('&')}`
        const read = readOrRefuse(() => readAnnounce(target))
        const codes = [
          'TRK_INFO_HASH_INVALID',
          'TRK_PEER_ID_INVALID',
          'TRK_PORT_INVALID',
          undefined,
          'TRK_PARAMETER_INVALID',
        ]
        if (read instanceof Refusal) expect(read.code).toBe(codes[index])
      }),
      RUNS,
    )
  })

  it('a scrape is read as at most 100 different hashes in order, or refused', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.oneof(
            escaped(bytes(20, 20)).map(({ text }) => `info_hash=${text}`),
            brokenParameter,
          ),
          {
            maxLength: 130,
          },
        ),
        (parameters) => {
          const read = readOrRefuse(() => readScrape(`/scrape?${parameters.join('&')}`))
          if (read instanceof Refusal) return
          expect(read.length).toBeGreaterThan(0)
          expect(read.length).toBeLessThanOrEqual(100)
          read.forEach((infoHash, index) => {
            expect(infoHash).toHaveLength(20)
            expect(index === 0 || infoHash.compare(read[index - 1] ?? infoHash) > 0).toBe(true)
          })
        },
      ),
      RUNS,
    )
  })

  it('a written announce is read back', () => {
    const quantity = fc.nat({ max: Number.MAX_SAFE_INTEGER })
    const announce = fc.record({
      infoHash: bytes(20, 20),
      peerId: bytes(20, 20),
      port: fc.integer({ min: 1, max: 65_535 }),
      uploadedBytes: quantity,
      downloadedBytes: quantity,
      leftBytes: fc.option(quantity, { nil: undefined }),
      event: fc.constantFrom('none', 'started', 'completed', 'stopped', 'paused'),
      peersWanted: fc.option(fc.nat({ max: 200 }), { nil: undefined }),
      key: bytes(0, 64),
      isCompact: fc.boolean(),
      claimedAddress: fc.option(fc.string({ unit: 'binary-ascii' }), { nil: undefined }),
    })
    fc.assert(
      fc.property(announce, (written) => {
        const { event, leftBytes = event === 'completed' ? 0 : undefined } = written
        expect(readAnnounce(`/announce?${writeAnnounce(written)}`)).toEqual({ ...written, leftBytes })
      }),
    )
  })

  it('a written scrape is read back', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(), { minLength: 1, maxLength: 100 }), (numbers) => {
        const infoHashes = numbers.map((number) => Buffer.alloc(20, `${number} `))
        const sorted = infoHashes.toSorted((a, b) => a.compare(b))
        expect(readScrape(`/scrape?${writeScrape(infoHashes)}`)).toEqual(sorted)
      }),
    )
  })

  it('any bytes are restored from any escaping', () => {
    fc.assert(
      fc.property(escaped(bytes(0, 64)), ({ buffer, text }) => {
        const query = new QueryCursor(`/announce?first=1&key=${text}&last=1`)
        query.next()
        query.next()
        expect(query.name).toBe('key')
        expect(query.bytes(64)?.equals(buffer)).toBe(true)
        expect(query.text()).toBe(buffer.toString('latin1'))
      }),
      RUNS,
    )
  })
})
