/**
 * The HTTP listener as a client sees it, through real sockets: framing, connections, and a bencoded failure on every
 * way on which an announce can fail.
 */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { AnnounceReply } from '../../src/core/announce.ts'
import { Refusal, type RefusalCode } from '../../src/core/errors.ts'
import { HttpServer, type HttpServerLimits, httpServerLimits } from '../../src/server/http/http-server.ts'
import { type RawAnswer, RawConnection } from '../raw-connection.ts'
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
      // 127.0.0.9 is a proxy of ours.
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

/** One request on a connection of its own, and its answer. */
async function ask(request: string, from?: string): Promise<RawAnswer | undefined> {
  const connection = await RawConnection.open(port, from)
  connection.write(request)
  const answer = await connection.answer()
  connection.destroy()
  return answer
}

const get = (target: string, headers = '') => `GET ${target} HTTP/1.1\r\nHost: t\r\n${headers}\r\n`

function failure(reason: string): string {
  return `d14:failure reason${reason.length}:${reason}8:intervali60e12:min intervali60ee`
}

describe('an answer that other nodes have a say in', () => {
  it('comes when they have said it, and others do not wait for it', async () => {
    let give: (reply: AnnounceReply) => void = () => {}
    tracker.reply = () => new Promise((resolve) => (give = resolve))
    const waiting = await RawConnection.open(port)
    waiting.write(ANNOUNCE)
    while (tracker.announces.length === 0) await new Promise(setImmediate)
    tracker.reply = anAnnounceReply()
    expect((await ask(ANNOUNCE))?.body).toBe(NO_PEERS)
    give(anAnnounceReply({ complete: 7 }))
    expect((await waiting.answer())?.body).toBe(NO_PEERS.replace('completei0e', 'completei7e'))
    waiting.destroy()
  })

  it('is dropped where its client has hung up meanwhile, and the listener goes on', async () => {
    let give: (reply: AnnounceReply) => void = () => {}
    tracker.reply = () => new Promise((resolve) => (give = resolve))
    const waiting = await RawConnection.open(port)
    waiting.write(ANNOUNCE)
    while (tracker.announces.length === 0) await new Promise(setImmediate)
    waiting.destroy()
    while (server.connections > 0) await new Promise(setImmediate)
    give(anAnnounceReply())
    tracker.reply = anAnnounceReply()
    expect((await ask(ANNOUNCE))?.body).toBe(NO_PEERS)
    expect(logged).toEqual([])
  })
})

describe('an answer', () => {
  it('has status 200, its exact length, plain text, and nothing that clients would have to undo', async () => {
    const answer = await ask(get(`/announce?${QUERY}`, 'Accept-Encoding: gzip, deflate\r\n'))
    expect(answer?.statusLine).toBe('HTTP/1.1 200 OK')
    expect(answer?.body).toBe(NO_PEERS)
    expect(answer?.headers.get('content-type')).toBe('text/plain')
    expect(answer?.headers.get('content-length')).toBe('92')
    expect(answer?.headers.has('transfer-encoding')).toBe(false)
    expect(answer?.headers.has('content-encoding')).toBe(false)
  })

  it('carries peers of both families byte for byte', async () => {
    tracker.reply = anAnnounceReply({
      peers4: Buffer.from('0a4d0201c350c00002071ae1', 'hex'),
      peers6: Buffer.from('20010db80000000000000000000000071ae1', 'hex'),
    })
    const answer = await ask(ANNOUNCE)
    expect(Buffer.from(answer?.body ?? '', 'latin1').toString('hex')).toBe(
      '64383a636f6d706c65746569306531303a646f776e6c6f6164656469306531303a696e636f6d706c657465693165' +
        '383a696e74657276616c69313830306531323a6d696e20696e74657276616c6939303065353a706565727331323a' +
        '0a4d0201c350c00002071ae1363a70656572733631383a20010db80000000000000000000000071ae165',
    )
  })

  it('lists dictionaries where compact=0', async () => {
    tracker.reply = anAnnounceReply({ peers4: Buffer.from('0a4d0201c350', 'hex') })
    const answer = await ask(get(`/announce?${QUERY}&compact=0`))
    expect(answer?.body).toContain('5:peersld2:ip9:10.77.2.14:porti50000eeee')
  })

  it.each(['/announce/secret-token', '/announce/a%20b%2Fc'])('is given at %s', async (path) => {
    expect((await ask(get(`${path}?${QUERY}`)))?.body).toBe(NO_PEERS)
    expect(tracker.announces).toHaveLength(1)
  })

  it('is given to a scrape with a token', async () => {
    const answer = await ask(get('/scrape/secret-token?info_hash=aaaaaaaaaaaaaaaaaaaa'))
    expect(answer?.body).toMatch(/^d5:filesd20:a{20}d8:complete/)
  })

  it('is given to a target in absolute form', async () => {
    const answer = await ask(get(`http://tracker.example:6969/announce?${QUERY}`))
    expect(answer?.body).toBe(NO_PEERS)
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
  ])('is given to a request with %s', async (_what, request) => {
    const answer = await ask(request)
    expect(answer?.statusLine).toBe('HTTP/1.1 200 OK')
    expect(answer?.body).toBe(NO_PEERS)
  })
})

