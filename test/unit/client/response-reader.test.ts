import { describe, expect, it } from 'vitest'
import { type AnnounceResponse, readAnnounceResponse } from '../../../src/client/announce-response.ts'
import { readScrapeResponse } from '../../../src/client/scrape-response.ts'

/** `body` has one character a byte. */
function responseOf(body: string, changes: { status?: number; headers?: Record<string, string> } = {}) {
  const bytes = Buffer.from(body, 'latin1')
  return { url: 'http://t/', status: 200, headers: {}, body: bytes, elapsedMs: 1, ...changes }
}

const read = (body: string, changes?: Parameters<typeof responseOf>[1]): AnnounceResponse =>
  readAnnounceResponse(responseOf(body, changes))

/** Counts and intervals without a warning, and these `peers`. */
const withPeers = (peers: string) =>
  `d8:completei1e10:downloadedi7e10:incompletei2e8:intervali1800e12:min intervali900e${peers}e`

describe('the response to an announce', () => {
  it('is read completely, without a warning where it is good', () => {
    const peers = '5:peers12:\x0a\x4d\x02\x01\xc3\x50\xc0\x00\x02\x07\x1a\xe1'
    const peers6 = `6:peers618:\x20\x01\x0d\xb8${'\0'.repeat(11)}\x07\x1a\xe1`
    expect(read(withPeers(peers + peers6))).toEqual({
      isUsable: true,
      failureReason: null,
      warningMessage: null,
      intervalSeconds: 1800,
      minIntervalSeconds: 900,
      complete: 1,
      incomplete: 2,
      downloaded: 7,
      trackerId: null,
      externalIp: null,
      peers: ['10.77.2.1:50000', '192.0.2.7:6881', '[2001:db8::7]:6881'],
      otherKeys: [],
      warnings: [],
    })
  })

  it('may contain a list of dictionaries with addresses or host names', () => {
    const list =
      '5:peersld2:ip9:10.77.2.17:peer id20:aaaaaaaaaaaaaaaaaaaa4:porti1eed2:ip11:2001:db8::74:porti2eed2:ip6:a.test4:porti3eee'
    expect(read(withPeers(list))).toMatchObject({
      peers: ['10.77.2.1:1', '[2001:db8::7]:2', 'a.test:3'],
      warnings: [],
    })
  })

  it('may contain keys that few trackers send', () => {
    const body =
      'd8:completei1e10:downloadedi7e11:external ip4:\xc0\x00\x02\x0110:incompletei2e8:intervali1800e5:peers0:' +
      '10:tracker id3:abc15:warning message5:hello1:z1:xe'
    expect(read(body)).toMatchObject({
      isUsable: true,
      externalIp: '192.0.2.1',
      trackerId: 'abc',
      warningMessage: 'hello',
      otherKeys: ['z'],
      warnings: [],
    })
  })

  it('is a failure with its reason', () => {
    expect(read('d14:failure reason4:nope8:intervali60ee')).toMatchObject({
      isUsable: false,
      failureReason: 'nope',
      intervalSeconds: 60,
      warnings: [],
    })
  })

  it.each([
    ['a failure without interval', 'd14:failure reason4:nopee', 'retry after 30 minutes'],
    [
      'a fatal reason',
      'd14:failure reason20:unregistered torrent8:intervali60ee',
      'stop announcing permanently',
    ],
    ['no peers', withPeers(''), '"peers" is missing: rtorrent'],
    [
      'peers of 7 bytes',
      withPeers('5:peers7:\x0a\0\0\x01\x1a\xe1x'),
      'has 7 bytes, which is not a multiple of 6',
    ],
    [
      'peers6 of 6 bytes',
      withPeers('5:peers0:6:peers66:abcdef'),
      'has 6 bytes, which is not a multiple of 18',
    ],
    ['peers as a number', withPeers('5:peersi1e'), '"peers" is an integer; all clients ignore it'],
    ['peers6 as a list', withPeers('5:peers0:6:peers6le'), '"peers6" is a list; all clients ignore it'],
    [
      'a peer without a port',
      withPeers('5:peersld2:ip8:10.0.0.1ee'),
      '1 items of "peers" are not dictionaries',
    ],
    ['a peer that is a string', withPeers('5:peersl8:10.0.0.1e'), '1 items of "peers" are not dictionaries'],
    ['port 0', withPeers('5:peers6:\x0a\0\0\x01\0\0'), '1 peers have no usable port'],
    [
      'one address twice',
      withPeers('5:peers12:\x0a\0\0\x01\x1a\xe1\x0a\0\0\x01\x1a\xe2'),
      '1 peers have the address of another',
    ],
    [
      'a mapped address',
      withPeers(`5:peers0:6:peers618:${'\0'.repeat(10)}\xff\xff\x0a\0\0\x01\x1a\xe1`),
      'mapped IPv4 addresses: Transmission rejects them',
    ],
    [
      'a link-local address',
      withPeers(`5:peers0:6:peers618:\xfe\x80${'\0'.repeat(14)}\x1a\xe1`),
      'are link-local',
    ],
    ['no interval', 'd8:completei1e10:downloadedi7e10:incompletei2e5:peers0:e', 'no usable "interval"'],
    [
      'interval 0',
      'd8:completei1e10:downloadedi7e10:incompletei2e8:intervali0e5:peers0:e',
      'no usable "interval"',
    ],
    [
      'an interval of a month',
      'd8:completei1e10:downloadedi7e10:incompletei2e8:intervali2592000e5:peers0:e',
      'overflows the timer of WebTorrent',
    ],
    [
      'a small min interval',
      'd8:completei1e10:downloadedi7e10:incompletei2e8:intervali1800e12:min intervali60e5:peers0:e',
      'aria2 announces every 60 s',
    ],
    [
      'missing counts',
      'd8:completei1e8:intervali1800e5:peers0:e',
      'no incomplete, downloaded: Transmission scrapes',
    ],
    [
      'a count in words',
      'd8:complete3:one10:downloadedi7e10:incompletei2e8:intervali1800e5:peers0:e',
      '"complete" is not an integer',
    ],
    ['retry in', `${withPeers('5:peers0:').slice(0, -1)}8:retry ini5ee`, 'is ignored by all clients'],
    ['a line break after it', `${withPeers('5:peers0:')}\n`, '1 bytes follow the dictionary'],
    [
      'unsorted keys',
      'd5:peers0:8:completei1e10:downloadedi7e10:incompletei2e8:intervali1800ee',
      'a dictionary key that sorts before the one it follows, at byte 10',
    ],
  ])('is warned about with %s', (_what, body, warning) => {
    const { warnings } = read(body)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(warning)
  })

  it('is warned about and unusable with another status', () => {
    expect(read(withPeers('5:peers0:'), { status: 503 })).toMatchObject({
      isUsable: false,
      warnings: ['status 503: all clients except rtorrent read a response only with status 200'],
    })
  })

  it('is warned about when it is compressed', () => {
    const { warnings } = read(withPeers('5:peers0:'), { headers: { 'content-encoding': 'gzip' } })
    expect(warnings).toEqual(['the response is encoded as "gzip", which the request does not accept'])
  })

  it.each([
    ['<html>404</html>', 'no value begins with "<" (0x3c)'],
    ['', 'the data ends here'],
    ['d8:complete', 'the data ends here'],
    ['le', 'it is not a dictionary'],
    [`d5:peers${'9'.repeat(30)}:`, 'a string is longer than the file'],
  ])('is not a response: %s', (body, problem) => {
    const { isUsable, warnings } = read(body)
    expect(isUsable).toBe(false)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain('all clients reject this response')
    expect(warnings[0]).toContain(problem)
  })
})

