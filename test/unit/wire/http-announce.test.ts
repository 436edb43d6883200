import { describe, expect, it } from 'vitest'
import { Refusal } from '../../../src/core/errors.ts'
import { readAnnounce, writeAnnounceResponse } from '../../../src/wire/http/announce.ts'
import { anAnnounceReply } from '../../recording-tracker.ts'

const GOOD = {
  info_hash: '%2b%cb%3d%ab%25%3c~%8c%93U%b3%3f%26.%fa%ddc%00P%87',
  peer_id: '-LT2080-CKMQOc.qd!RT',
  port: '40002',
  uploaded: '1',
  downloaded: '2',
  left: '32768',
  event: 'started',
  numwant: '30',
  key: 'FEAB93A7',
} as const

/** The good announce with some parameters changed, left out (null) or more of them appended. */
function announceWith(changes: Readonly<Record<string, string | null>> = {}, appended = ''): string {
  const parameters = Object.entries({ ...GOOD, ...changes }).filter(([, value]) => value !== null)
  return `/announce?${parameters.map(([name, value]) => `${name}=${value}`).join('&')}${appended}`
}

function refusalOf(target: string): string {
  try {
    readAnnounce(target)
  } catch (error) {
    if (error instanceof Refusal) return error.code
    throw error
  }
  return 'none'
}

describe('an announce is refused', () => {
  it.each([
    ['without an info_hash', announceWith({ info_hash: null }), 'TRK_INFO_HASH_MISSING'],
    ['with an empty info_hash', announceWith({ info_hash: '' }), 'TRK_INFO_HASH_INVALID'],
    ['with 19 bytes of info_hash', announceWith({ info_hash: 'a'.repeat(19) }), 'TRK_INFO_HASH_INVALID'],
    ['with 21 bytes of info_hash', announceWith({ info_hash: 'a'.repeat(21) }), 'TRK_INFO_HASH_INVALID'],
    ['with 40 hexadecimal digits', announceWith({ info_hash: 'ab'.repeat(20) }), 'TRK_INFO_HASH_INVALID'],
    ['with a broken escape', announceWith({ info_hash: `${'a'.repeat(19)}%zz` }), 'TRK_INFO_HASH_INVALID'],
    ['with a cut escape', announceWith({ info_hash: `${'a'.repeat(19)}%2` }), 'TRK_INFO_HASH_INVALID'],
    ['for two torrents', announceWith({}, `&info_hash=${'b'.repeat(20)}`), 'TRK_INFO_HASH_REPEATED'],
    ['without a peer_id', announceWith({ peer_id: null }), 'TRK_PEER_ID_INVALID'],
    ['with 19 bytes of peer_id', announceWith({ peer_id: 'a'.repeat(19) }), 'TRK_PEER_ID_INVALID'],
    ['with 21 bytes of peer_id', announceWith({ peer_id: 'a'.repeat(21) }), 'TRK_PEER_ID_INVALID'],
    ['with a broken escape in peer_id', announceWith({ peer_id: '%' }), 'TRK_PEER_ID_INVALID'],
    ['without a port', announceWith({ port: null }), 'TRK_PORT_INVALID'],
    ['with port 0', announceWith({ port: '0' }), 'TRK_PORT_INVALID'],
    ['with port 65536', announceWith({ port: '65536' }), 'TRK_PORT_INVALID'],
    ['with a negative port', announceWith({ port: '-1' }), 'TRK_PORT_INVALID'],
    ['with a port in words', announceWith({ port: 'http' }), 'TRK_PORT_INVALID'],
    ['with a key of 65 bytes', announceWith({ key: 'k'.repeat(65) }), 'TRK_PARAMETER_INVALID'],
    ['with a broken escape in the key', announceWith({ key: '%k' }), 'TRK_PARAMETER_INVALID'],
  ])('%s', (_why, target, code) => {
    expect(refusalOf(target)).toBe(code)
  })
})