describe('a connection', () => {
  it('is kept for the next request', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE)
    const first = await connection.answer()
    connection.write(ANNOUNCE)
    const second = await connection.answer()
    connection.destroy()
    expect(first?.headers.get('connection')).toBe('keep-alive')
    expect(second?.body).toBe(NO_PEERS)
  })

  it('answers pipelined requests in order', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE + get('/nowhere') + ANNOUNCE)
    const bodies = [await connection.answer(), await connection.answer(), await connection.answer()]
    connection.destroy()
    const nothing = failure('there is nothing at this path; announce to /announce')
    expect(bodies.map((answer) => answer?.body)).toEqual([NO_PEERS, nothing, NO_PEERS])
  })

  it('goes on behind a body that nobody asked for', async () => {
    const connection = await RawConnection.open(port)
    connection.write(`${get(`/announce?${QUERY}`, 'Content-Length: 5\r\n')}hello${ANNOUNCE}`)
    await connection.answer()
    const second = await connection.answer()
    connection.destroy()
    expect(second?.body).toBe(NO_PEERS)
  })

  it.each([
    ['says Connection: close', get(`/announce?${QUERY}`, 'Connection: close\r\n')],
    ['speaks HTTP/1.0', `GET /announce?${QUERY} HTTP/1.0\r\n\r\n`],
  ])('is closed when the client %s', async (_what, request) => {
    const connection = await RawConnection.open(port)
    connection.write(request)
    const answer = await connection.answer()
    expect(answer?.headers.get('connection')).toBe('close')
    expect(await connection.closed()).toBe('')
  })

  it('that the client half closes is answered and closed', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE)
    connection.end()
    expect((await connection.answer())?.body).toBe(NO_PEERS)
    expect(await connection.closed()).toBe('')
  })
})

