/**
 * The HTTP listener as a client sees it, through real sockets: framing, connections, and a bencoded failure for each way
 * in which an announce can fail.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AnnounceReply } from '../../src/core/announce.ts'
import { Refusal, type RefusalCode } from '../../src/core/errors.ts'
import { HttpServer, type HttpServerLimits, httpServerLimits } from '../../src/server/http/http-server.ts'
import { type RawResponse, RawConnection } from '../raw-connection.ts'
import { RecordingTracker, anAnnounceReply } from '../recording-tracker.ts'

const QUERY = 'info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-XX0000-000000000000&port=6881&left=0'
const ANNOUNCE = `GET /announce?${QUERY} HTTP/1.1\r\nHost: t\r\n\r\n`
const NO_PEERS =
  'd8:completei0e10:downloadedi0e10:incompletei1e8:intervali1800e12:min intervali900e5:peers0:e'

let tracker: RecordingTracker
let server: HttpServer
let port: number
let refusals: RefusalCode[]
let logged: unknown[]

async function startServer(limits: Partial<HttpServerLimits> = {}): Promise<void> {
  tracker = new RecordingTracker()
  refusals = []
  logged = []
  server = new HttpServer(
    {
      tracker,
      // 127.0.0.9 is a trusted proxy.
      isTrusted: (address) => address.toString() === '127.0.0.9',
      onRefusal: (code) => refusals.push(code),
      log: { error: (fields) => logged.push(fields['err']) },
    },
    { ...httpServerLimits, ...limits },
  )
  port = await server.start({ host: '127.0.0.1', port: 0 })
}

beforeEach(() => startServer())
afterEach(() => server.stop(1_000))

/** Sends one request on a connection of its own; resolves with the response. */
async function send(request: string, from?: string): Promise<RawResponse | undefined> {
  const connection = await RawConnection.open(port, from)
  connection.write(request)
  const response = await connection.response()
  connection.destroy()
  return response
}

const get = (target: string, headers = '') => `GET ${target} HTTP/1.1\r\nHost: t\r\n${headers}\r\n`

function failure(reason: string): string {
  return `d14:failure reason${reason.length}:${reason}8:intervali60e12:min intervali60ee`
}

describe('a response that waits for other nodes', () => {
  it('is sent once they have answered, and does not delay others', async () => {
    let give: (reply: AnnounceReply) => void = () => {}
    tracker.reply = () => new Promise((resolve) => (give = resolve))
    const waiting = await RawConnection.open(port)
    waiting.write(ANNOUNCE)
    while (tracker.announces.length === 0) await new Promise(setImmediate)
    tracker.reply = anAnnounceReply()
    expect((await send(ANNOUNCE))?.body).toBe(NO_PEERS)
    give(anAnnounceReply({ complete: 7 }))
    expect((await waiting.response())?.body).toBe(NO_PEERS.replace('completei0e', 'completei7e'))
    waiting.destroy()
  })

  it('is dropped after its client has closed the connection, and the listener continues', async () => {
    let give: (reply: AnnounceReply) => void = () => {}
    tracker.reply = () => new Promise((resolve) => (give = resolve))
    const waiting = await RawConnection.open(port)
    waiting.write(ANNOUNCE)
    while (tracker.announces.length === 0) await new Promise(setImmediate)
    waiting.destroy()
    while (server.connections > 0) await new Promise(setImmediate)
    give(anAnnounceReply())
    tracker.reply = anAnnounceReply()
    expect((await send(ANNOUNCE))?.body).toBe(NO_PEERS)
    expect(logged).toEqual([])
  })
})

