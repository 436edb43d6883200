/** Content over a real socket, with a file as the origin, for hosts of different sites. */
import { truncate, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { connect } from 'node:net'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { type DownloadServer, aDownloadServer, ask, registerFile } from '../../../a-download-server.ts'
import { anS3Store } from '../../../an-s3-store.ts'

const FRA = '127.1.1.5'
const FRA_OTHER = '127.1.1.6'
const AMS = '127.2.1.5'
const CONTENT = Buffer.from(Uint8Array.from({ length: 100_000 }, (_, at) => (at * 7919) >>> 3))

/** FRA and AMS are the gateways of their sites. */
async function aServer(options: Parameters<typeof aDownloadServer>[0] = {}) {
  const server = await aDownloadServer(options)
  const { infoHash, path } = await registerFile(server, CONTENT)
  server.swarm.gateways = [FRA, AMS]
  return { server, path, url: `/webseed/${infoHash}/image.bin`, infoHash }
}

const range = (value: string) => ({ headers: { range: value } })

describe('a web seed', () => {
  it('serves the file to the gateway of a site, by its name or by the URL alone', async () => {
    const { server, url, infoHash } = await aServer()
    for (const path of [url, `/webseed/${infoHash}`, `/webseed/${infoHash}/`]) {
      const { status, headers, body } = await server.get(path, FRA)
      expect({ path, status, isSame: body.equals(CONTENT) }).toEqual({ path, status: 200, isSame: true })
      expect(headers).toMatchObject({
        'content-type': 'application/octet-stream',
        'content-length': '100000',
        'accept-ranges': 'bytes',
        'cache-control': 'private, no-store',
        etag: `"${infoHash}-0"`,
      })
      server.clock.advanceMs(1_800_000)
    }
  })

  it('counts a request for a file that the torrent does not contain, and logs each name once', async () => {
    const { server, infoHash } = await aServer()
    const statuses: number[] = []
    for (const name of ['x', 'x', 'y%0a'])
      statuses.push((await server.get(`/webseed/${infoHash}/${name}`, FRA)).status)
    expect(statuses).toEqual([404, 404, 404])
    expect(server.counted.refused).toEqual(['not-found', 'not-found', 'not-found'])
    expect(server.warned).toEqual(
      ['/x', '/y%0a'].map((path) => ({
        event: 'webseed-not-found',
        torrent: 'image.bin',
        infoHash,
        path,
        site: 'fra',
      })),
    )
  })

  it('answers HEAD without reading the file', async () => {
    const { server, url } = await aServer()
    const { status, headers, body } = await server.get(url, FRA_OTHER, {
      method: 'HEAD',
      ...range('bytes=0-9'),
    })
    expect({
      status,
      length: headers['content-length'],
      ranges: headers['accept-ranges'],
      bytes: body.length,
    }).toEqual({
      status: 200,
      length: '100000',
      ranges: 'bytes',
      bytes: 0,
    })
    expect(server.counted.bytes).toBe(0)
  })

  it('returns the size of the file for a range behind its end', async () => {
    const { server, url } = await aServer()
    const { status, headers } = await server.get(url, FRA, range('bytes=100000-'))
    expect({ status, range: headers['content-range'] }).toEqual({ status: 416, range: 'bytes */100000' })
    expect(server.counted.bytes).toBe(0)
  })

  it('continues a download only if the version is the same', async () => {
    const { server, url, infoHash } = await aServer()
    const of = (ifRange: string) =>
      server.get(url, FRA, { headers: { range: 'bytes=5-9', 'if-range': ifRange } })
    expect((await of(`"${infoHash}-0"`)).status).toBe(206)
    expect((await of('"another"')).status).toBe(200)
    server.clock.advanceMs(1_800_000)
    expect((await of('Sat, 01 Jan 2000 00:00:00 GMT')).status).toBe(200)
  })

  it('answers pipelined requests in their order', async () => {
    const { server, url } = await aServer()
    const parts = ['0-9', '10-19', '50000-50009', '5-7']
    const answer = await new Promise<string>((resolve) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', localAddress: FRA })
      let received = ''
      socket.on('data', (chunk: Buffer) => (received += chunk.toString('latin1')))
      socket.on('close', () => resolve(received))
      socket.write(
        parts
          .map(
            (part, index) =>
              `GET ${url} HTTP/1.1\r\nHost: x\r\nRange: bytes=${part}\r\n${index === 3 ? 'Connection: close\r\n' : ''}\r\n`,
          )
          .join(''),
      )
    })
    const ranges = [...answer.matchAll(/content-range: bytes (\d+-\d+)\/100000/gi)].map(([, part]) => part)
    expect(ranges).toEqual(parts)
    expect(answer.split('\r\n\r\n').at(-1)).toBe(CONTENT.subarray(5, 8).toString('latin1'))
  })

  it.each([
    '/webseed/%s/other.bin',
    '/webseed/%s/../image.bin',
    '/webseed/%s/..%2F..%2Fetc%2Fpasswd',
    '/webseed/%s//etc/passwd',
    '/webseed/%s/image.bin/',
    '/webseed/xyz/image.bin',
    '/webseed/',
    '/webseed/0000000000000000000000000000000000000000/image.bin',
  ])('does not serve %s', async (path) => {
    const { server, infoHash } = await aServer()
    expect((await server.get(path.replace('%s', infoHash), FRA)).status).toBe(404)
    expect(server.counted.bytes).toBe(0)
  })

  it('is refused to addresses that the topology does not map', async () => {
    const { server, url } = await aServer()
    const { status, body } = await server.get(url, '127.9.0.1')
    expect({ status, body: body.toString() }).toEqual({
      status: 403,
      body: 'this address belongs to no site of this tracker: 127.9.0.1\n',
    })
  })

  it('does not exist for a torrent without an origin, or with an origin outside of the directory', async () => {
    const { server } = await aServer()
    for (const [name, origin] of [
      ['a.bin', undefined],
      ['b.bin', '/etc/hostname'],
      ['c.bin', `${server.directory}/../c.bin`],
    ] as const) {
      const { infoHash } = await registerFile(server, Buffer.from(name), name)
      const [registration] = server.registry.list().filter((each) => each.name === name)
      expect(registration).toBeDefined()
      const bytes = await server.store.read(Buffer.from(infoHash, 'hex'))
      await server.registry.remove(registration!)
      await server.registry.register(bytes!, origin)
      const { status, body } = await server.get(`/webseed/${infoHash}/${name}`, FRA)
      expect({ name, status, body: body.toString() }).toEqual({
        name,
        status: 404,
        body: 'this torrent has no web seed here\n',
      })
    }
  })
})

