/** Golden vectors: datagrams of real clients byte for byte, and connection ids. */
import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../src/core/address.ts'
import type { AnnounceEvent } from '../../src/core/announce.ts'
import { ManualClock } from '../../src/core/clock.ts'
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
import { actionOf, transactionIdOf } from '../../src/wire/udp/header.ts'
import {
  readScrape,
  readScrapeResponse,
  writeScrape,
  writeScrapeResponse,
} from '../../src/wire/udp/scrape.ts'

const HASH = '2bcb3dab253c7e8c9355b33f262efadd63005087'
const OTHER = '003117267dd93f301c25e78d2b932029bc37a49b'
const hex = (text: string) => Buffer.from(text, 'hex')

describe('a connect', () => {
  it('of libtorrent gets a response of 16 bytes', () => {
    const packet = hex('000004172710198000000000c9f7ac4e')
    expect(readConnect(packet)).toBe(0xc9f7ac4e)
    expect(writeConnect(0xc9f7ac4e)).toEqual(packet)
    const answer = writeConnectResponse(0xc9f7ac4e, hex('0102030405060708'))
    expect(answer.toString('hex')).toBe('00000000c9f7ac4e0102030405060708')
    expect(readConnectResponse(answer)).toEqual(hex('0102030405060708'))
  })
})

interface Captured {
  readonly name: string
  readonly packet: string
  readonly connectionId: string
  readonly transactionId: number
  readonly peerId: string
  readonly event: AnnounceEvent
  readonly key: string
  readonly peersWanted: number | undefined
  readonly port: number
  readonly urlData: string
  /** Bytes after the announce that `writeAnnounce` does not write. */
  readonly tail: string
}

const CAPTURED: readonly Captured[] = [
  {
    name: 'libtorrent started, with the path of its URL',
    packet:
      '1122334455667722000000012d8bd11f2bcb3dab253c7e8c9355b33f262efadd630050872d4c54323038302d4832325677' +
      '2a564e50497946000000000000000000000000000080000000000000000000000000020000000043e6cbdd000000c89c4a' +
      '02092f616e6e6f756e6365',
    connectionId: '1122334455667722',
    transactionId: 0x2d8bd11f,
    peerId: '2d4c54323038302d48323256772a564e50497946',
    event: 'started',
    key: '43e6cbdd',
    peersWanted: 200,
    port: 40010,
    urlData: '/announce',
    tail: '',
  },
  {
    name: 'libtorrent with a token in the path and a query',
    packet:
      '1122334455667722000000012d8bd11f2bcb3dab253c7e8c9355b33f262efadd630050872d4c54323038302d4832325677' +
      '2a564e50497946000000000000000000000000000080000000000000000000000000020000000043e6cbdd000000c89c4a' +
      '02132f702f6162632f616e6e6f756e63653f783d31',
    connectionId: '1122334455667722',
    transactionId: 0x2d8bd11f,
    peerId: '2d4c54323038302d48323256772a564e50497946',
    event: 'started',
    key: '43e6cbdd',
    peersWanted: 200,
    port: 40010,
    urlData: '/p/abc/announce?x=1',
    tail: '',
  },
  {
    name: 'Transmission 3.00 started',
    packet:
      '1122334455667722000000011586a5012bcb3dab253c7e8c9355b33f262efadd630050872d5452333030302d666e6d7731' +
      '377570736f303900000000000000000000000000008000000000000000000000000002000000001d24d9b4000000509c4a',
    connectionId: '1122334455667722',
    transactionId: 0x1586a501,
    peerId: '2d5452333030302d666e6d7731377570736f3039',
    event: 'started',
    key: '1d24d9b4',
    peersWanted: 80,
    port: 40010,
    urlData: '',
    tail: '',
  },
  {
    name: 'aria2 started, with two bytes too many',
    packet:
      '112233445566772200000001b50301f22bcb3dab253c7e8c9355b33f262efadd6300508741322d312d33362d302d4e295f' +
      'b59635be0fd7b500000000000000000000000000008000000000000000000000000002000000003e9e320d000000329c4a0000',
    connectionId: '1122334455667722',
    transactionId: 0xb50301f2,
    peerId: '41322d312d33362d302d4e295fb59635be0fd7b5',
    event: 'started',
    key: '3e9e320d',
    peersWanted: 50,
    port: 40010,
    urlData: '',
    tail: '0000',
  },
  {
    name: 'aria2 stopped, with another key than before',
    packet:
      '1122334455667722000000015040932e2bcb3dab253c7e8c9355b33f262efadd6300508741322d312d33362d302d4e295f' +
      'b59635be0fd7b500000000000000000000000000008000000000000000000000000003000000005229bc7e000000009c4a0000',
    connectionId: '1122334455667722',
    transactionId: 0x5040932e,
    peerId: '41322d312d33362d302d4e295fb59635be0fd7b5',
    event: 'stopped',
    key: '5229bc7e',
    peersWanted: 0,
    port: 40010,
    urlData: '',
    tail: '0000',
  },
  {
    name: 'rtorrent started, which leaves the number of peers to the tracker',
    packet:
      '1122334455667722000000016c9ad8172bcb3dab253c7e8c9355b33f262efadd630050872d6c74304438302d2bcc2026d9' +
      '86ce95eb7313f300000000000000000000000000008000000000000000000000000002000000003259b9deffffffff9c4a',
    connectionId: '1122334455667722',
    transactionId: 0x6c9ad817,
    peerId: '2d6c74304438302d2bcc2026d986ce95eb7313f3',
    event: 'started',
    key: '3259b9de',
    peersWanted: undefined,
    port: 40010,
    urlData: '',
    tail: '',
  },
  {
    name: 'WebTorrent started, without a key',
    packet:
      '11223344556677c600000001c48e619c2bcb3dab253c7e8c9355b33f262efadd630050872d5757303330322d41622b2f3d' +
      '3925267e783132000000000000000000000000000080000000000000000000000000020000000000000000000000379d6c',
    connectionId: '11223344556677c6',
    transactionId: 0xc48e619c,
    peerId: '2d5757303330322d41622b2f3d3925267e783132',
    event: 'started',
    key: '00000000',
    peersWanted: 55,
    port: 40300,
    urlData: '',
    tail: '',
  },
]

