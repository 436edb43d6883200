/** Downloads that a listener passes to the owner, over real sockets. */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Address } from '../../../src/core/address.ts'
import { Refusal } from '../../../src/core/errors.ts'
import { DownloadSocket, ForwardedDownloads } from '../../../src/daemon/workers/forwarded-downloads.ts'
import type { DownloadHandler } from '../../../src/server/http/announce-handler.ts'
import { ask } from '../../a-download-server.ts'

/** Clients of a listener whose owner answers all downloads with this handler; `torrents` answers with its own text. */
async function aListener(handle: DownloadHandler['handle']) {
  const directory = await mkdtemp(join(tmpdir(), 'siteswarm-test-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  const path = join(directory, 'downloads')
  const refusals: string[] = []
  const errors: unknown[] = []
  const owner = new DownloadSocket({
    webSeeds: { handle },
    torrents: { handle: async (_request, response) => void response.end('a torrent') },
    onRefusal: (code) => void refusals.push(code),
    log: { error: (fields) => void errors.push(fields) },
  })
  await owner.start(path)
  onTestFinished(() => owner.stop())
  const downloads = new ForwardedDownloads(path)
  const client = Address.v4(0x0a00_0001)
  const listener = createServer((request, response) => void downloads.handle(request, response, client))
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void listener.close())
  const { port } = listener.address() as AddressInfo
  return { port, refusals, errors, owner }
}

test('a response arrives with its status, its headers and all of its bytes', async () => {
  const content = Buffer.alloc(3_000_000, 'content')
  const { port } = await aListener(async (request, response, from) => {
    expect(from.toString()).toBe('10.0.0.1')
    expect(request.url).toBe('/webseed/00/a%20file')
    expect(request.headers.range).toBe('bytes=0-2999999')
    response.writeHead(206, { 'Content-Range': 'bytes 0-2999999/9000000', 'Content-Length': content.length })
    response.end(content)
  })
  const headers = { range: 'bytes=0-2999999', 'siteswarm-client': '10.66.66.66' }
  const { status, headers: received, body } = await ask(port, '/webseed/00/a%20file', { headers })
  expect(status).toBe(206)
  expect(received['content-range']).toBe('bytes 0-2999999/9000000')
  expect(body.equals(content)).toBe(true)
})

test('a HEAD gets the headers', async () => {
  const { port } = await aListener(async (_request, response) => {
    response.writeHead(200, { 'Content-Length': 7 }).end()
  })
  const { status, headers, body } = await ask(port, '/webseed/00/file', { method: 'HEAD' })
  expect({ status, length: headers['content-length'], bytes: body.length }).toEqual({
    status: 200,
    length: '7',
    bytes: 0,
  })
})

test('a path of torrents reaches the handler of torrents', async () => {
  const { port } = await aListener(async () => {})
  expect((await ask(port, '/torrents/00.torrent')).body.toString()).toBe('a torrent')
})

test('the connection of a client is closed where the owner closes its own, before or inside the response', async () => {
  const before = await aListener(async (_request, response) => void response.destroy())
  await expect(ask(before.port, '/webseed/00/file')).rejects.toThrow('socket hang up')
  const inside = await aListener(async (_request, response) => {
    response.writeHead(200, { 'Content-Length': 100 })
    response.write('the first bytes', () => response.destroy())
  })
  await expect(ask(inside.port, '/webseed/00/file')).rejects.toThrow('aborted')
})

test('the connection of a client is closed while the owner is missing', async () => {
  const { port, owner } = await aListener(async () => {})
  owner.stop()
  await expect(ask(port, '/webseed/00/file')).rejects.toThrow('socket hang up')
})

test('a rejection is counted once, at the owner, and an error is logged there', async () => {
  const { port, refusals, errors } = await aListener(async (request) => {
    if (request.url === '/webseed/00/bug') throw new Error('a bug')
    throw new Refusal('TRK_TOKEN_WRONG')
  })
  const { status, body } = await ask(port, '/webseed/00/file')
  expect({ status, body: body.toString() }).toEqual({
    status: 400,
    body: 'the token in the announce URL is wrong\n',
  })
  expect((await ask(port, '/webseed/00/bug')).status).toBe(500)
  expect(refusals).toEqual(['TRK_TOKEN_WRONG', 'TRK_INTERNAL'])
  expect(errors).toHaveLength(1)
})

test('the owner stops reading for a client that left', async () => {
  const left: { isClosed?: boolean } = {}
  const leaving = new AbortController()
  const { port } = await aListener(async (_request, response) => {
    response.once('close', () => (left.isClosed = true))
    response.writeHead(200, { 'Content-Length': 1_000_000_000 })
    response.write('the first bytes', () => leaving.abort())
  })
  const asked = ask(port, '/webseed/00/file', { signal: leaving.signal })
  await expect(asked).rejects.toThrow('aborted')
  await expect.poll(() => left.isClosed).toBe(true)
})
