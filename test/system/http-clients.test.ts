/** Requests of real clients (captured), byte for byte through a real socket, and the announces that the tracker gets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { HttpServer } from '../../src/server/http/http-server.ts'
import { RawConnection } from '../raw-connection.ts'
import { RecordingTracker } from '../recording-tracker.ts'

let tracker: RecordingTracker
let server: HttpServer
let port: number

beforeEach(async () => {
  tracker = new RecordingTracker()
  server = new HttpServer({
    tracker,
    isTrusted: () => false,
    onRefusal: (code) => expect.unreachable(code),
    log: { error: (fields) => expect.unreachable(JSON.stringify(fields)) },
  })
  port = await server.start({ host: '127.0.0.1', port: 0 })
})

afterEach(() => server.stop(1_000))

const FIRST = '2bcb3dab253c7e8c9355b33f262efadd63005087'

const hex = (text: string) => Buffer.from(text, 'hex')

/** Values that all of these announces have in common. */
const COMMON = {
  infoHash: hex(FIRST),
  uploadedBytes: 0,
  downloadedBytes: 0,
  leftBytes: 32768,
  event: 'started',
  isCompact: true,
  claimedAddress: undefined,
}

const CLIENTS: readonly {
  readonly client: string
  readonly lines: readonly string[]
  readonly given: Readonly<Record<string, unknown>>
}[] = [
  {
    client: 'libtorrent 2.0.8',
    lines: [
      'GET /announce?info_hash=%2b%cb%3d%ab%25%3c~%8c%93U%b3%3f%26.%fa%ddc%00P%87&peer_id=-LT2080-CKMQOc.qd!RT&port=40002&uploaded=0&downloaded=0&left=32768&corrupt=0&key=FEAB93A7&event=started&numwant=200&compact=1&no_peer_id=1&supportcrypto=1&redundant=0 HTTP/1.1',
      'Host: 10.77.0.1:39001',
      'User-Agent: libtorrent/2.0.8.0',
      'Accept-Encoding: gzip',
      'Connection: close',
    ],
    given: {
      peerId: Buffer.from('-LT2080-CKMQOc.qd!RT'),
      port: 40002,
      peersWanted: 200,
      key: Buffer.from('FEAB93A7'),
    },
  },
  {
    client: 'qBittorrent 4.5.2, stopping',
    lines: [
      'GET /announce?info_hash=%2b%cb%3d%ab%25%3c~%8c%93U%b3%3f%26.%fa%ddc%00P%87&peer_id=-qB4520-!mGbVxYiDoKI&port=40002&uploaded=0&downloaded=0&left=32768&corrupt=0&key=69C8B1B7&event=stopped&numwant=0&compact=1&no_peer_id=1&supportcrypto=1&redundant=0 HTTP/1.1',
      'Host: 10.77.0.1:39001',
      'User-Agent: qBittorrent/4.5.2',
      'Accept-Encoding: gzip',
      'Connection: close',
    ],
    given: {
      peerId: Buffer.from('-qB4520-!mGbVxYiDoKI'),
      port: 40002,
      event: 'stopped',
      peersWanted: 0,
      key: Buffer.from('69C8B1B7'),
    },
  },
  {
    client: 'Transmission 3.00',
    lines: [
      'GET /announce?info_hash=%2b%cb%3d%ab%25%3c~%8c%93U%b3%3f%26.%fa%ddc%00P%87&peer_id=-TR3000-yzd34s1eo2rv&port=40003&uploaded=0&downloaded=0&left=32768&numwant=80&key=5ec4ed26&compact=1&supportcrypto=1&event=started HTTP/1.1',
      'Host: 10.77.0.1:39001',
      'User-Agent: Transmission/3.00',
      'Accept: */*',
      'Accept-Encoding: deflate, gzip, br, zstd',
    ],
    given: {
      peerId: Buffer.from('-TR3000-yzd34s1eo2rv'),
      port: 40003,
      peersWanted: 80,
      key: Buffer.from('5ec4ed26'),
    },
  },
  {
    client: 'Transmission 3.00 with a magnet',
    lines: [
      'GET /announce?info_hash=%2b%cb%3d%ab%25%3c~%8c%93U%b3%3f%26.%fa%ddc%00P%87&peer_id=-TR3000-yzd34s1eo2rv&port=40003&uploaded=0&downloaded=0&left=9223372036854775807&numwant=80&key=5ec4ed26&compact=1&supportcrypto=1&event=started HTTP/1.1',
      'Host: 10.77.0.1:39001',
    ],
    given: {
      peerId: Buffer.from('-TR3000-yzd34s1eo2rv'),
      port: 40003,
      leftBytes: Number.MAX_SAFE_INTEGER,
      peersWanted: 80,
      key: Buffer.from('5ec4ed26'),
    },
  },
  {
    client: 'Transmission 4.1.3',
    lines: [
      'GET /announce?info_hash=%2B%CB%3D%AB%25%3C~%8C%93U%B3%3F%26.%FA%DDc%00P%87&peer_id=-TR4130-0123456789az&port=51413&uploaded=0&downloaded=0&left=32768&numwant=80&key=1D24D9B4&compact=1&supportcrypto=1&event=started&ipv4=192.0.2.1&ipv6=2001:db8::1 HTTP/1.1',
      'Host: 10.77.0.1:39001',
    ],
    given: {
      peerId: Buffer.from('-TR4130-0123456789az'),
      port: 51413,
      peersWanted: 80,
      key: Buffer.from('1D24D9B4'),
    },
  },
  {
    client: 'aria2 1.36.0, with a binary key',
    lines: [
      'GET /announce?info_hash=%2B%CB%3D%AB%25%3C~%8C%93U%B3%3F%26.%FA%DDc%00P%87&peer_id=A2-1-36-0-%EE%C8i%17%E4%9E%18%7CvS&uploaded=0&downloaded=0&left=32768&compact=1&key=i%17%E4%9E%18%7CvS&numwant=50&no_peer_id=1&port=40001&event=started&supportcrypto=1 HTTP/1.1',
      'User-Agent: aria2/1.36.0',
      'Accept: */*',
      'Host: 10.77.0.1:39001',
      'Want-Digest: SHA-512;q=1, SHA-256;q=1, SHA;q=0.1',
    ],
    given: {
      peerId: hex('41322d312d33362d302deec86917e49e187c7653'),
      port: 40001,
      peersWanted: 50,
      key: hex('6917e49e187c7653'),
    },
  },
  {
    client: 'rtorrent 0.9.8, with a peer id that is UTF-8 only at its start',
    lines: [
      'GET /announce?info_hash=%2B%CB%3D%AB%25%3C%7E%8C%93U%B3%3F%26%2E%FA%DDc%00P%87&peer_id=-lt0D80-%C3%BF%82%BF%90%90%0F%1E%26JE%03&key=0e625943&compact=1&port=40004&uploaded=0&downloaded=0&left=32768&event=started HTTP/1.1',
      'Host: 10.77.0.1:39001',
      'User-Agent: rtorrent/0.9.8/0.13.8',
      'Accept: */*',
      'Accept-Encoding: deflate, gzip, br, zstd',
    ],
    given: {
      peerId: Buffer.concat([Buffer.from('-lt0D80-'), hex('c3bf82bf90900f1e264a4503')]),
      port: 40004,
      peersWanted: undefined,
      key: Buffer.from('0e625943'),
    },
  },
  {
    client: 'WebTorrent',
    lines: [
      'GET /announce?numwant=55&uploaded=0&downloaded=0&left=32768&event=started&compact=1&info_hash=%2B%CB%3D%AB%25%3C%7E%8C%93U%B3%3F%26.%FA%DDc%00P%87&peer_id=-WW0302-Ab%2B%2F%3D9%25%26%7Ex12&port=40300 HTTP/1.1',
      'host: 10.77.0.1:39001',
      'connection: keep-alive',
      'user-agent: WebTorrent/3.0.21 (https://webtorrent.io)',
      'accept: */*',
      'accept-language: *',
      'sec-fetch-mode: cors',
      'accept-encoding: gzip, deflate',
    ],
    given: {
      peerId: Buffer.from('-WW0302-Ab+/=9%&~x12'),
      port: 40300,
      peersWanted: 55,
      key: Buffer.alloc(0),
    },
  },
  {
    client: 'anacrolix, with a negative number as its key',
    lines: [
      'GET /announce?compact=1&downloaded=0&event=started&info_hash=%2B%CB%3D%AB%25%3C~%8C%93U%B3%3F%26.%FA%DDc%00P%87&key=-1985229329&left=32768&peer_id=-GT0003-abcdefghijkl&port=42069&supportcrypto=1&uploaded=0 HTTP/1.1',
      'Host: 10.77.0.1:39001',
      'Accept-Encoding: gzip',
    ],
    given: {
      peerId: Buffer.from('-GT0003-abcdefghijkl'),
      port: 42069,
      peersWanted: undefined,
      key: Buffer.from('-1985229329'),
    },
  },
  {
    client: 'libtorrent 2.0.8 with a hybrid torrent and an IPv6 literal without brackets in Host',
    lines: [
      'GET /announce?info_hash=%8aQ%a5%d0z%3a.4%8f%bc%3a%be%f4%c8%b4ef%5dL%27&peer_id=-LT2080-CKMQOc.qd!RT&port=40002&uploaded=0&downloaded=0&left=32768&corrupt=0&key=FEAB93A7&event=started&numwant=200&compact=1&no_peer_id=1&supportcrypto=1&redundant=0 HTTP/1.1',
      'Host: fd77::1:39001',
      'Connection: close',
    ],
    given: {
      infoHash: hex('8a51a5d07a3a2e348fbc3abef4c8b465665d4c27'),
      peerId: Buffer.from('-LT2080-CKMQOc.qd!RT'),
      port: 40002,
      peersWanted: 200,
      key: Buffer.from('FEAB93A7'),
    },
  },
]