describe('a response', () => {
  it('has status 200, its exact length, plain text, and no encoding', async () => {
    const response = await send(get(`/announce?${QUERY}`, 'Accept-Encoding: gzip, deflate\r\n'))
    expect(response?.statusLine).toBe('HTTP/1.1 200 OK')
    expect(response?.body).toBe(NO_PEERS)
    expect(response?.headers.get('content-type')).toBe('text/plain')
    expect(response?.headers.get('content-length')).toBe('92')
    expect(response?.headers.has('transfer-encoding')).toBe(false)
    expect(response?.headers.has('content-encoding')).toBe(false)
  })

  it('contains peers of both families byte for byte', async () => {
    tracker.reply = anAnnounceReply({
      peers4: Buffer.from('0a4d0201c350c00002071ae1', 'hex'),
      peers6: Buffer.from('20010db80000000000000000000000071ae1', 'hex'),
    })
    const response = await send(ANNOUNCE)
    expect(Buffer.from(response?.body ?? '', 'latin1').toString('hex')).toBe(
      '64383a636f6d706c65746569306531303a646f776e6c6f6164656469306531303a696e636f6d706c657465693165' +
        '383a696e74657276616c69313830306531323a6d696e20696e74657276616c6939303065353a706565727331323a' +
        '0a4d0201c350c00002071ae1363a70656572733631383a20010db80000000000000000000000071ae165',
    )
  })

  it('contains dictionaries with compact=0', async () => {
    tracker.reply = anAnnounceReply({ peers4: Buffer.from('0a4d0201c350', 'hex') })
    const response = await send(get(`/announce?${QUERY}&compact=0`))
    expect(response?.body).toContain('5:peersld2:ip9:10.77.2.14:porti50000eeee')
  })

  it.each(['/announce/secret-token', '/announce/a%20b%2Fc'])('is sent at %s', async (path) => {
    expect((await send(get(`${path}?${QUERY}`)))?.body).toBe(NO_PEERS)
    expect(tracker.announces).toHaveLength(1)
  })

  it('is sent to a scrape with a token', async () => {
    const response = await send(get('/scrape/secret-token?info_hash=aaaaaaaaaaaaaaaaaaaa'))
    expect(response?.body).toMatch(/^d5:filesd20:a{20}d8:complete/)
  })

  it('is sent to a target in absolute form', async () => {
    const response = await send(get(`http://tracker.example:6969/announce?${QUERY}`))
    expect(response?.body).toBe(NO_PEERS)
  })

  it.each([
    ['HTTP/1.0 without Host', `GET /announce?${QUERY} HTTP/1.0\r\n\r\n`],
    ['HTTP/1.1 without Host', `GET /announce?${QUERY} HTTP/1.1\r\n\r\n`],
    ['an IPv6 Host without brackets', `GET /announce?${QUERY} HTTP/1.1\r\nHost: fd77::1:39001\r\n\r\n`],
    ['Expect: 100-continue', get(`/announce?${QUERY}`, 'Expect: 100-continue\r\n')],
    ['an unknown Expect', get(`/announce?${QUERY}`, 'Expect: miracles\r\n')],
    ['an Upgrade', get(`/announce?${QUERY}`, 'Connection: Upgrade\r\nUpgrade: h2c\r\n')],
    ['a body', `${get(`/announce?${QUERY}`, 'Content-Length: 5\r\n')}hello`],
    [
      'a chunked body',
      `${get(`/announce?${QUERY}`, 'Transfer-Encoding: chunked\r\n')}5\r\nhello\r\n0\r\n\r\n`,
    ],
    ['line ends before the request', `\r\n\r\n${ANNOUNCE}`],
  ])('is sent to a request with %s', async (_name, request) => {
    const response = await send(request)
    expect(response?.statusLine).toBe('HTTP/1.1 200 OK')
    expect(response?.body).toBe(NO_PEERS)
  })
})

