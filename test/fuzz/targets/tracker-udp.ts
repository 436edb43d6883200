/** Datagrams of the UDP tracker protocol, in both directions. */
import { deepStrictEqual, strictEqual } from 'node:assert'
import { Refusal } from '../../../src/core/errors.ts'
import { readAnnounce, readAnnounceResponse, writeAnnounce } from '../../../src/wire/udp/announce.ts'
import { readConnect } from '../../../src/wire/udp/connect.ts'
import { readError } from '../../../src/wire/udp/error.ts'
import { actionOf, actions, isResponse } from '../../../src/wire/udp/header.ts'
import { readScrape, readScrapeResponse, writeScrape } from '../../../src/wire/udp/scrape.ts'
import { type FuzzTarget, unlessRejected } from '../fuzz-target.ts'

const HEAD = { connectionId: Buffer.alloc(8, 7), transactionId: 99 }
const REQUEST_HEAD_BYTES = 16

const announce = writeAnnounce(HEAD, {
  infoHash: Buffer.alloc(20, 1),
  peerId: Buffer.from('-TR4060-abcdefghijkl'),
  port: 51_413,
  uploadedBytes: 0,
  downloadedBytes: 5,
  leftBytes: 16_384,
  event: 'started',
  peersWanted: 80,
  key: Buffer.alloc(0),
  urlData: Buffer.from('/announce?pk=1'),
})

export const udpRequest: FuzzTarget = {
  name: 'udp-request',
  bytesMax: 2_000,
  tokens: [
    '\x00\x00\x00\x01',
    '\x00\x00\x00\x02',
    '\x02\x05/path',
    '\x02\xff',
    '\x00\x00\x04\x17\x27\x10\x19\x80',
    '\x01\x01\x00',
  ],
  examples: [
    Buffer.from('00000417271019800000000000000063', 'hex'),
    announce,
    writeScrape(HEAD, [Buffer.alloc(20, 1), Buffer.alloc(20, 2)]),
  ],
  read(input) {
    if (readConnect(input) !== undefined) strictEqual(actionOf(input), actions.connect)
    // The server drops shorter ones before it reads them.
    if (input.length < REQUEST_HEAD_BYTES) return
    const announced = unlessRejected(Refusal, () => readAnnounce(input))
    if (announced !== undefined) {
      strictEqual(announced.infoHash.length, 20)
      deepStrictEqual(readAnnounce(writeAnnounce(HEAD, announced)), announced)
    }
    const scraped = unlessRejected(Refusal, () => readScrape(input))
    if (scraped !== undefined) deepStrictEqual(readScrape(writeScrape(HEAD, scraped)), scraped)
  },
}

export const udpResponse: FuzzTarget = {
  name: 'udp-response',
  bytesMax: 2_000,
  tokens: ['\x00\x00\x00\x01', '\x00\x00\x00\x03', 'error'],
  examples: [
    Buffer.from(`0000000100000063${'00000708'.repeat(3)}0a0102031ae1`, 'hex'),
    Buffer.from('0000000300000063', 'hex'),
  ],
  read(input) {
    if (!isResponse(input, actions.announce, 99) && !isResponse(input, actions.error, 99)) return
    for (const isV4 of [true, false]) {
      const read = readAnnounceResponse(input, isV4)
      if (read !== undefined) strictEqual((read.peers4.length + read.peers6.length) % (isV4 ? 6 : 18), 0)
    }
    strictEqual(readScrapeResponse(input).length, Math.floor((input.length - 8) / 12))
    readError(input)
  },
}
