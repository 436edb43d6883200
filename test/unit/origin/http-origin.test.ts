/** Tests of HTTP origins, with servers that conform to the standard and servers that do not. */
import { buffer } from 'node:stream/consumers'
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest'
import { openOrigin } from '../../../src/origin/open-origin.ts'
import type { Origin } from '../../../src/origin/origin.ts'
import type { OriginError } from '../../../src/origin/origin-error.ts'
import { aWebServer, type WebServer } from '../../a-web-server.ts'

const signal = new AbortController().signal

describe('an HTTP origin', () => {
  let server: WebServer
  const origins: Origin[] = []
  const open = async (reference: string) => {
    const origin = await openOrigin(reference, { environment: {}, signal })
    origins.push(origin)
    return origin
  }
  const read = async (origin: Origin, startByte: number, endByte: number) =>
    (await buffer(origin.read(0, { startByte, endByte }, signal))).toString()

  beforeEach(async () => {
    server = await aWebServer(Buffer.from('abcdefghij'))
  })
  afterEach(async () => {
    for (const origin of origins.splice(0)) await origin.close()
    await server.close()
  })

  it('has the name, size and ETag of the object', async () => {
    expect(await open(`${server.url}/os/debian%2013.img`)).toMatchObject({
      kind: 'http',
      name: 'debian 13.img',
      isFolder: false,
      files: [{ path: [], sizeBytes: 10, tag: '"one"-10' }],
    })
  })

  it('reads ranges, each with a precondition', async () => {
    const origin = await open(`${server.url}/x`)
    expect(await read(origin, 2, 5)).toBe('cde')
    expect(await read(origin, 0, 10)).toBe('abcdefghij')
    expect(server.requests.at(-1)?.headers).toMatchObject({
      range: 'bytes=0-9',
      'if-match': '"one"',
      'accept-encoding': 'identity',
    })
  })

  it('uses the date if the server sends no ETag', async () => {
    server.headers = { 'last-modified': 'Fri, 20 Nov 2026 10:00:00 GMT' }
    const origin = await open(`${server.url}/x`)
    expect(await read(origin, 0, 3)).toBe('abc')
    expect(server.requests.at(-1)?.headers['if-unmodified-since']).toBe('Fri, 20 Nov 2026 10:00:00 GMT')
    server.headers = { 'last-modified': 'Fri, 20 Nov 2026 10:00:01 GMT' }
    await expect(read(origin, 0, 3)).rejects.toMatchObject({ kind: 'changed' })
  })

  it.each([
    ['another ETag', (given: WebServer) => (given.headers = { etag: '"two"' })],
    ['another size', (given: WebServer) => (given.content = Buffer.from('abcdefghijk'))],
    ['a size below the start of the range', (given: WebServer) => (given.content = Buffer.from('ab'))],
    [
      'a failed precondition',
      (given: WebServer) =>
        (given.interfere = (_request, response) => {
          response.writeHead(412).end()
          return true
        }),
    ],
  ])('treats %s as a change', async (_case, change) => {
    const origin = await open(`${server.url}/x`)
    change(server)
    await expect(read(origin, 5, 9)).rejects.toMatchObject({
      kind: 'changed',
      message: `${server.url}/x changed while it was being read; try again when it is complete`,
    })
  })

  it('detects a change in verifyUnchanged', async () => {
    const origin = await open(`${server.url}/x`)
    await origin.verifyUnchanged(0, signal)
    server.headers = { etag: '"two"' }
    await expect(origin.verifyUnchanged(0, signal)).rejects.toMatchObject({ kind: 'changed' })
  })

  it('resumes at the byte where a connection broke', async () => {
    const origin = await open(`${server.url}/x`)
    let breaks = 1
    server.interfere = (request, response) => {
      if (request.headers.range !== 'bytes=0-9' || breaks-- === 0) return false
      response.writeHead(206, { etag: '"one"', 'content-range': 'bytes 0-9/10', 'content-length': 10 })
      // The data is flushed before the connection ends.
      response.write('abcd', () => response.socket?.end())
      return true
    }
    expect(await read(origin, 0, 10)).toBe('abcdefghij')
    expect(server.requests.at(-1)?.headers.range).toBe('bytes=4-9')
  })

  it('sends user and password to the server, and omits them from references and errors', async () => {
    const { host } = new URL(server.url)
    const origin = await open(`http://me:s%C3%A9same@${host}/x?sig=4711`)
    expect(server.requests[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('me:sésame').toString('base64')}`,
    )
    expect(server.requests[0]?.url).toBe('/x?sig=4711')
    expect(origin.reference).toBe(`http://${host}/x`)
    server.headers = { etag: '"two"' }
    await expect(read(origin, 0, 1)).rejects.toThrow(/^http:\/\/127\.0\.0\.1:\d+\/x changed/)
  })

  it('does not send them to another host after a redirect', async () => {
    const other = await aWebServer(Buffer.from('0123456789'))
    server.interfere = (_request, response) => {
      response.writeHead(302, { location: `${other.url}/y` }).end()
      return true
    }
    const origin = await open(`http://me:secret@${new URL(server.url).host}/x`)
    expect(await read(origin, 0, 4)).toBe('0123')
    expect(server.requests[0]?.headers.authorization).toBeDefined()
    expect(other.requests.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined])
    await other.close()
  })

  it.each([
    [404, 'missing', 'not found (404); check the URL'],
    [403, 'forbidden', 'permission denied (403); the URL may contain a user and password'],
    [401, 'forbidden', 'permission denied (401); the URL may contain a user and password'],
    [503, 'unreachable', 'server error (503); try again later'],
    [418, 'unusable', 'the server returned 418 instead of the content'],
  ])('explains status %i', async (statusCode, kind, message) => {
    server.interfere = (_request, response) => {
      response.writeHead(statusCode).end()
      return true
    }
    await expect(open(`${server.url}/x`)).rejects.toMatchObject({
      kind,
      message: `${server.url}/x: ${message}`,
    })
  })

  it.each([
    [
      'a server without ranges',
      (given: WebServer) =>
        (given.interfere = (_request, response) => {
          response.writeHead(200, { etag: '"one"', 'content-length': 10 }).end('abcdefghij')
          return true
        }),
      'the server does not serve byte ranges; download the file and publish that',
    ],
    [
      'a server that sends neither ETag nor date',
      (given: WebServer) => (given.headers = {}),
      'the server sends neither ETag nor Last-Modified, so a change could not be detected; download the file and publish that',
    ],
    [
      'a server that compresses although identity was requested',
      (given: WebServer) => (given.headers = { etag: '"one"', 'content-encoding': 'gzip' }),
      'the server sends it with Content-Encoding gzip, although identity was requested; turn compression off for it, or download the file and publish that',
    ],
  ])('rejects %s', async (_case, misbehave, message) => {
    misbehave(server)
    await expect(open(`${server.url}/x`)).rejects.toMatchObject({
      kind: 'unusable',
      message: `${server.url}/x: ${message}`,
    })
  })

  it('rejects an empty object', async () => {
    server.content = Buffer.alloc(0)
    await expect(open(`${server.url}/x`)).rejects.toThrow('/x is empty; there is nothing to distribute')
  })

  it('reports that no server responds', async () => {
    await expect(open('http://127.0.0.1:1/x')).rejects.toMatchObject({
      kind: 'unreachable',
      message: 'http://127.0.0.1:1/x: connection refused (ECONNREFUSED); check that the server is running',
    })
  })

  it('does not repeat an invalid URL, because it may contain a password', async () => {
    await expect(open('http://me:pass word@[/x')).rejects.toThrow(
      'the URL of the source is not valid; check its spelling',
    )
  })

  it('rejects an unknown scheme', async () => {
    await expect(open('ftp://host/x')).rejects.toThrow('ftp:// is not a supported source')
  })
})