describe('a connection', () => {
  it('is kept for the next request', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE)
    const first = await connection.response()
    connection.write(ANNOUNCE)
    const second = await connection.response()
    connection.destroy()
    expect(first?.headers.get('connection')).toBe('keep-alive')
    expect(second?.body).toBe(NO_PEERS)
  })

  it('answers pipelined requests in order', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE + get('/nowhere') + ANNOUNCE)
    const bodies = [await connection.response(), await connection.response(), await connection.response()]
    connection.destroy()
    const unknownPath = failure('there is nothing at this path; announce to /announce')
    expect(bodies.map((response) => response?.body)).toEqual([NO_PEERS, unknownPath, NO_PEERS])
  })

  it('continues after a body that the listener does not use', async () => {
    const connection = await RawConnection.open(port)
    connection.write(`${get(`/announce?${QUERY}`, 'Content-Length: 5\r\n')}hello${ANNOUNCE}`)
    await connection.response()
    const second = await connection.response()
    connection.destroy()
    expect(second?.body).toBe(NO_PEERS)
  })

  it.each([
    ['sends Connection: close', get(`/announce?${QUERY}`, 'Connection: close\r\n')],
    ['uses HTTP/1.0', `GET /announce?${QUERY} HTTP/1.0\r\n\r\n`],
  ])('is closed when the client %s', async (_name, request) => {
    const connection = await RawConnection.open(port)
    connection.write(request)
    const response = await connection.response()
    expect(response?.headers.get('connection')).toBe('close')
    expect(await connection.closed()).toBe('')
  })

  it('that the client half closes is answered and closed', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE)
    connection.end()
    expect((await connection.response())?.body).toBe(NO_PEERS)
    expect(await connection.closed()).toBe('')
  })
})

