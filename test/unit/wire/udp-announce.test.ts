/** The meaning of unusual values in a UDP announce, and the values that are refused. */
import { describe, expect, it } from 'vitest'
import { Refusal } from '../../../src/core/errors.ts'
import {
  peersThatFit,
  readAnnounce,
  readAnnounceResponse,
  writeAnnounceResponse,
} from '../../../src/wire/udp/announce.ts'
import { readConnect } from '../../../src/wire/udp/connect.ts'
import { readError, writeError } from '../../../src/wire/udp/error.ts'
import { readScrape } from '../../../src/wire/udp/scrape.ts'
import { readUrlData } from '../../../src/wire/udp/url-data.ts'
import { anAnnounceReply } from '../../recording-tracker.ts'

/** An announce of zeros and a port, changed by `change`. */
function packet(change: (bytes: Buffer) => void = () => undefined, options = ''): Buffer {
  const bytes = Buffer.alloc(98)
  bytes.writeUInt16BE(6881, 96)
  change(bytes)
  return Buffer.concat([bytes, Buffer.from(options, 'hex')])
}

const left = (hex: string) => readAnnounce(packet((bytes) => bytes.write(hex, 64, 'hex'))).leftBytes
const event = (number: number) => readAnnounce(packet((bytes) => bytes.writeUInt32BE(number, 80))).event
const wanted = (number: number) => readAnnounce(packet((bytes) => bytes.writeInt32BE(number, 92))).peersWanted
const urlData = (options: string) => readAnnounce(packet(undefined, options)).urlData.toString()

function refusalOf(read: () => unknown): Refusal {
  try {
    read()
  } catch (error) {
    if (error instanceof Refusal) return error
    throw error
  }
  throw new Error('nothing was refused')
}

describe('the number of bytes left', () => {
  it.each([
    ['0000000000000000', 0],
    ['0000000000008000', 32_768],
    ['0000000100000002', 4_294_967_298],
    ['001fffffffffffff', 9_007_199_254_740_991],
    ['0020000000000000', 9_007_199_254_740_991],
    ['7fffffffffffffff', 9_007_199_254_740_991],
    ['ffffffffffffffff', undefined],
    ['8000000000000000', undefined],
  ])('%s is %s', (hex, bytes) => {
    expect(left(hex)).toBe(bytes)
  })
})

describe('an event', () => {
  it.each([
    [0, 'none'],
    [1, 'completed'],
    [2, 'started'],
    [3, 'stopped'],
    [4, 'paused'],
    [5, 'none'],
    [0xffff_ffff, 'none'],
  ])('%i is %s', (number, name) => {
    expect(event(number)).toBe(name)
  })
})

describe('the number of peers wanted', () => {
  it.each([
    [-1, undefined],
    [-2_147_483_648, undefined],
    [0, 0],
    [200, 200],
    [201, 200],
    [2_147_483_647, 200],
  ])('%i is %s', (number, peers) => {
    expect(wanted(number)).toBe(peers)
  })

  it.each([
    [undefined, true, 50],
    [undefined, false, 27],
    [80, true, 80],
    [81, true, 80],
    [28, false, 27],
    [0, true, 0],
  ])('%s for IPv4 %s is requested from the tracker as %i', (peers, isV4, asked) => {
    expect(peersThatFit(peers, isV4)).toBe(asked)
  })
})

describe('the options after an announce', () => {
  it.each([
    ['nothing', '', ''],
    ['the zeros of aria2', '0000', ''],
    ['a path', '02022f61', '/a'],
    ['a path in two parts', '02022f6102012f', '/a/'],
    ['a path between fillers', '010102022f6101', '/a'],
    ['a path after an unknown option', '0702ffff02022f61', '/a'],
    ['a path after the end', '0002022f61', ''],
    ['a part without its end', '02022f6102052f', '/a'],
    ['a type without a length', '02022f6102', '/a'],
    ['an empty path', '0200', ''],
  ])('%s', (_what, options, path) => {
    expect(urlData(options)).toBe(path)
  })

  it('are read without recursion, also when they are many', () => {
    expect(readUrlData(Buffer.alloc(60_000, 1), 0)).toHaveLength(0)
  })
})

describe('a request is refused', () => {
  it.each([
    ['an announce of 97 bytes', () => readAnnounce(packet().subarray(0, 97)), 'TRK_REQUEST_MALFORMED'],
    ['an announce of 1,501 bytes', () => readAnnounce(Buffer.alloc(1_501, 1)), 'TRK_REQUEST_TOO_LONG'],
    ['no port', () => readAnnounce(packet((bytes) => bytes.fill(0))), 'TRK_PORT_INVALID'],
    ['a scrape of nothing', () => readScrape(Buffer.alloc(35)), 'TRK_SCRAPE_EMPTY'],
    ['a scrape of 75', () => readScrape(Buffer.alloc(16 + 75 * 20)), 'TRK_SCRAPE_TOO_MANY'],
  ])('with %s', (_what, read, code) => {
    expect(refusalOf(read).code).toBe(code)
  })

  it('and is read at the limit', () => {
    expect(readAnnounce(packet(undefined, '00'.repeat(1_402))).port).toBe(6881)
    expect(readScrape(Buffer.alloc(36))).toHaveLength(1)
    expect(readScrape(Buffer.alloc(16 + 75 * 20 - 1))).toHaveLength(74)
  })
})

it('a stop may have no port', () => {
  const announce = readAnnounce(packet((bytes) => bytes.fill(0).writeUInt32BE(3, 80)))
  expect(announce).toMatchObject({ event: 'stopped', port: 0 })
})

it('a packet with another protocol id or one byte too few is not a connect', () => {
  expect(readConnect(Buffer.from('000004172710198100000000c9f7ac4e', 'hex'))).toBeUndefined()
  expect(readConnect(Buffer.from('0000041727101980000000000c9f7a', 'hex'))).toBeUndefined()
})

describe('a response', () => {
  it('has at most 80 IPv4 peers, the first ones', () => {
    const peers4 = Buffer.concat(Array.from({ length: 81 }, (_, index) => Buffer.alloc(6, index)))
    const packet = writeAnnounceResponse(1, anAnnounceReply({ peers4 }), true)
    expect(packet).toHaveLength(500)
    expect(packet.subarray(494).toString('hex')).toBe('4f4f4f4f4f4f')
  })

  it('has at most 27 IPv6 peers, the first ones', () => {
    const peers6 = Buffer.concat(Array.from({ length: 28 }, (_, index) => Buffer.alloc(18, index)))
    const packet = writeAnnounceResponse(1, anAnnounceReply({ peers6 }), false)
    expect(packet).toHaveLength(506)
    expect(packet.subarray(505).toString('hex')).toBe('1a')
  })

  it('that ends inside a peer is not read', () => {
    expect(readAnnounceResponse(Buffer.alloc(25), true)).toBeUndefined()
    expect(readAnnounceResponse(Buffer.alloc(26), false)).toBeUndefined()
    expect(readAnnounceResponse(Buffer.alloc(19), true)).toBeUndefined()
  })

  it('with an error is cut between two characters', () => {
    expect(readError(writeError(1, 'a'.repeat(499) + 'é'))).toBe('a'.repeat(499))
    expect(readError(writeError(1, 'a'.repeat(498) + 'é'))).toBe('a'.repeat(498) + 'é')
  })
})
