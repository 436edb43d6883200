/** An HTTP URL as a source of content, from servers with good manners and bad ones. */
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

  it('has the name, size and ETag of what the URL leads to', async () => {
    expect(await open(`${server.url}/os/debian%2013.img`)).toMatchObject({
      kind: 'http',
      name: 'debian 13.img',
      isFolder: false,
      files: [{ path: [], sizeBytes: 10, tag: '"one"-10' }],
    })
  })

  it('reads ranges, each on the condition that nothing changed', async () => {
    const origin = await open(`${server.url}/x`)
    expect(await read(origin, 2, 5)).toBe('cde')
    expect(await read(origin, 0, 10)).toBe('abcdefghij')
    expect(server.requests.at(-1)?.headers).toMatchObject({
      range: 'bytes=0-9',
      'if-match': '"one"',
      'accept-encoding': 'identity',
    })
  })

  it('goes by the date where there is no ETag', async () => {
    server.headers = { 'last-modified': 'Fri, 20 Nov 2026 10:00:00 GMT' }
    const origin = await open(`${server.url}/x`)
    expect(await read(origin, 0, 3)).toBe('abc')
    expect(server.requests.at(-1)?.headers['if-unmodified-since']).toBe('Fri, 20 Nov 2026 10:00:00 GMT')
    server.headers = { 'last-modified': 'Fri, 20 Nov 2026 10:00:01 GMT' }
    await expect(read(origin, 0, 3)).rejects.toMatchObject({ trouble: 'changed' })
  })

  it.each([
    ['another ETag', (given: WebServer) => (given.headers = { etag: '"two"' })],
    ['another size', (given: WebServer) => (given.content = Buffer.from('abcdefghijk'))],
    ['fewer bytes than the range begins at', (given: WebServer) => (given.content = Buffer.from('ab'))],
    [
      'a failed precondition',
      (given: WebServer) =>
        (given.interfere = (_request, response) => {
          response.writeHead(412).end()
          return true
        }),
    ],
  ])('takes %s for a change', async (_what, change) => {
    const origin = await open(`${server.url}/x`)
    change(server)
    await expect(read(origin, 5, 9)).rejects.toMatchObject({
      trouble: 'changed',
      message: `${server.url}/x was changed while it was read; begin again when it is complete`,
    })
  })

  it('notices a change when it is asked, too', async () => {
    const origin = await open(`${server.url}/x`)
    await origin.verifyUnchanged(0, signal)
    server.headers = { etag: '"two"' }
    await expect(origin.verifyUnchanged(0, signal)).rejects.toMatchObject({ trouble: 'changed' })
  })

  it('goes on from where a connection broke', async () => {
    const origin = await open(`${server.url}/x`)
    let breaks = 1
    server.interfere = (request, response) => {
      if (request.headers.range !== 'bytes=0-9' || breaks-- === 0) return false
      response.writeHead(206, { etag: '"one"', 'content-range': 'bytes 0-9/10', 'content-length': 10 })
      // The part that was sent arrives before the connection ends.
      response.write('abcd', () => response.socket?.end())
      return true
    }
    expect(await read(origin, 0, 10)).toBe('abcdefghij')
    expect(server.requests.at(-1)?.headers.range).toBe('bytes=4-9')
  })

  it('sends user and password to the server, and keeps them out of everything that is shown', async () => {
    const { host } = new URL(server.url)
    const origin = await open(`http://me:s%C3%A9same@${host}/x?sig=4711`)
    expect(server.requests[0]?.headers.authorization).toBe(
      `Basic ${Buffer.from('me:sésame').toString('base64')}`,
    )
    expect(server.requests[0]?.url).toBe('/x?sig=4711')
    expect(origin.reference).toBe(`http://${host}/x`)
    server.headers = { etag: '"two"' }
    await expect(read(origin, 0, 1)).rejects.toThrow(/^http:\/\/127\.0\.0\.1:\d+\/x was changed/)
  })

  it('does not send them where a redirection leads to another host', async () => {
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
    [404, 'missing', 'there is nothing (404); check the URL'],
    [403, 'forbidden', 'permission denied (403); user and password may stand in the URL'],
    [401, 'forbidden', 'permission denied (401); user and password may stand in the URL'],
    [503, 'unreachable', 'the server is in trouble (503); try later'],
    [418, 'unusable', 'the server answered 418 instead of the content'],
  ])('says what %i means', async (statusCode, trouble, message) => {
    server.interfere = (_request, response) => {
      response.writeHead(statusCode).end()
      return true
    }
    await expect(open(`${server.url}/x`)).rejects.toMatchObject({
      trouble,
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
      'a server that says neither ETag nor date',
      (given: WebServer) => (given.headers = {}),
      'sends neither ETag nor Last-Modified, so nobody would notice a change; download it first',
    ],
    [
      'a server that compresses unasked',
      (given: WebServer) => (given.headers = { etag: '"one"', 'content-encoding': 'gzip' }),
      'the server insists on sending it as gzip',
    ],
  ])('refuses %s', async (_what, misbehave, message) => {
    misbehave(server)
    await expect(open(`${server.url}/x`)).rejects.toMatchObject({
      trouble: 'unusable',
      message: `${server.url}/x: ${message}`,
    })
  })

  it('refuses what is empty', async () => {
    server.content = Buffer.alloc(0)
    await expect(open(`${server.url}/x`)).rejects.toThrow('/x is empty; there is nothing to distribute')
  })

  it('says that nobody answers', async () => {
    await expect(open('http://127.0.0.1:1/x')).rejects.toMatchObject({
      trouble: 'unreachable',
      message: 'http://127.0.0.1:1/x: no answer (ECONNREFUSED); is the server up?',
    })
  })

  it('does not repeat a URL that it cannot read, because it may hold a password', async () => {
    await expect(open('http://me:pass word@[/x')).rejects.toThrow(
      'the URL of the source cannot be read; check its spelling',
    )
  })

  it('refuses a scheme that it does not know', async () => {
    await expect(open('ftp://host/x')).rejects.toThrow('ftp:// is no source of content')
  })
})