describe('an announce that fails is told why in bencoding', () => {
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
      'bytes in the path that are no UTF-8',
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
      'something that is no HTTP',
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
  ])('for %s', async (_what, request, code, reason) => {
    const answer = await ask(request)
    expect(answer?.statusLine).toBe('HTTP/1.1 200 OK')
    expect(answer?.headers.get('content-type')).toBe('text/plain')
    expect(answer?.body).toBe(failure(reason))
    expect(refusals).toEqual([code])
    expect(tracker.announces).toEqual([])
  })

  it('for a refusal of the tracker', async () => {
    tracker.reply = () => {
      throw new Refusal('TRK_ADDRESS_UNMAPPED', '127.0.0.1')
    }
    expect((await ask(ANNOUNCE))?.body).toBe(
      failure('this address belongs to no site of this tracker: 127.0.0.1'),
    )
    expect(refusals).toEqual(['TRK_ADDRESS_UNMAPPED'])
    expect(logged).toEqual([])
  })

  it('for a mistake of the tracker, which is logged and kept from the client', async () => {
    const mistake = new Error('a secret detail')
    tracker.reply = () => {
      throw mistake
    }
    expect((await ask(ANNOUNCE))?.body).toBe(failure('internal tracker error'))
    expect(refusals).toEqual(['TRK_INTERNAL'])
    expect(logged).toEqual([mistake])
  })

  it('for a mistake that shows only after other nodes were asked, and the process goes on', async () => {
    const mistake = new Error('a secret detail')
    tracker.reply = () => Promise.reject(mistake)
    expect((await ask(ANNOUNCE))?.body).toBe(failure('internal tracker error'))
    expect(logged).toEqual([mistake])
  })

  it.each(['TRK_DRAINING', 'TRK_OVERLOADED'] as const)(
    'but with 503, so that it goes elsewhere at once, for %s',
    async (code) => {
      tracker.reply = () => {
        throw new Refusal(code)
      }
      const connection = await RawConnection.open(port)
      connection.write(ANNOUNCE)
      const answer = await connection.answer()
      expect(answer?.statusLine).toBe('HTTP/1.1 503 Service Unavailable')
      expect(answer?.body).toMatch(/^d14:failure reason.*8:intervali60e12:min intervali60ee$/)
      expect(await connection.closed()).toBe('')
      expect(refusals).toEqual([code])
    },
  )

  it('and its connection goes on where the request could be read', async () => {
    const connection = await RawConnection.open(port)
    connection.write(get('/announce'))
    await connection.answer()
    connection.write(ANNOUNCE)
    const second = await connection.answer()
    connection.destroy()
    expect(second?.body).toBe(NO_PEERS)
  })

  it('and its connection is closed where it could not', async () => {
    const connection = await RawConnection.open(port)
    connection.write('nonsense\r\n\r\n')
    expect((await connection.answer())?.headers.get('connection')).toBe('close')
    expect(await connection.closed()).toBe('')
  })
})

describe('at the edge of its limits', () => {
  it('a target of 12,288 bytes is answered', async () => {
    const answer = await ask(get(`/announce?${QUERY}&x=`.padEnd(12_288, 'x')))
    expect(answer?.body).toBe(NO_PEERS)
  })

  it('a token of 128 characters is answered', async () => {
    expect((await ask(get(`/announce/${'t'.repeat(128)}?${QUERY}`)))?.body).toBe(NO_PEERS)
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
    await ask(ANNOUNCE, '127.1.1.5')
    expect(announcedFrom()).toEqual(['127.1.1.5'])
  })

  it('is not what its headers or its query say', async () => {
    const headers = 'X-Forwarded-For: 192.0.2.7\r\nForwarded: for=192.0.2.7\r\nX-Real-IP: 192.0.2.7\r\n'
    await ask(get(`/announce?${QUERY}&ip=192.0.2.7&ipv4=192.0.2.7&ipv6=2001:db8::7`, headers), '127.1.1.5')
    expect(announcedFrom()).toEqual(['127.1.1.5'])
  })

  it('is what a trusted proxy says, over several headers too', async () => {
    const headers = 'X-Forwarded-For: 198.51.100.1\r\nX-Forwarded-For: 192.0.2.7\r\n'
    await ask(get(`/announce?${QUERY}`, headers), '127.0.0.9')
    await ask(get('/scrape?info_hash=aaaaaaaaaaaaaaaaaaaa', headers), '127.0.0.9')
    expect(announcedFrom()).toEqual(['192.0.2.7'])
    expect(tracker.scrapes.map(({ from }) => from)).toEqual(['192.0.2.7'])
  })

  it('is not what the client of a trusted proxy says in its query', async () => {
    await ask(get(`/announce?${QUERY}&ip=198.51.100.1`, 'X-Forwarded-For: 192.0.2.7\r\n'), '127.0.0.9')
    expect(announcedFrom()).toEqual(['192.0.2.7'])
  })

  it('is what somebody in a trusted range says of itself', async () => {
    await ask(get(`/announce?${QUERY}&ip=192.0.2.7`), '127.0.0.9')
    expect(announcedFrom()).toEqual(['192.0.2.7'])
  })

  it('is refused where a trusted proxy sends nonsense', async () => {
    const answer = await ask(get(`/announce?${QUERY}`, 'X-Forwarded-For: unknown\r\n'), '127.0.0.9')
    expect(answer?.body).toBe(
      failure('the trusted proxy does not identify the client: x-forwarded-for has "unknown"'),
    )
    expect(announcedFrom()).toEqual([])
  })
})

