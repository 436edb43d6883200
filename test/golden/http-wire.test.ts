/** Golden vectors: escapes of real clients, and responses byte for byte. */
import { describe, expect, it } from 'vitest'
import type { ScrapeCounts } from '../../src/core/announce.ts'
import { readAnnounce, writeAnnounceResponse } from '../../src/wire/http/announce.ts'
import { writeFailure } from '../../src/wire/http/failure.ts'
import { readScrape, writeScrapeResponse } from '../../src/wire/http/scrape.ts'

const FIRST = '2bcb3dab253c7e8c9355b33f262efadd63005087'
const SECOND = '003117267dd93f301c25e78d2b932029bc37a49b'

const ESCAPED = [
  [
    'libtorrent, qBittorrent, Deluge',
    '%2b%cb%3d%ab%25%3c~%8c%93U%b3%3f%26.%fa%ddc%00P%87',
    '%001%17%26%7d%d9%3f0%1c%25%e7%8d%2b%93%20)%bc7%a4%9b',
  ],
  [
    'Transmission 3.00',
    '%2b%cb%3d%ab%25%3c~%8c%93U%b3%3f%26.%fa%ddc%00P%87',
    '%001%17%26%7d%d9%3f0%1c%25%e7%8d%2b%93%20%29%bc7%a4%9b',
  ],
  [
    'Transmission 4, aria2, anacrolix',
    '%2B%CB%3D%AB%25%3C~%8C%93U%B3%3F%26.%FA%DDc%00P%87',
    '%001%17%26%7D%D9%3F0%1C%25%E7%8D%2B%93%20%29%BC7%A4%9B',
  ],
  [
    'rtorrent',
    '%2B%CB%3D%AB%25%3C%7E%8C%93U%B3%3F%26%2E%FA%DDc%00P%87',
    '%001%17%26%7D%D9%3F0%1C%25%E7%8D%2B%93%20%29%BC7%A4%9B',
  ],
  [
    'WebTorrent',
    '%2B%CB%3D%AB%25%3C%7E%8C%93U%B3%3F%26.%FA%DDc%00P%87',
    '%001%17%26%7D%D9%3F0%1C%25%E7%8D%2B%93%20%29%BC7%A4%9B',
  ],
] as const

describe('hashes with awkward bytes', () => {
  it.each(ESCAPED)('are read as %s escapes them', (_client, first, second) => {
    const announced = (infoHash: string) =>
      readAnnounce(`/announce?info_hash=${infoHash}&peer_id=-XX0000-000000000000&port=6881`).infoHash
    expect(announced(first).toString('hex')).toBe(FIRST)
    expect(announced(second).toString('hex')).toBe(SECOND)
    const scraped = readScrape(`/scrape?info_hash=${first}&info_hash=${second}`)
    expect(scraped.map((infoHash) => infoHash.toString('hex'))).toEqual([SECOND, FIRST])
  })
})

const hexOf = (answer: string) => Buffer.from(answer, 'latin1').toString('hex')

const REPLY = {
  complete: 1,
  incomplete: 2,
  downloaded: 7,
  intervalSeconds: 1800,
  intervalSecondsMin: 900,
  /** 10.77.2.1:50000, 192.0.2.7:6881 */
  peers4: Buffer.from('0a4d0201c350c00002071ae1', 'hex'),
  /** [2001:db8::7]:6881 */
  peers6: Buffer.from('20010db80000000000000000000000071ae1', 'hex'),
}

describe('the response', () => {
  it('R1: is compact in both families', () => {
    expect(hexOf(writeAnnounceResponse(REPLY, true))).toBe(
      '64383a636f6d706c65746569316531303a646f776e6c6f6164656469376531303a696e636f6d706c657465693265383a69' +
        '6e74657276616c69313830306531323a6d696e20696e74657276616c6939303065353a706565727331323a0a4d0201c350' +
        'c00002071ae1363a70656572733631383a20010db80000000000000000000000071ae165',
    )
  })

  it('R2: has an empty string of peers where there are none', () => {
    const reply = { ...REPLY, complete: 0, downloaded: 0, incomplete: 1 }
    const none = Buffer.alloc(0)
    expect(writeAnnounceResponse({ ...reply, peers4: none, peers6: none }, true)).toBe(
      'd8:completei0e10:downloadedi0e10:incompletei1e8:intervali1800e12:min intervali900e5:peers0:e',
    )
  })

  it('R3: has the reason of a failure and the interval', () => {
    expect(writeFailure('invalid info_hash')).toBe(
      'd14:failure reason17:invalid info_hash8:intervali60e12:min intervali60ee',
    )
  })

  it('R4: has a list of dictionaries where the client asks for it', () => {
    expect(writeAnnounceResponse({ ...REPLY, peers4: REPLY.peers4.subarray(0, 6) }, false)).toBe(
      'd8:completei1e10:downloadedi7e10:incompletei2e8:intervali1800e12:min intervali900e5:peers' +
        'ld2:ip9:10.77.2.14:porti50000eed2:ip11:2001:db8::74:porti6881eeee',
    )
  })

  it('R5: has counts for each hash of a scrape, and those of downloaders where there are partial seeds', () => {
    const nothing: ScrapeCounts = { complete: 0, downloaded: 0, downloaders: 0, incomplete: 0 }
    const something: ScrapeCounts = { complete: 1, downloaded: 7, downloaders: 2, incomplete: 3 }
    const infoHashes = [Buffer.from(SECOND, 'hex'), Buffer.from(FIRST, 'hex')]
    expect(hexOf(writeScrapeResponse(infoHashes, [nothing, something]))).toBe(
      '64353a66696c65736432303a003117267dd93f301c25e78d2b932029bc37a49b64383a636f6d706c6574656930653130' +
        '3a646f776e6c6f6164656469306531303a696e636f6d706c6574656930656532303a2bcb3dab253c7e8c9355b33f262e' +
        'fadd6300508764383a636f6d706c65746569316531303a646f776e6c6f6164656469376531313a646f776e6c6f616465' +
        '727369326531303a696e636f6d706c6574656933656565353a666c6167736432303a6d696e5f726571756573745f696e' +
        '74657276616c6931383030656565',
    )
  })
})