describe('an HTTP server without ranges', () => {
  const content = Buffer.from('abcdefghij')
  const served = async (body: Buffer = content) => {
    const server = await aWebServer(content)
    onTestFinished(() => server.close())
    server.interfere = ({ headers }, response) => {
      response.writeHead(200, { ...server.headers, 'content-length': content.length })
      // What asks for a range only wants to know what is there.
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

  it('is read once and in order, whoever is ready first', async () => {
    const { server, origin } = await served()
    expect(origin).toMatchObject({ isReadOnce: true, files: [{ sizeBytes: 10, tag: '"one"-10' }] })
    const later = origin.read(0, { startByte: 0, endByte: 4 }, signal)
    const waiting = [read(origin, 4, 7), read(origin, 7, 10)]
    expect([(await buffer(later)).toString(), ...(await Promise.all(waiting))]).toEqual([
      'abcd',
      'efg',
      'hij',
    ])
    expect(server.requests.map(({ headers }) => headers.range)).toEqual(['bytes=0-0', undefined])
    await origin.verifyUnchanged(0, signal)
    server.headers = { etag: '"two"' }
    await expect(origin.verifyUnchanged(0, signal)).rejects.toMatchObject({ trouble: 'changed' })
  })

  it('that changed before it is read is told', async () => {
    const { server, origin } = await served()
    server.headers = { etag: '"two"' }
    await expect(read(origin, 0, 10)).rejects.toMatchObject({ trouble: 'changed' })
  })

  it('whose connection breaks fails all readers', async () => {
    const { origin } = await served(content.subarray(0, 5))
    const readers = await Promise.allSettled([read(origin, 0, 7), read(origin, 7, 9), read(origin, 9, 10)])
    expect(
      readers.map((each) => (each.status === 'rejected' ? (each.reason as OriginError).trouble : 'read')),
    ).toEqual(['unreachable', 'unreachable', 'unreachable'])
  })
})

it.each(['/x', '/x?0'])('a URL that leads nowhere is told from a server that is down: %s', async (path) => {
  const server = await aWebServer(Buffer.from('x'))
  onTestFinished(() => server.close())
  server.interfere = ({ url }, response) => {
    response.writeHead(302, { location: url?.startsWith('/x?') ? `${url}0` : '/x' }).end()
    return true
  }
  await expect(openOrigin(`${server.url}${path}`, { environment: {}, signal })).rejects.toMatchObject({
    trouble: 'unusable',
    message: `${server.url}/x: leads in a circle, or through more than 5 other URLs; check the URL`,
  })
})
