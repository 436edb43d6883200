/** Tests of origins behind the proxies of the environment. */
import { buffer } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openOrigin } from '../../../src/origin/open-origin.ts'
import { aForwardProxy } from '../../a-forward-proxy.ts'
import { anS3Store } from '../../an-s3-store.ts'
import { aWebServer } from '../../a-web-server.ts'

const signal = new AbortController().signal

async function aServer() {
  const server = await aWebServer(Buffer.from('abcdefghij'))
  onTestFinished(() => server.close())
  return server
}

/** Opens the origin and returns all of its first file. */
async function readAll(reference: string, environment: Readonly<Record<string, string>>): Promise<string> {
  const origin = await openOrigin(reference, { environment, signal })
  onTestFinished(() => origin.close())
  const range = { startByte: 0, endByte: origin.files[0]?.sizeBytes ?? 0 }
  return (await buffer(origin.read(0, range, signal))).toString()
}

describe('a proxy of the environment', () => {
  it.each(['http_proxy', 'HTTP_PROXY'])('in %s is used for http://, with the whole URL', async (variable) => {
    const [server, proxy] = [await aServer(), await aForwardProxy()]
    expect(await readAll(`${server.url}/f?x=1`, { [variable]: proxy.url })).toBe('abcdefghij')
    expect(proxy.requests).toEqual([`GET ${server.url}/f?x=1`, `GET ${server.url}/f?x=1`])
  })

  it('may be written without a scheme', async () => {
    const [server, proxy] = [await aServer(), await aForwardProxy()]
    expect(await readAll(`${server.url}/f`, { http_proxy: `127.0.0.1:${proxy.port}` })).toBe('abcdefghij')
    expect(proxy.requests).toHaveLength(2)
  })

  it('is not used for the hosts in no_proxy', async () => {
    const [server, proxy] = [await aServer(), await aForwardProxy()]
    const environment = { http_proxy: proxy.url, no_proxy: 'example.org,127.0.0.1' }
    expect(await readAll(`${server.url}/f`, environment)).toBe('abcdefghij')
    expect(proxy.requests).toEqual([])
  })

  it('gets the user and password of its URL, and they appear in no message', async () => {
    const [server, proxy] = [await aServer(), await aForwardProxy('me:sésame')]
    const withPassword = `http://me:s%C3%A9same@127.0.0.1:${proxy.port}`
    expect(await readAll(`${server.url}/f`, { http_proxy: withPassword })).toBe('abcdefghij')
    await expect(readAll(`${server.url}/f`, { http_proxy: proxy.url })).rejects.toMatchObject({
      kind: 'forbidden',
      message: expect.stringContaining('user and password'),
    })
    await expect(
      readAll('http://127.0.0.1:1/f', { http_proxy: 'http://me:sesame@127.0.0.1:2' }),
    ).rejects.toMatchObject({
      kind: 'unreachable',
      message:
        'http://127.0.0.1:1/f: connection refused (ECONNREFUSED); check that the server is running' +
        '; http_proxy is http://127.0.0.1:2, except for no_proxy',
    })
  })

  it('that refuses the tunnel of an https:// URL is named with its status', async () => {
    const proxy = await aForwardProxy()
    proxy.refuseWith = 403
    await expect(readAll('https://127.0.0.1:1/f', { https_proxy: proxy.url })).rejects.toMatchObject({
      kind: 'forbidden',
      message:
        'https://127.0.0.1:1/f: the proxy responded 403; check its rules, or list the host in no_proxy' +
        `; https_proxy is ${proxy.url}, except for no_proxy`,
    })
    expect(proxy.requests).toEqual(['CONNECT 127.0.0.1:1'])
  })

  it.each([
    ['http://', 'http_proxy: not the URL of a proxy; write http://host:port'],
    ['http://me:4711@[', 'http_proxy: not the URL of a proxy; write http://host:port'],
    ['http://me:47%11%@127.0.0.1:1', 'http_proxy: write a % in the user or password as %25'],
    ['socks4://127.0.0.1:1', 'http_proxy: only http:// and https:// proxies are supported'],
  ])('%s is rejected', async (url, message) => {
    await expect(readAll('http://127.0.0.1:1/f', { http_proxy: url })).rejects.toMatchObject({
      kind: 'unusable',
      message,
    })
  })

  it('is used for S3, too', async () => {
    const [store, proxy] = [await anS3Store('images'), await aForwardProxy()]
    onTestFinished(() => store.close())
    await store.put('os/a b+c.img', 'abcdefghij')
    const environment = { ...store.environment, http_proxy: proxy.url }
    expect(await readAll('s3://images/os/a b+c.img', environment)).toBe('abcdefghij')
    expect(await readAll('s3://images/os/', environment)).toBe('abcdefghij')
    expect(proxy.requests.length).toBeGreaterThanOrEqual(4)
    await expect(
      readAll('s3://images/x', { ...store.environment, http_proxy: 'http://127.0.0.1:1' }),
    ).rejects.toMatchObject({ message: expect.stringContaining('http_proxy is http://127.0.0.1:1') })
  })
})