describe('an announce that fails gets a bencoded reason', () => {
  it.each([
    ['a missing info_hash', get('/announce?port=1'), 'TRK_INFO_HASH_MISSING', 'info_hash is missing'],
    [
      'a broken escape in the query',
      get('/announce?info_hash=%zz'),
      'TRK_INFO_HASH_INVALID',
      'info_hash must be 20 bytes, percent-encoded',
    ],
    ['a full scrape', get('/scrape'), 'TRK_SCRAPE_EMPTY', 'a scrape needs at least one info_hash'],
    [
      'an unknown path',
      get(`/?${QUERY}`),
      'TRK_PATH_UNKNOWN',
      'there is nothing at this path; announce to /announce',
    ],
    [
      'a path below the token',
      get(`/announce/token/more?${QUERY}`),
      'TRK_PATH_UNKNOWN',
      'there is nothing at this path; announce to /announce',
    ],
    [
      'two slashes before the path',
      get(`//announce?${QUERY}`),
      'TRK_PATH_UNKNOWN',
      'there is nothing at this path; announce to /announce',
    ],
    [
      'a semicolon in the path',
      get(`/announce;x?${QUERY}`),
      'TRK_PATH_UNKNOWN',
      'there is nothing at this path; announce to /announce',
    ],
    [
      'a broken escape in the path',
      get(`/announce/%zz?${QUERY}`),
      'TRK_REQUEST_MALFORMED',
      'the request cannot be read: the path has a broken escape',
    ],
    [
      'bytes in the path that are not UTF-8',
      get(`/announce/%ff?${QUERY}`),
      'TRK_REQUEST_MALFORMED',
      'the request cannot be read: the path has a broken escape',
    ],
    [
      'a token of 129 characters',
      get(`/announce/${'t'.repeat(129)}?${QUERY}`),
      'TRK_REQUEST_TOO_LONG',
      'the request is too long: a token has at most 128 characters',
    ],
    [
      'a target of 12,289 bytes',
      get(`/announce?${QUERY}&x=`.padEnd(12_289, 'x')),
      'TRK_REQUEST_TOO_LONG',
      'the request is too long: at most 12288 bytes',
    ],
    [
      'headers beyond 16 KiB',
      get(`/announce?${QUERY}`, `X: ${'x'.repeat(17_000)}\r\n`),
      'TRK_REQUEST_TOO_LONG',
      'the request is too long',
    ],
    [
      'a target beyond 16 KiB',
      get(`/announce?x=${'x'.repeat(17_000)}`),
      'TRK_REQUEST_TOO_LONG',
      'the request is too long',
    ],
    [
      'a raw space in the query',
      get(`/announce?${QUERY}&a= b`),
      'TRK_REQUEST_MALFORMED',
      'the request cannot be read',
    ],
    [
      'raw bytes in the query',
      get(`/announce?${QUERY}&a=\xff`),
      'TRK_REQUEST_MALFORMED',
      'the request cannot be read',
    ],
    [
      'bytes that are not HTTP',
      '\x16\x03\x01\x02\x00\x01',
      'TRK_REQUEST_MALFORMED',
      'the request cannot be read',
    ],
    [
      'an unknown method',
      `BREW /announce?${QUERY} HTTP/1.1\r\n\r\n`,
      'TRK_REQUEST_MALFORMED',
      'the request cannot be read',
    ],
    [
      'two lengths',
      get(`/announce?${QUERY}`, 'Content-Length: 1\r\nContent-Length: 2\r\n'),
      'TRK_REQUEST_MALFORMED',
      'the request cannot be read',
    ],
    [
      'POST',
      `POST /announce?${QUERY} HTTP/1.1\r\nHost: t\r\nContent-Type: x\r\nContent-Length: 2\r\n\r\n{}`,
      'TRK_METHOD_UNSUPPORTED',
      'only GET is answered here',
    ],
    [
      'OPTIONS',
      `OPTIONS /announce?${QUERY} HTTP/1.1\r\nHost: t\r\n\r\n`,
      'TRK_METHOD_UNSUPPORTED',
      'only GET is answered here',
    ],
  ])('for %s', async (_name, request, code, reason) => {
    const response = await send(request)
    expect(response?.statusLine).toBe('HTTP/1.1 200 OK')
    expect(response?.headers.get('content-type')).toBe('text/plain')
    expect(response?.body).toBe(failure(reason))
    expect(refusals).toEqual([code])
    expect(tracker.announces).toEqual([])
  })

  it('for a refusal of the tracker', async () => {
    tracker.reply = () => {
      throw new Refusal('TRK_ADDRESS_UNMAPPED', '127.0.0.1')
    }
    expect((await send(ANNOUNCE))?.body).toBe(
      failure('this address belongs to no site of this tracker: 127.0.0.1'),
    )
    expect(refusals).toEqual(['TRK_ADDRESS_UNMAPPED'])
    expect(logged).toEqual([])
  })

  it('for an internal error, which is logged and hidden from the client', async () => {
    const error = new Error('a secret detail')
    tracker.reply = () => {
      throw error
    }
    expect((await send(ANNOUNCE))?.body).toBe(failure('internal tracker error'))
    expect(refusals).toEqual(['TRK_INTERNAL'])
    expect(logged).toEqual([error])
  })

  it('for an internal error after the responses of other nodes, and the process continues', async () => {
    const error = new Error('a secret detail')
    tracker.reply = () => Promise.reject(error)
    expect((await send(ANNOUNCE))?.body).toBe(failure('internal tracker error'))
    expect(logged).toEqual([error])
  })

  it.each(['TRK_DRAINING', 'TRK_OVERLOADED'] as const)(
    'but with 503, so that the client tries another tracker at once, for %s',
    async (code) => {
      tracker.reply = () => {
        throw new Refusal(code)
      }
      const connection = await RawConnection.open(port)
      connection.write(ANNOUNCE)
      const response = await connection.response()
      expect(response?.statusLine).toBe('HTTP/1.1 503 Service Unavailable')
      expect(response?.body).toMatch(/^d14:failure reason.*8:intervali60e12:min intervali60ee$/)
      expect(await connection.closed()).toBe('')
      expect(refusals).toEqual([code])
    },
  )

  it('and its connection stays open where the request could be read', async () => {
    const connection = await RawConnection.open(port)
    connection.write(get('/announce'))
    await connection.response()
    connection.write(ANNOUNCE)
    const second = await connection.response()
    connection.destroy()
    expect(second?.body).toBe(NO_PEERS)
  })

  it('and its connection is closed where it could not', async () => {
    const connection = await RawConnection.open(port)
    connection.write('not a request\r\n\r\n')
    expect((await connection.response())?.headers.get('connection')).toBe('close')
    expect(await connection.closed()).toBe('')
  })
})

