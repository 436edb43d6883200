/**
 * Attacks on the HTTP listener through real sockets: each connection gets bencoded failures or is closed, and afterwards
 * the number of sockets and the memory are unchanged.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { HttpServer, type HttpServerLimits, httpServerLimits } from '../../src/server/http/http-server.ts'
import { brokenTarget } from '../broken-targets.ts'
import { RawConnection } from '../raw-connection.ts'
import { RecordingTracker, anAnnounceReply } from '../recording-tracker.ts'

const QUERY = 'info_hash=aaaaaaaaaaaaaaaaaaaa&peer_id=-XX0000-000000000000&port=6881&left=0'
const ANNOUNCE = `GET /announce?${QUERY} HTTP/1.1\r\nHost: t\r\n\r\n`

let server: HttpServer
let port: number

async function startServer(tracker = new RecordingTracker(), limits: Partial<HttpServerLimits> = {}) {
  server = new HttpServer(
    {
      tracker: {
        // Nothing is recorded: the record itself would be a leak.
        announce: () => (typeof tracker.reply === 'function' ? tracker.reply() : tracker.reply),
        scrape: (infoHashes) =>
          infoHashes.map(() => ({ complete: 0, downloaded: 0, downloaders: 0, incomplete: 0 })),
      },
      isTrusted: () => false,
      onRefusal: () => undefined,
      log: { error: (fields) => expect.unreachable(String(fields['err'])) },
    },
    { ...httpServerLimits, ...limits },
  )
  port = await server.start({ host: '127.0.0.1', port: 0 })
}

afterEach(() => server.stop(1_000))

/**
 * Waits until the server has no connection, which is a moment after the client has seen it close. The deadline of the test
 * limits the wait.
 */
async function noConnections(): Promise<void> {
  while (server.connections > 0) await new Promise((resolve) => setTimeout(resolve, 5))
}

const openSockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length

setFlagsFromString('--expose-gc')
const collectGarbage = runInNewContext('gc') as () => void