describe.each(CAPTURED)('an announce of $name', (captured) => {
  const packet = hex(captured.packet)
  const said = {
    infoHash: hex(HASH),
    peerId: hex(captured.peerId),
    port: captured.port,
    downloadedBytes: 0,
    uploadedBytes: 0,
    leftBytes: 32768,
    event: captured.event,
    peersWanted: captured.peersWanted,
    urlData: Buffer.from(captured.urlData),
  }

  it('is read, and its key is ignored', () => {
    expect(actionOf(packet)).toBe(1)
    expect(transactionIdOf(packet)).toBe(captured.transactionId)
    expect(readAnnounce(packet)).toEqual({ ...said, key: Buffer.alloc(0) })
  })

  it('is written', () => {
    const head = { connectionId: hex(captured.connectionId), transactionId: captured.transactionId }
    const written = writeAnnounce(head, { ...said, key: hex(captured.key) })
    expect(written.toString('hex') + captured.tail).toBe(captured.packet)
  })
})

describe('a response', () => {
  const reply = {
    complete: 1,
    incomplete: 2,
    downloaded: 7,
    intervalSeconds: 1800,
    intervalSecondsMin: 900,
    peers4: hex('0a4d0201c350c00002071ae1'),
    peers6: hex('20010db80000000000000000000000071ae1'),
  }

  it('over IPv4 has the IPv4 peers, and leechers before seeders', () => {
    const packet = writeAnnounceResponse(0x2d8bd11f, reply, true)
    expect(packet.toString('hex')).toBe('000000012d8bd11f0000070800000002000000010a4d0201c350c00002071ae1')
    expect(readAnnounceResponse(packet, true)).toEqual({
      complete: 1,
      incomplete: 2,
      intervalSeconds: 1800,
      peers4: reply.peers4,
      peers6: Buffer.alloc(0),
    })
  })

  it('over IPv6 has the IPv6 peers', () => {
    const packet = writeAnnounceResponse(0x2d8bd11f, reply, false)
    expect(packet.toString('hex')).toBe(
      '000000012d8bd11f00000708000000020000000120010db80000000000000000000000071ae1',
    )
    expect(readAnnounceResponse(packet, false)).toMatchObject({
      peers4: Buffer.alloc(0),
      peers6: reply.peers6,
    })
  })

  it('to a scrape has seeders, completed and leechers of each hash in the order of the request', () => {
    const request = writeScrape({ connectionId: hex('0102030405060708'), transactionId: 0x2d8bd11f }, [
      hex(HASH),
      hex(OTHER),
    ])
    expect(request.toString('hex')).toBe(`0102030405060708000000022d8bd11f${HASH}${OTHER}`)
    expect(readScrape(request)).toEqual([hex(HASH), hex(OTHER)])
    const counts = [
      { complete: 1, downloaded: 7, incomplete: 2 },
      { complete: 0, downloaded: 0, incomplete: 0 },
    ]
    const answer = writeScrapeResponse(0x2d8bd11f, counts)
    expect(answer.toString('hex')).toBe('000000022d8bd11f000000010000000700000002000000000000000000000000')
    expect(readScrapeResponse(answer)).toEqual(counts)
  })

  it('with an error is text up to its end', () => {
    const packet = writeError(0x2d8bd11f, 'nothing here')
    expect(packet.toString('hex')).toBe('000000032d8bd11f6e6f7468696e672068657265')
    expect(readError(packet)).toBe('nothing here')
  })
})

describe('connection ids', () => {
  const secret = hex('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f')

  it.each([
    ['192.0.2.10', 1_700_000_000, '029d65e0b8c158df'],
    ['::ffff:192.0.2.10', 1_700_000_000, '029d65e0b8c158df'],
    ['192.0.2.10', 1_700_000_060, '7c2e96eb6e336286'],
    ['2001:db8::7', 1_700_000_000, '65a0be149db762a9'],
  ])('of %s at %i', (text, unixSeconds, id) => {
    const address = parseAddress(text)
    if (address === undefined) throw new Error(text)
    const ids = new ConnectionIds(secret, new ManualClock(unixSeconds * 1000))
    expect(ids.issue(address).toString('hex')).toBe(id)
    expect(ids.verify(hex(id), address)).toBe(true)
  })
})