describe('an announce', () => {
  it('is read with all its parameters', () => {
    expect(readAnnounce(announceWith())).toEqual({
      infoHash: Buffer.from('2bcb3dab253c7e8c9355b33f262efadd63005087', 'hex'),
      peerId: Buffer.from('-LT2080-CKMQOc.qd!RT'),
      port: 40002,
      uploadedBytes: 1,
      downloadedBytes: 2,
      leftBytes: 32768,
      event: 'started',
      peersWanted: 30,
      key: Buffer.from('FEAB93A7'),
      isCompact: true,
      claimedAddress: undefined,
    })
  })

  it('requires only infohash, peer id and port', () => {
    const target = `/announce?info_hash=${GOOD.info_hash}&peer_id=${GOOD.peer_id}&port=1`
    expect(readAnnounce(target)).toMatchObject({
      port: 1,
      uploadedBytes: 0,
      downloadedBytes: 0,
      leftBytes: undefined,
      event: 'none',
      peersWanted: undefined,
      key: Buffer.alloc(0),
      isCompact: true,
    })
  })

  it.each([
    ['no port', null],
    ['port 0', '0'],
    ['port 65536', '65536'],
  ])('with event=stopped may have %s', (_what, port) => {
    expect(readAnnounce(announceWith({ port, event: 'stopped' }))).toMatchObject({
      port: 0,
      event: 'stopped',
    })
  })

  it('with event=stopped keeps its port', () => {
    expect(readAnnounce(announceWith({ event: 'stopped' })).port).toBe(40002)
  })

  it.each(['1', '65535'])('may have the port %s', (port) => {
    expect(readAnnounce(announceWith({ port })).port).toBe(Number(port))
  })

  it.each(['-1', 'many', '', '%zz', null])('with uploaded=%s counts as 0 bytes', (value) => {
    expect(readAnnounce(announceWith({ uploaded: value, downloaded: value }))).toMatchObject({
      uploadedBytes: 0,
      downloadedBytes: 0,
    })
  })

  it.each([
    ['0', 0],
    ['16384', 16384],
    ['9223372036854775807', Number.MAX_SAFE_INTEGER],
    ['18446744073709551615', Number.MAX_SAFE_INTEGER],
    ['-1', undefined],
    ['', undefined],
    ['all', undefined],
    [null, undefined],
  ])('with left=%s lacks %s bytes', (left, leftBytes) => {
    expect(readAnnounce(announceWith({ left })).leftBytes).toBe(leftBytes)
  })

  it('with event=completed and without left lacks nothing, as in chihaya and bittorrent-tracker', () => {
    const leftOf = (left: string | null, event: string) =>
      readAnnounce(announceWith({ left, event })).leftBytes
    expect(leftOf(null, 'completed')).toBe(0)
    expect(leftOf(null, 'started')).toBeUndefined()
    expect(leftOf('-1', 'completed')).toBeUndefined()
    expect(leftOf('5', 'completed')).toBe(5)
  })

  it('may be appended with a question mark to a URL that has a query', () => {
    const [path, query] = announceWith().split('?')
    expect(readAnnounce(`${path}?pk=abc?${query}`)).toEqual(readAnnounce(announceWith()))
    expect(refusalOf('/announce?pk=abc?a?b')).toBe('TRK_INFO_HASH_MISSING')
    // A question mark of its own changes nothing.
    expect(readAnnounce(announceWith({}, '&pk=a?b'))).toEqual(readAnnounce(announceWith()))
  })

  it.each([
    ['started', 'started'],
    ['completed', 'completed'],
    ['stopped', 'stopped'],
    ['paused', 'paused'],
    ['%73tarted', 'started'],
    ['empty', 'none'],
    ['', 'none'],
    ['STARTED', 'none'],
    ['resumed', 'none'],
    ['%zz', 'none'],
    [null, 'none'],
  ])('with event=%s has the event %s', (event, read) => {
    expect(readAnnounce(announceWith({ event })).event).toBe(read)
  })

  it.each([
    ['0', 0],
    ['1', 1],
    ['200', 200],
    ['201', 200],
    ['4294967295', 200],
    ['-1', undefined],
    ['', undefined],
    ['x', undefined],
    [null, undefined],
  ])('with numwant=%s wants %s peers', (numwant, peersWanted) => {
    expect(readAnnounce(announceWith({ numwant })).peersWanted).toBe(peersWanted)
  })

  it.each([
    ['1', true],
    ['0', false],
    ['00', false],
    ['2', true],
    ['', true],
    ['no', true],
    [null, true],
  ])('with compact=%s gets a compact response: %s', (compact, isCompact) => {
    expect(readAnnounce(announceWith({ compact })).isCompact).toBe(isCompact)
  })

  it('may have a key of any 64 bytes', () => {
    expect(readAnnounce(announceWith({ key: '%00'.repeat(64) })).key).toEqual(Buffer.alloc(64))
  })

  it('counts only the first of a repeated parameter', () => {
    const again =
      '&peer_id=bbbbbbbbbbbbbbbbbbbb&port=1&uploaded=9&downloaded=9&left=9&event=stopped&numwant=9&key=9&compact=0'
    expect(readAnnounce(announceWith({ compact: '1' }, again))).toEqual(readAnnounce(announceWith()))
  })

  it('does not fall back to the second of a repeated parameter when the first is bad', () => {
    expect(refusalOf(announceWith({ port: 'x' }, '&port=80'))).toBe('TRK_PORT_INVALID')
    expect(refusalOf(announceWith({ peer_id: 'x' }, `&peer_id=${GOOD.peer_id}`))).toBe('TRK_PEER_ID_INVALID')
  })

  it('may have unknown parameters and other addresses of the client, which are ignored', () => {
    const more =
      '&corrupt=1&redundant=2&supportcrypto=1&trackerid=x%zz&azudp=1&ipv4=1.2.3.4&ipv6=fd00%3a%3a7&ipv6=fd00%3a%3a8&info_hash2=x'
    expect(readAnnounce(announceWith({}, more))).toEqual(readAnnounce(announceWith()))
  })

  it('passes on the claimed address of the client', () => {
    expect(readAnnounce(announceWith({ ip: 'fd00%3A%3a7' }, '&ip=1.2.3.4')).claimedAddress).toBe('fd00::7')
  })

  it('passes on an unreadable address as an empty one, not as a missing one', () => {
    expect(readAnnounce(announceWith({ ip: '%zz' })).claimedAddress).toBe('')
  })
})

describe('the response to an announce', () => {
  it('has an empty list of peers where the client asks for a list', () => {
    expect(writeAnnounceResponse(anAnnounceReply(), false)).toBe(
      'd8:completei0e10:downloadedi0e10:incompletei1e8:intervali1800e12:min intervali900e5:peerslee',
    )
  })

  it('has IPv6 peers after an empty string of IPv4 peers', () => {
    const peers6 = Buffer.from('20010db80000000000000000000000071ae1', 'hex')
    expect(writeAnnounceResponse(anAnnounceReply({ peers6 }), true)).toBe(
      'd8:completei0e10:downloadedi0e10:incompletei1e8:intervali1800e12:min intervali900e' +
        `5:peers0:6:peers618:${peers6.toString('latin1')}e`,
    )
  })
})