/** Memory in use after garbage collection: closed sockets are released in a later turn of the event loop. */
async function heldBytes(): Promise<number> {
  for (let turn = 0; turn < 10; turn++) {
    collectGarbage()
    await new Promise((resolve) => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const BODY =
  /^(?:d14:failure reason[\s\S]{1,300}8:intervali60e12:min intervali60ee|d8:completei[\s\S]*e|d5:filesd[\s\S]*e)$/

/** Reads all responses of a connection and checks each of them. */
async function expectOnlyResponses(connection: RawConnection): Promise<void> {
  for (;;) {
    const response = await connection.response()
    if (response === undefined) return
    expect(response.statusLine).toBe('HTTP/1.1 200 OK')
    expect(response.headers.get('content-type')).toBe('text/plain')
    expect(response.body).toMatch(BODY)
  }
}

const method = fc.oneof(
  { weight: 20, arbitrary: fc.constant('GET') },
  fc.constantFrom('POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'get', '', 'G E T', '\0'),
)

const rawHeader = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('Host: t\r\n', '', 'Accept-Encoding: gzip\r\n') },
  fc.constantFrom(
    'Content-Length: 0\r\n',
    'Content-Length: -1\r\n',
    'Content-Length: 99999999999999999999\r\n',
    'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n',
    'Expect: 100-continue\r\n',
    'Upgrade: websocket\r\nConnection: Upgrade\r\n',
    'X-Forwarded-For: ,,,\r\n',
    'Host\r\n',
    ': x\r\n',
    '\0: \0\r\n',
    ' folded\r\n',
  ),
  fc.nat({ max: 20_000 }).map((length) => `X: ${'x'.repeat(length)}\r\n`),
)

/** Spaces and line ends would end the target; other characters are sent unchanged. */
const rawTarget = brokenTarget.map((target) => target.replaceAll(/[^\x21-\x7e]/g, '%00'))

const wholeRequest = fc
  .tuple(method, fc.oneof({ weight: 5, arbitrary: rawTarget }, brokenTarget), rawHeader)
  .map(([verb, target, header]) => `${verb} ${target} HTTP/1.1\r\n${header}\r\n`)

const rawRequest = fc.oneof(
  { weight: 8, arbitrary: wholeRequest },
  { weight: 2, arbitrary: fc.constant(ANNOUNCE) },
  {
    weight: 1,
    arbitrary: fc.tuple(wholeRequest, fc.nat({ max: 200 })).map(([text, length]) => text.slice(0, length)),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
)

describe('a flood of broken requests', () => {
  const REQUESTS_PER_CONNECTION = 20

  async function flood(connections: number): Promise<void> {
    await fc.assert(
      fc.asyncProperty(
        fc.array(rawRequest, { minLength: REQUESTS_PER_CONNECTION, maxLength: REQUESTS_PER_CONNECTION }),
        fc.constantFrom('waits', 'half closes', 'leaves'),
        async (requests, ending) => {
          const connection = await RawConnection.open(port)
          for (const request of requests) connection.write(request)
          if (ending === 'leaves') return connection.destroy()
          // The last request may be unfinished; the good one after it gets a response or closes the connection.
          if (ending === 'half closes') connection.end()
          else connection.write(`\r\n\r\nGET /nowhere HTTP/1.1\r\nConnection: close\r\n\r\n`)
          await expectOnlyResponses(connection)
          expect(await connection.closed()).toBe('')
        },
      ),
      { numRuns: connections },
    )
    await noConnections()
  }

  it('is answered or closed, and leaks neither sockets nor memory', async () => {
    // Short, for bodies that are announced and not sent.
    await startServer(undefined, { headersTimeoutMs: 300, requestTimeoutMs: 300, timeoutCheckMs: 50 })
    const socketsBefore = openSockets()
    await flood(200)
    const heldBefore = await heldBytes()
    await flood(500)
    const grownBytes = (await heldBytes()) - heldBefore
    expect(openSockets()).toBe(socketsBefore)
    // 10,000 requests: a leak of 500 bytes in each would be detected.
    expect(grownBytes).toBeLessThan(5_000_000)
  }, 240_000)
})

describe('clients that keep their connections', () => {
  const CLIENTS = 300
  const SHORT = { headersTimeoutMs: 200, requestTimeoutMs: 200, timeoutCheckMs: 20 }

  async function open(count: number): Promise<RawConnection[]> {
    return Promise.all(Array.from({ length: count }, () => RawConnection.open(port)))
  }

  it.each([
    ['send no bytes', ''],
    ['stop in the middle of the target', ANNOUNCE.slice(0, 30)],
    ['stop in the middle of the headers', ANNOUNCE.slice(0, -2)],
  ])('are disconnected when they %s', async (_name, text) => {
    await startServer(undefined, SHORT)
    const socketsBefore = openSockets()
    const connections = await open(CLIENTS)
    for (const connection of connections) connection.write(text)
    for (const connection of connections) expect(await connection.closed()).toBe('')
    await noConnections()
    expect(openSockets()).toBe(socketsBefore)
  })

  it('are disconnected when they send a byte at a time', async () => {
    await startServer(undefined, SHORT)
    const connections = await open(50)
    let at = 0
    const drip = setInterval(() => {
      // A request of a thousand bytes, a byte every 2 ms: ten times the limit.
      for (const connection of connections)
        connection.write(at < ANNOUNCE.length - 4 ? (ANNOUNCE[at] ?? '') : 'x')
      at++
    }, 2)
    for (const connection of connections) expect(await connection.closed()).toBe('')
    clearInterval(drip)
    await noConnections()
  })

  it('are answered and then disconnected when they announce a body and do not send it', async () => {
    // Long enough for the complete request on a busy machine, because here it must arrive.
    await startServer(undefined, { headersTimeoutMs: 3_000, requestTimeoutMs: 3_000, timeoutCheckMs: 100 })
    const connections = await open(CLIENTS)
    for (const connection of connections) {
      connection.write(`GET /announce?${QUERY} HTTP/1.1\r\nContent-Length: 1000\r\n\r\n`)
    }
    for (const connection of connections) {
      expect((await connection.response())?.body).toMatch(/^d8:complete/)
      expect(await connection.closed()).toBe('')
    }
    await noConnections()
  })

  it('are disconnected when their next request is too late', async () => {
    // Long enough for the first request on a busy machine, because it must be answered.
    await startServer(undefined, { silentTimeoutMs: 3_000 })
    const connections = await open(CLIENTS)
    for (const connection of connections) connection.write(ANNOUNCE)
    for (const connection of connections) {
      expect((await connection.response())?.headers.get('connection')).toBe('keep-alive')
      expect(await connection.closed()).toBe('')
    }
    await noConnections()
  })

  it('are disconnected when they send requests and do not read', async () => {
    const tracker = new RecordingTracker()
    // Enough to fill the buffers of the kernel, so that the rest stays in the server.
    tracker.reply = anAnnounceReply({ peers4: Buffer.alloc(60_000) })
    await startServer(tracker, { silentTimeoutMs: 500 })
    const connections = await open(3)
    for (const connection of connections) {
      connection.pause()
      connection.write(ANNOUNCE.repeat(400))
    }
    await noConnections()
    expect(server.connections).toBe(0)
    for (const connection of connections) connection.destroy()
  })

  it('do not delay other clients', async () => {
    await startServer()
    const connections = await open(CLIENTS)
    for (const connection of connections) connection.write(ANNOUNCE.slice(0, 30))
    const client = await RawConnection.open(port)
    client.write(ANNOUNCE)
    expect((await client.response())?.body).toMatch(/^d8:complete/)
    for (const connection of [...connections, client]) connection.destroy()
    await noConnections()
  })
})