describe('the tracker reads', () => {
  it.each(CLIENTS)('$client', async ({ lines, given }) => {
    const connection = await RawConnection.open(port, '127.0.0.3')
    connection.write(`${lines.join('\r\n')}\r\n\r\n`)
    const response = await connection.response()
    connection.destroy()
    expect(tracker.announces).toEqual([
      { request: { ...COMMON, ...given }, from: '127.0.0.3', protocol: 'http' },
    ])
    expect(response?.body).toBe(
      'd8:completei0e10:downloadedi0e10:incompletei1e8:intervali1800e12:min intervali900e5:peers0:e',
    )
  })

  it('the scrape of Transmission on the connection of its announce', async () => {
    const transmission = CLIENTS.find(({ client }) => client === 'Transmission 3.00')
    const connection = await RawConnection.open(port)
    connection.write(`${transmission?.lines.join('\r\n')}\r\n\r\n`)
    await connection.response()
    connection.write(
      'GET /scrape?info_hash=%2b%cb%3d%ab%25%3c~%8c%93U%b3%3f%26.%fa%ddc%00P%87 HTTP/1.1\r\nHost: 10.77.0.1:39001\r\n\r\n',
    )
    const response = await connection.response()
    connection.destroy()
    expect(tracker.scrapes).toEqual([{ infoHashes: [FIRST], from: '127.0.0.1' }])
    expect(response?.body).toBe(
      `d5:filesd20:${hex(FIRST).toString('latin1')}d8:completei0e10:downloadedi0e10:incompletei0eee` +
        '5:flagsd20:min_request_intervali1800eee',
    )
  })
})