describe('an HTTP server without ranges', () => {
  const content = Buffer.from('abcdefghij')
  const served = async (body: Buffer = content) => {
    const server = await aWebServer(content)
    onTestFinished(() => server.close())
    server.interfere = ({ headers }, response) => {
      response.writeHead(200, { ...server.headers, 'content-length': content.length })
      // A request with a range comes from the probe, which reads no body.
      if (headers.range !== undefined || body.length === content.length) response.end(content)
      else response.write(body, () => response.destroy())
      return true
    }
    const origin = await openOrigin(`${server.url}/x`, { environment: {}, signal, isReadOnce: true })
    onTestFinished(() => origin.close())
    return { server, origin }
  }
  const read = async (origin: Origin, startByte: number, endByte: number) =>
    (await buffer(origin.read(0, { startByte, endByte }, signal))).toString()

  it('is read once and in order, whichever reader is ready first', async () => {
    const { server, origin } = await served()
    expect(origin).toMatchObject({ isReadOnce: true, files: [{ sizeBytes: 10, tag: '"one"-10' }] })
    const first = origin.read(0, { startByte: 0, endByte: 4 }, signal)
    const waiting = [read(origin, 4, 7), read(origin, 7, 10)]
    expect([(await buffer(first)).toString(), ...(await Promise.all(waiting))]).toEqual([
      'abcd',
      'efg',
      'hij',
    ])
    expect(server.requests.map(({ headers }) => headers.range)).toEqual(['bytes=0-0', undefined])
    await origin.verifyUnchanged(0, signal)
    server.headers = { etag: '"two"' }
    await expect(origin.verifyUnchanged(0, signal)).rejects.toMatchObject({ kind: 'changed' })
  })

  it('reports a change before the first read', async () => {
    const { server, origin } = await served()
    server.headers = { etag: '"two"' }
    await expect(read(origin, 0, 10)).rejects.toMatchObject({ kind: 'changed' })
  })

  it('fails all readers when its connection breaks', async () => {
    const { origin } = await served(content.subarray(0, 5))
    const readers = await Promise.allSettled([read(origin, 0, 7), read(origin, 7, 9), read(origin, 9, 10)])
    expect(
      readers.map((each) => (each.status === 'rejected' ? (each.reason as OriginError).kind : 'read')),
    ).toEqual(['unreachable', 'unreachable', 'unreachable'])
  })
})

it.each(['/x', '/x?0'])('distinguishes a redirect loop from an unreachable server: %s', async (path) => {
  const server = await aWebServer(Buffer.from('x'))
  onTestFinished(() => server.close())
  server.interfere = ({ url }, response) => {
    response.writeHead(302, { location: url?.startsWith('/x?') ? `${url}0` : '/x' }).end()
    return true
  }
  await expect(openOrigin(`${server.url}${path}`, { environment: {}, signal })).rejects.toMatchObject({
    kind: 'unusable',
    message: `${server.url}/x: redirect loop, or more than 5 redirects; check the URL`,
  })
})