describe('ranges', () => {
  let reference: (header: string) => Promise<unknown>
  let ours: (header: string) => Promise<unknown>

  beforeAll(() => {
    const shown = ({ status, headers, body }: Awaited<ReturnType<DownloadServer['get']>>) => ({
      status,
      range: headers['content-range'],
      length: headers['content-length'],
      accepts: headers['accept-ranges'],
      body: body.toString('base64'),
    })
    ours = async (header) => {
      const { server, url } = await aServer()
      return shown(await server.get(url, FRA, range(header)))
    }
    reference = async (header) => {
      const store = await anS3Store('images')
      try {
        await store.put('image.bin', CONTENT)
        const port = Number(new URL(store.environment['AWS_ENDPOINT_URL'] ?? '').port)
        return shown(await ask(port, '/images/image.bin', range(header)))
      } finally {
        await store.close()
      }
    }
  })

  it.each([
    'bytes=1-1',
    'bytes=0-99999',
    'bytes=0-',
    'bytes=65535-65536',
    'bytes=99999-',
    'bytes=99990-200000',
  ])('are answered as by an S3 server: %s', async (header) => {
    expect(await ours(header)).toEqual(await reference(header))
  })
})

describe('one host of a site', () => {
  it('fetches; another one waits and then gets a 503, or a closed connection if a 503 would be permanent', async () => {
    const { server, url } = await aServer()
    await server.get(url, FRA, range('bytes=0-9'))
    const busy = await server.get(url, FRA_OTHER, { headers: { 'user-agent': 'curl/8' } })
    expect({ status: busy.status, retry: busy.headers['retry-after'], body: busy.body.toString() }).toEqual({
      status: 503,
      retry: '5',
      body: 'another host of fra fetches this torrent; get it from the peers of the site\n',
    })
    for (const agent of ['libtorrent/2.0.8.0', 'qBittorrent/4.5.2', 'aria2/1.36.0', undefined])
      await expect(
        server.get(url, FRA_OTHER, { headers: agent === undefined ? {} : { 'user-agent': agent } }),
      ).rejects.toThrow('socket hang up')
    expect(server.counted.refused).toEqual(['busy', 'busy', 'busy', 'busy', 'busy'])
    expect(server.counted.bytes).toBe(10)
  })

  it('is replaced by a waiting one when it stops sending requests', async () => {
    const { server, url } = await aServer({
      waitLimits: { waitMs: 600_000, pollIntervalMs: 5, waitingMax: 10 },
    })
    await server.get(url, FRA, range('bytes=0-9'))
    server.swarm.gateways = [FRA_OTHER]
    const waiting = server.get(url, FRA_OTHER, range('bytes=10-19'))
    // The first request may not have ended yet, and counts as activity until then.
    const isAnswered = vi.waitFor(async () => {
      server.clock.advanceMs(10_000)
      expect(await Promise.race([waiting, Promise.resolve(undefined)])).toBeDefined()
    }, 240_000)
    expect((await waiting).body).toEqual(CONTENT.subarray(10, 20))
    await isAnswered
  })

  it('is chosen for each site', async () => {
    const { server, url } = await aServer()
    expect((await server.get(url, FRA, range('bytes=0-9'))).status).toBe(206)
    expect((await server.get(url, AMS, range('bytes=0-9'))).status).toBe(206)
  })

  it('does not wait if too many wait already', async () => {
    const { server, url } = await aServer({
      waitLimits: { waitMs: 600_000, pollIntervalMs: 5, waitingMax: 1 },
    })
    await server.get(url, FRA, range('bytes=0-9'))
    const curl = { headers: { 'user-agent': 'curl/8' } }
    const both = [server.get(url, FRA_OTHER, curl), server.get(url, '127.1.1.7', curl)]
    // The second of the two exceeds the limit, in either order.
    expect((await Promise.race(both)).status).toBe(503)
    server.swarm.warmSites = [0]
    await Promise.all(both)
  })
})

