/** Tests of Content-Encoding: labels do not change the bytes, codings do. */
import { buffer } from 'node:stream/consumers'
import { expect, it, onTestFinished } from 'vitest'
import { openOrigin } from '../../../src/origin/open-origin.ts'
import { aWebServer } from '../../a-web-server.ts'

const signal = new AbortController().signal

async function open(path: string, encoding: string) {
  const server = await aWebServer(Buffer.from('abcdefghij'))
  onTestFinished(() => server.close())
  server.headers = { etag: '"one"', 'content-encoding': encoding }
  const origin = await openOrigin(`${server.url}/${path}`, { environment: {}, signal })
  onTestFinished(() => origin.close())
  return origin
}

it.each([
  ['image.img.gz', 'x-gzip'],
  ['image.img.gz', 'gzip'],
  ['IMAGE.TGZ', 'gzip'],
  ['drawing.svgz', 'gzip'],
  ['disk.qcow2.zst', 'zstd'],
  ['old.tar.Z', 'x-compress'],
  ['a.br', 'br'],
  ['image.img', ''],
  ['image.img', 'identity'],
  ['image.img', 'Identity, identity'],
  ['image.img', 'aws-chunked'],
  ['image.img', 'utf-8'],
  ['image.img', 'none'],
  ['image.img.xz', 'xz'],
  ['image.img.bz2', 'x-bzip2'],
  ['image.img.gz?download=1', 'aws-chunked, gzip'],
])('%s with Content-Encoding "%s" is read unchanged', async (path, encoding) => {
  const origin = await open(path, encoding)
  expect((await buffer(origin.read(0, { startByte: 2, endByte: 9 }, signal))).toString()).toBe('cdefghi')
})

it.each([
  ['image.img', 'gzip', 'gzip'],
  ['image.img', 'X-GZIP', 'x-gzip'],
  ['image.img', 'aws-chunked, br', 'br'],
  ['image.img.gz', 'gzip, zstd', 'zstd'],
  ['image.img.gz', 'aes128gcm', 'aes128gcm'],
])('%s with Content-Encoding "%s" is rejected', async (path, encoding, coding) => {
  await expect(open(path, encoding)).rejects.toMatchObject({
    kind: 'unusable',
    message: expect.stringMatching(
      new RegExp(
        `: the server sends it with Content-Encoding ${coding}, although identity was requested; ` +
          'turn compression off for it, or download the file and publish that$',
      ),
    ),
  })
})

it('the name of the redirect target counts, too', async () => {
  const server = await aWebServer(Buffer.from('abcdefghij'))
  onTestFinished(() => server.close())
  server.headers = { etag: '"one"', 'content-encoding': 'x-gzip' }
  server.interfere = ({ url }, response) => {
    if (url !== '/latest') return false
    response.writeHead(302, { location: '/13.1/image.img.gz' }).end()
    return true
  }
  const origin = await openOrigin(`${server.url}/latest`, { environment: {}, signal })
  onTestFinished(() => origin.close())
  expect(origin.name).toBe('latest')
})