describe('the response to a scrape', () => {
  const requested = [Buffer.alloc(20, 'a'), Buffer.alloc(20, 'b')]
  const entry = (hash: string) =>
    `20:${hash.repeat(20)}d8:completei1e10:downloadedi7e11:downloadersi2e10:incompletei3ee`

  it('is read completely', () => {
    const body = `d5:filesd${entry('a')}${entry('b')}e5:flagsd20:min_request_intervali1800eee`
    const counts = { complete: 1, downloaded: 7, downloaders: 2, incomplete: 3 }
    expect(readScrapeResponse(responseOf(body), requested)).toEqual({
      isUsable: true,
      failureReason: null,
      minIntervalSeconds: 1800,
      torrents: [
        { infoHash: '61'.repeat(20), ...counts },
        { infoHash: '62'.repeat(20), ...counts },
      ],
      otherKeys: [],
      warnings: [],
    })
  })

  it('is a failure with its reason', () => {
    const body = 'd14:failure reason4:nope8:intervali60e12:min intervali60ee'
    expect(readScrapeResponse(responseOf(body), requested)).toEqual({
      isUsable: false,
      failureReason: 'nope',
      minIntervalSeconds: null,
      torrents: [],
      otherKeys: [],
      warnings: [],
    })
  })

  it.each([
    [
      'a missing torrent',
      `d5:filesd${entry('a')}ee`,
      `${'62'.repeat(20)} is missing: libtorrent and rtorrent`,
    ],
    [
      'a torrent that was not requested',
      `d5:filesd${entry('a')}${entry('b')}${entry('c')}ee`,
      `${'63'.repeat(20)} was not requested`,
    ],
    ['no files', 'd5:flagsdee', 'there is no dictionary "files"'],
    [
      'a corrupted hash',
      `d5:filesd${entry('a')}${entry('b')}38:${'x'.repeat(38)}deee`,
      'its key has 38 bytes instead of 20',
    ],
  ])('is warned about with %s', (_what, body, warning) => {
    const { warnings } = readScrapeResponse(responseOf(body), requested)
    expect(warnings).toHaveLength(1)
    expect(warnings[0]).toContain(warning)
  })
})