describe('at the edge of its limits', () => {
  it('a target of 12,288 bytes is answered', async () => {
    const response = await send(get(`/announce?${QUERY}&x=`.padEnd(12_288, 'x')))
    expect(response?.body).toBe(NO_PEERS)
  })

  it('a token of 128 characters is answered', async () => {
    expect((await send(get(`/announce/${'t'.repeat(128)}?${QUERY}`)))?.body).toBe(NO_PEERS)
  })
})

describe('a HEAD', () => {
  it('registers no peer and has no body', async () => {
    const connection = await RawConnection.open(port)
    connection.write(`HEAD /announce?${QUERY} HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n`)
    const received = await connection.closed()
    expect(received).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(received).toMatch(/\r\n\r\n$/)
    expect(tracker.announces).toEqual([])
    expect(refusals).toEqual(['TRK_METHOD_UNSUPPORTED'])
  })
})

describe('the address of a peer', () => {
  const announcedFrom = () => tracker.announces.map(({ from }) => from)

  it('is that of its connection', async () => {
    await send(ANNOUNCE, '127.1.1.5')
    expect(announcedFrom()).toEqual(['127.1.1.5'])
  })

  it('is not that of its headers or its query', async () => {
    const headers = 'X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n'
    await send(get(`/announce?${QUERY}&ip=192.0.2.7&ipv4=192.0.2.7&ipv6=2001:db8::7`, headers), '127.1.1.5')
    expect(announcedFrom()).toEqual(['127.1.1.5'])
  })

  it('is that of the header of a trusted proxy, also of several headers', async () => {
    const headers = 'X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n'
    await send(get(`/announce?${QUERY}`, headers), '127.0.0.9')
    await send(get('/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa', headers), '127.0.0.9')
    expect(announcedFrom()).toEqual(['192.0.2.7'])
    expect(tracker.scrapes.map(({ from }) => from)).toEqual(['192.0.2.7'])
  })

  it('is not that in the query of the client of a trusted proxy', async () => {
    await send(get(`/announce?${QUERY}&ip=198.51.100.1`, 'X-Forwarded-For: 192.0.2.7\r\n'), '127.0.0.9')
    expect(announcedFrom()).toEqual(['192.0.2.7'])
  })

  it('is that in the query of a client in a trusted range', async () => {
    await send(get(`/announce?${QUERY}&ip=192.0.2.7`), '127.0.0.9')
    expect(announcedFrom()).toEqual(['192.0.2.7'])
  })

  it('is refused where a trusted proxy sends a malformed address', async () => {
    const response = await send(get(`/announce?${QUERY}`, 'X-Forwarded-For: unknown\r\n'), '127.0.0.9')
    expect(response?.body).toBe(
      failure('the trusted proxy does not identify the client: x-forwarded-for has "unknown"'),
    )
    expect(announcedFrom()).toEqual([])
  })
})

