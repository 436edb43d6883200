/** Tests of HTTP origins behind mirrors: one URL, several servers with the same file. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { openOrigin } from '../../../src/origin/open-origin.ts'
import type { Origin } from '../../../src/origin/origin.ts'
import { aWebServer, type WebServer } from '../../a-web-server.ts'

const signal = new AbortController().signal
const DATE = 'Fri, 20 Nov 2020 10:00:00 GMT'
const content = Buffer.from('abcdefghij')

/** A server that redirects each request to the next of two mirrors. */
async function twoMirrors() {
  const mirrors = [await aWebServer(content), await aWebServer(content)] as const
  const front = await aWebServer(Buffer.alloc(0))
  for (const server of [front, ...mirrors]) onTestFinished(() => server.close())
  mirrors[0].headers = { etag: '"a"', 'last-modified': DATE }
  mirrors[1].headers = { etag: '"b"', 'last-modified': DATE }
  let count = 0
  front.interfere = (_request, response) => {
    response.writeHead(302, { location: `${mirrors[count++ % 2]?.url}/f` }).end()
    return true
  }
  return { front, mirrors }
}

async function open(url: string): Promise<Origin> {
  const origin = await openOrigin(url, { environment: {}, signal, isReadOnce: true })
  onTestFinished(() => origin.close())
  return origin
}

const read = async (origin: Origin, startByte: number, endByte: number) =>
  (await buffer(origin.read(0, { startByte, endByte }, signal))).toString()

/** Responds 412 to an If-Match of another ETag, and to a date before Last-Modified. */
function checkPreconditions(server: WebServer): void {
  server.interfere = ({ headers }: IncomingMessage, response: ServerResponse) => {
    const isOther = headers['if-match'] !== undefined && headers['if-match'] !== server.headers['etag']
    const unmodifiedSince = headers['if-unmodified-since']
    const isLater = unmodifiedSince !== undefined && unmodifiedSince !== server.headers['last-modified']
    if (isOther || isLater) response.writeHead(412).end()
    return isOther || isLater
  }
}

it('mirrors that agree in size and date serve one origin, with any ETags', async () => {
  const { front, mirrors } = await twoMirrors()
  for (const mirror of mirrors) checkPreconditions(mirror)
  const origin = await open(`${front.url}/f`)
  for (const start of [0, 3, 6])
    expect(await read(origin, start, start + 3)).toBe('abcdefghi'.slice(start, start + 3))
  await origin.verifyUnchanged(0, signal)
  await origin.verifyUnchanged(0, signal)
})

it('one server whose backends differ in ETag serves one origin', async () => {
  const server = await aWebServer(content)
  onTestFinished(() => server.close())
  server.headers = { etag: '"a"', 'last-modified': DATE }
  const origin = await open(`${server.url}/f`)
  server.headers = { etag: '"b"', 'last-modified': DATE }
  expect(await read(origin, 0, 10)).toBe('abcdefghij')
})

it('a mirror without ETag is compared by size and date', async () => {
  const { front, mirrors } = await twoMirrors()
  mirrors[1].headers = { 'last-modified': DATE }
  expect(await read(await open(`${front.url}/f`), 0, 10)).toBe('abcdefghij')
})

it('a mirror with another size is reported with both servers', async () => {
  const { front, mirrors } = await twoMirrors()
  mirrors[1].content = Buffer.from('abcdefghijk')
  await expect(read(await open(`${front.url}/f`), 0, 10)).rejects.toMatchObject({
    kind: 'changed',
    message:
      `${front.url}/f leads to servers with different content: ${mirrors[0].url}/f (10 bytes, "a", ${DATE}) and ` +
      `${mirrors[1].url}/f (11 bytes, "b", ${DATE}); use the URL of one of them, or try again when all have the same`,
  })
})

it('a file that was modified in the minute before is the same only with the same ETag', async () => {
  const { front, mirrors } = await twoMirrors()
  const now = new Date().toUTCString()
  mirrors[0].headers = { etag: '"a"', 'last-modified': now }
  mirrors[1].headers = { etag: '"b"', 'last-modified': now }
  const origin = await open(`${front.url}/f`)
  await expect(read(origin, 0, 10)).rejects.toMatchObject({ kind: 'changed' })
  mirrors[1].headers = mirrors[0].headers
  expect(await read(origin, 0, 10)).toBe('abcdefghij')
})

it('a file that changes on all mirrors is detected', async () => {
  const { front, mirrors } = await twoMirrors()
  const origin = await open(`${front.url}/f`)
  for (const mirror of mirrors) {
    mirror.headers = { etag: '"c"', 'last-modified': 'Fri, 20 Nov 2020 10:00:01 GMT' }
    checkPreconditions(mirror)
  }
  await expect(read(origin, 0, 10)).rejects.toMatchObject({ kind: 'changed' })
  await expect(origin.verifyUnchanged(0, signal)).rejects.toMatchObject({ kind: 'changed' })
})

it('an error of a mirror is reported with its URL, without the query of the redirect', async () => {
  const { front, mirrors } = await twoMirrors()
  front.interfere = (_request, response) => {
    response.writeHead(302, { location: `${mirrors[0].url}/gone?signature=4711` }).end()
    return true
  }
  mirrors[0].interfere = (_request, response) => {
    response.writeHead(404).end()
    return true
  }
  await expect(open(`${front.url}/f`)).rejects.toMatchObject({
    kind: 'missing',
    message: `${front.url}/f (redirected to ${mirrors[0].url}/gone): not found (404); check the URL`,
  })
})

it('a redirect to another scheme is rejected', async () => {
  const { front } = await twoMirrors()
  front.interfere = (_request, response) => {
    response.writeHead(302, { location: 'ftp://host/f' }).end()
    return true
  }
  await expect(open(`${front.url}/f`)).rejects.toMatchObject({
    kind: 'unusable',
    message: `${front.url}/f: the redirect target is not an http:// or https:// URL`,
  })
})
