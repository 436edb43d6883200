/** Request targets of announces and scrapes, and the head of an announce on its connection. */
import { deepStrictEqual, strictEqual } from 'node:assert'
import { AnnounceTokens } from '../../../src/core/announce-tokens.ts'
import { Refusal } from '../../../src/core/errors.ts'
import { readAnnounce, writeAnnounce } from '../../../src/wire/http/announce.ts'
import { readAnnounceHead } from '../../../src/wire/http/announce-head.ts'
import { readScrape, writeScrape } from '../../../src/wire/http/scrape.ts'
import { type FuzzTarget, unlessRejected } from '../fuzz-target.ts'

const HASH = 'info_hash=%01%02aaaaaaaaaaaaaaaaaa'
const ANNOUNCE =
  `/announce?${HASH}&peer_id=-TR4060-abcdefghijkl&port=51413&uploaded=0&downloaded=5&left=16384` +
  '&numwant=80&key=1a2b3c4d&compact=1&supportcrypto=1&event=started&ip=10.1.2.3'
const TOKENS = [
  '%',
  '%00',
  '%fF',
  '&',
  '=',
  '?',
  '?info_hash=',
  'info_hash=',
  'peer_id=',
  'port=',
  'left=',
  'event=',
]

export const httpAnnounce: FuzzTarget = {
  name: 'http-announce',
  bytesMax: 4_096,
  tokens: [
    ...TOKENS,
    'numwant=',
    'key=',
    'ip=',
    'compact=0',
    'completed',
    'stopped',
    'paused',
    'downloaded=',
    'uploaded=',
  ],
  examples: [ANNOUNCE, `/announce/secret-token?${HASH}&peer_id=${'%00'.repeat(20)}&event=stopped`],
  read(input) {
    const read = unlessRejected(Refusal, () => readAnnounce(input.toString('latin1')))
    if (read === undefined) return
    strictEqual(read.infoHash.length, 20)
    strictEqual(read.peerId.length, 20)
    // A completed announce without a number lacks nothing; one with an invalid number may lack anything.
    const written =
      read.leftBytes === undefined && read.event === 'completed' ? { ...read, leftBytes: 0 } : read
    deepStrictEqual(readAnnounce(`/announce?${writeAnnounce(written)}`), written)
  },
}

export const httpScrape: FuzzTarget = {
  name: 'http-scrape',
  bytesMax: 8_192,
  tokens: TOKENS,
  examples: [
    `/scrape?${HASH}`,
    `/scrape?${HASH}&${HASH}&info_hash=${'%ff'.repeat(20)}`,
    `/scrape?pk=1?${HASH}`,
  ],
  read(input) {
    const read = unlessRejected(Refusal, () => readScrape(input.toString('latin1')))
    if (read !== undefined) deepStrictEqual(readScrape(`/scrape?${writeScrape(read)}`), read)
  },
}

export const announceHead: FuzzTarget = {
  name: 'announce-head',
  bytesMax: 8_192,
  tokens: [
    '\r\n',
    '\r\n\r\n',
    'GET /announce?',
    'GET /announce/token?',
    ' HTTP/1.1',
    'HTTP/1.0',
    'Connection: close\r\n',
    'Content-Length: 5\r\n',
    ': ',
    'Host',
  ],
  examples: [
    `GET ${ANNOUNCE} HTTP/1.1\r\nHost: t.example:6969\r\nUser-Agent: x/1\r\nConnection: close\r\n\r\n`,
    `GET ${ANNOUNCE} HTTP/1.1\r\nHost: t\r\nAccept-Encoding: gzip\r\nConnection: keep-alive\r\n\r\nGET /`,
  ],
  read(input) {
    const head = readAnnounceHead(input, 0)
    if (head === undefined) return
    strictEqual(input.toString('latin1', head.end - 4, head.end), '\r\n\r\n')
    // The head ends where it states: it is the same without the bytes behind it, and incomplete without its last byte.
    deepStrictEqual(readAnnounceHead(input.subarray(0, head.end), 0), head)
    strictEqual(readAnnounceHead(input.subarray(0, head.end - 1), 0), undefined)
    deepStrictEqual(readAnnounceHead(Buffer.concat([Buffer.from('xyz'), input]), 3)?.end, head.end + 3)
  },
}

const announceTokens = new AnnounceTokens()
announceTokens.replace(new Map([['fra', ['known-token-1', 'known-token-2']]]))

export const announceToken: FuzzTarget = {
  name: 'announce-token',
  bytesMax: 1_024,
  tokens: ['/announce/', '/scrape/', 'known-token-1', '?', '/', '%2f'],
  examples: ['/announce/known-token-1?info_hash=a', '/scrape/wrong-token?x', '/announce?token=known-token-1'],
  read(input) {
    const target = input.toString('latin1')
    const isAccepted = unlessRejected(Refusal, () => announceTokens.check(target) ?? true) === true
    const path = target.split('?')[0] ?? ''
    strictEqual(isAccepted, /\/(?:announce|scrape)\/known-token-[12]$/.test(path))
  },
}