describe('a node that drains or stops', () => {
  it('answers on open connections and closes them after the response', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE.slice(0, 20))
    await connectionsOpen(1)
    server.drain()
    connection.write(ANNOUNCE.slice(20))
    const response = await connection.response()
    expect(response?.body).toBe(NO_PEERS)
    expect(response?.headers.get('connection')).toBe('close')
    expect(await connection.closed()).toBe('')
  })

  it('still answers new connections while it drains', async () => {
    server.drain()
    expect((await send(ANNOUNCE))?.body).toBe(NO_PEERS)
  })

  it('answers once more on a connection that was waiting, and then closes it', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE)
    expect((await connection.response())?.headers.get('connection')).toBe('keep-alive')
    server.drain()
    connection.write(ANNOUNCE)
    const response = await connection.response()
    expect(response?.body).toBe(NO_PEERS)
    expect(response?.headers.get('connection')).toBe('close')
    expect(await connection.closed()).toBe('')
  })

  it('closes idle connections when it stops', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE)
    await connection.response()
    await server.stop(60_000)
    expect(await connection.closed()).toBe('')
  })

  it('finishes pending requests, then has no listener', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE.slice(0, 20))
    await connectionsOpen(1)
    const stopped = server.stop(60_000)
    connection.write(ANNOUNCE.slice(20))
    expect((await connection.response())?.body).toBe(NO_PEERS)
    await stopped
    await expect(RawConnection.open(port)).rejects.toThrow('ECONNREFUSED')
  })

  it('does not wait beyond its deadline', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE.slice(0, 20))
    await connectionsOpen(1)
    await server.stop(10)
    expect(await connection.closed()).toBe('')
  })

  it('may be stopped twice', async () => {
    await server.stop(10)
    await server.stop(10)
    await expect(RawConnection.open(port)).rejects.toThrow('ECONNREFUSED')
  })

  /** Waits until the server has accepted the connections: they exist for the client first. */
  async function connectionsOpen(count: number): Promise<void> {
    while (server.connections !== count) await new Promise((resolve) => setImmediate(resolve))
  }
})

describe('a listener', () => {
  it('rejects with the address that is in use', async () => {
    const other = new HttpServer({
      tracker,
      isTrusted: () => false,
      onRefusal: () => {},
      log: { error: () => {} },
    })
    await expect(other.start({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE', port })
  })

  it('with half of its connections in use keeps no connection open', async () => {
    await server.stop(10)
    await startServer({ connectionsMax: 4 })
    const first = await RawConnection.open(port)
    first.write(ANNOUNCE)
    expect((await first.response())?.headers.get('connection')).toBe('keep-alive')
    const second = await RawConnection.open(port)
    second.write(ANNOUNCE)
    expect((await second.response())?.headers.get('connection')).toBe('close')
    first.destroy()
  })

  it('with all of its connections in use closes the oldest one of the source with the most', async () => {
    await server.stop(10)
    await startServer({ connectionsMax: 6 })
    const idle = await Promise.all(
      ['127.0.0.1', '127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.2', '127.0.0.3'].map((from) =>
        RawConnection.open(port, from),
      ),
    )
    expect(await sendAnnounce('127.0.0.4')).toBe(NO_PEERS)
    expect(await idle[0]?.closed()).toBe('')
    expect(refusals).toEqual(['TRK_SOURCE_CONNECTIONS'])
    for (const connection of idle) connection.destroy()
  })

  it('closes connections of one source above its limit, and none of a trusted proxy', async () => {
    await server.stop(10)
    await startServer({ connectionsPerSourceMax: 2 })
    const open = (from: string) => RawConnection.open(port, from)
    const idle = [await open('127.0.0.1'), await open('127.0.0.1')]
    const third = await open('127.0.0.1')
    expect(await third.closed()).toBe('')
    expect(refusals).toEqual(['TRK_SOURCE_CONNECTIONS'])
    idle[0]?.write(ANNOUNCE)
    expect((await idle[0]?.response())?.body).toBe(NO_PEERS)
    for (let proxied = 0; proxied < 3; proxied++) idle.push(await open('127.0.0.9'))
    expect(await sendAnnounce('127.0.0.2')).toBe(NO_PEERS)
    expect(refusals).toEqual(['TRK_SOURCE_CONNECTIONS'])
    for (const connection of idle) connection.destroy()
  })

  async function sendAnnounce(from: string): Promise<string | undefined> {
    return (await send(ANNOUNCE, from))?.body
  }

  it('with all of its connections in use closes new ones and counts them', async () => {
    await server.stop(10)
    await startServer({ connectionsMax: 1 })
    const first = await RawConnection.open(port)
    const second = await RawConnection.open(port)
    expect(await second.closed()).toBe('')
    expect(refusals).toEqual(['TRK_OVERLOADED'])
    first.write(ANNOUNCE)
    expect((await first.response())?.body).toBe(NO_PEERS)
  })
})