describe('a site that has a copy', () => {
  it('gets 503 with a retry delay, its gateway included', async () => {
    const { server, url } = await aServer()
    server.swarm.warmSites = [0]
    for (const [from, method] of [
      [FRA, 'GET'],
      [FRA_OTHER, 'GET'],
      [FRA, 'HEAD'],
    ] as const) {
      const { status, headers } = await server.get(url, from, {
        method,
        headers: { 'user-agent': 'aria2/1.36.0' },
      })
      expect({ from, status, retry: headers['retry-after'] }).toEqual({ from, status: 503, retry: '600' })
    }
    expect((await server.get(url, AMS, range('bytes=0-9'))).status).toBe(206)
    expect(server.counted).toMatchObject({ bytes: 10, refused: ['warm', 'warm', 'warm'] })
  })

  it('ends the wait of its hosts', async () => {
    const { server, url } = await aServer({
      waitLimits: { waitMs: 600_000, pollIntervalMs: 5, waitingMax: 10 },
    })
    await server.get(url, FRA, range('bytes=0-9'))
    const waiting = server.get(url, FRA_OTHER)
    server.swarm.warmSites = [0]
    expect((await waiting).status).toBe(503)
  })
})

describe('the budget of a site', () => {
  it('aborts the response that exhausts it, and rejects the next request', async () => {
    const server = await aDownloadServer()
    const { infoHash } = await registerFile(server, Buffer.alloc(50_000_000), 'large.bin')
    const url = `/webseed/${infoHash}/large.bin`
    server.swarm.gateways = [FRA]
    expect((await server.get(url, FRA)).body.length).toBe(50_000_000)
    await expect(server.get(url, FRA)).rejects.toThrow(/aborted|hang up/)
    const { status, headers, body } = await server.get(url, FRA)
    expect({ status, retry: headers['retry-after'], body: body.toString() }).toEqual({
      status: 503,
      retry: '1800',
      body: 'fra has exhausted its budget for this torrent; get the rest from the peers of the site\n',
    })
  })
})