describe('a node that goes away', () => {
  it('answers on open connections and closes them behind the answer', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE.slice(0, 20))
    await connectionsOpen(1)
    server.drain()
    connection.write(ANNOUNCE.slice(20))
    const answer = await connection.answer()
    expect(answer?.body).toBe(NO_PEERS)
    expect(answer?.headers.get('connection')).toBe('close')
    expect(await connection.closed()).toBe('')
  })

  it('still answers new connections while it drains', async () => {
    server.drain()
    expect((await ask(ANNOUNCE))?.body).toBe(NO_PEERS)
  })

  it('answers once more on a connection that was waiting, and then closes it', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE)
    expect((await connection.answer())?.headers.get('connection')).toBe('keep-alive')
    server.drain()
    connection.write(ANNOUNCE)
    const answer = await connection.answer()
    expect(answer?.body).toBe(NO_PEERS)
    expect(answer?.headers.get('connection')).toBe('close')
    expect(await connection.closed()).toBe('')
  })

  it('closes connections that wait for nothing when it stops', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE)
    await connection.answer()
    await server.stop(60_000)
    expect(await connection.closed()).toBe('')
  })

  it('finishes what has begun, then has no listener', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE.slice(0, 20))
    await connectionsOpen(1)
    const stopped = server.stop(60_000)
    connection.write(ANNOUNCE.slice(20))
    expect((await connection.answer())?.body).toBe(NO_PEERS)
    await stopped
    await expect(RawConnection.open(port)).rejects.toThrow('ECONNREFUSED')
  })

  it('waits for nobody beyond its deadline', async () => {
    const connection = await RawConnection.open(port)
    connection.write(ANNOUNCE.slice(0, 20))
    await connectionsOpen(1)
    await server.stop(10)
    expect(await connection.closed()).toBe('')
  })

  it('may be told to stop twice', async () => {
    await server.stop(10)
    await server.stop(10)
    await expect(RawConnection.open(port)).rejects.toThrow('ECONNREFUSED')
  })

  /** Until the server has accepted so many: a connection exists for the client before it does for the server. */
  async function connectionsOpen(count: number): Promise<void> {
    while (server.connections !== count) await new Promise((resolve) => setImmediate(resolve))
  }
})

describe('a listener', () => {
  it('says which address it cannot have', async () => {
    const other = new HttpServer({
      tracker,
      isTrusted: () => false,
      onRefusal: () => {},
      log: { error: () => {} },
    })
    await expect(other.start({ host: '127.0.0.1', port })).rejects.toMatchObject({ code: 'EADDRINUSE', port })
  })

  it('that has half of its connections keeps none of them', async () => {
    await server.stop(10)
    await startServer({ connectionsMax: 4 })
    const first = await RawConnection.open(port)
    first.write(ANNOUNCE)
    expect((await first.answer())?.headers.get('connection')).toBe('keep-alive')
    const second = await RawConnection.open(port)
    second.write(ANNOUNCE)
    expect((await second.answer())?.headers.get('connection')).toBe('close')
    first.destroy()
  })

  it('that has all of its connections closes new ones and counts them', async () => {
    await server.stop(10)
    await startServer({ connectionsMax: 1 })
    const first = await RawConnection.open(port)
    const second = await RawConnection.open(port)
    expect(await second.closed()).toBe('')
    expect(refusals).toEqual(['TRK_OVERLOADED'])
    first.write(ANNOUNCE)
    expect((await first.answer())?.body).toBe(NO_PEERS)
  })
})