describe('a client that disconnects', () => {
  it('ends the read of the origin', async () => {
    const server = await aDownloadServer({ copiesPerSite: 10 })
    const large = Buffer.alloc(64 * 1024 * 1024)
    const { infoHash } = await registerFile(server, large, 'large.bin')
    server.swarm.gateways = [FRA]
    const url = `/webseed/${infoHash}/large.bin`
    for (let attempt = 0; attempt < 8; attempt++) {
      await new Promise<void>((resolve) => {
        request({ port: server.port, path: url, localAddress: FRA }, (response) =>
          response.once('data', () => response.destroy()),
        )
          .on('error', () => {})
          .once('close', resolve)
          .end()
      })
    }
    // All eight requests have ended, so the ninth is granted; and little was read for the clients that disconnected.
    expect((await server.get(url, FRA, range('bytes=0-9'))).status).toBe(206)
    expect(server.counted.bytes).toBeLessThan((8 * large.length) / 2)
  })

  it('while it waits does not count as waiting any more', async () => {
    const { server, url } = await aServer({
      waitLimits: { waitMs: 600_000, pollIntervalMs: 5, waitingMax: 1 },
    })
    await server.get(url, FRA, range('bytes=0-9'))
    for (let attempt = 0; attempt < 3; attempt++) {
      await new Promise<void>((resolve) => {
        const asked = request({ port: server.port, path: url, localAddress: FRA_OTHER })
        asked.on('error', () => {}).once('close', resolve)
        asked.end(() => setTimeout(() => asked.destroy(), 30))
      })
    }
    // Another request can wait once the server has noticed the last disconnect.
    const [waiting] = await vi.waitFor(async () => {
      const asked = server.get(url, FRA_OTHER, { headers: { 'user-agent': 'curl/8' } })
      for (let answers = 0; answers < 3; answers++) await server.get(url, FRA_OTHER, { method: 'HEAD' })
      expect(await Promise.race([asked, Promise.resolve('it waits')])).toBe('it waits')
      return [asked]
    }, 240_000)
    server.swarm.warmSites = [0]
    expect((await waiting)?.body.toString()).toBe(
      'fra has a copy of this torrent; get it from the peers of the site\n',
    )
  })
})

describe('an origin that does not match the torrent', () => {
  it('is a 503, or a closed connection for a client that treats a 503 as permanent', async () => {
    const { server, url, path } = await aServer()
    await truncate(path, 50)
    const { status, headers, body } = await server.get(url, FRA, { headers: { 'user-agent': 'curl/8' } })
    expect({ status, retry: headers['retry-after'], body: body.toString() }).toEqual({
      status: 503,
      retry: '30',
      body: 'the origin of this torrent cannot be read now; the log of this node has the reason\n',
    })
    await expect(server.get(url, FRA, { headers: { 'user-agent': 'aria2/1' } })).rejects.toThrow(
      'socket hang up',
    )
    expect(server.counted.refused).toEqual(['failed', 'failed'])
    expect(body.toString()).not.toContain(path)
  })

  it('is read again once it is repaired', async () => {
    const { server, url, path } = await aServer()
    await truncate(path, 50)
    await server.get(url, FRA, { headers: { 'user-agent': 'curl/8' } })
    await writeFile(path, CONTENT)
    expect((await server.get(url, FRA)).body.equals(CONTENT)).toBe(true)
  })
})
