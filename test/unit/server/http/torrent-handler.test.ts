/** Torrents over a real socket, requested from addresses of different sites. */
import { writeFile } from 'node:fs/promises'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../../../src/core/address.ts'
import { aDownloadServer, contentTorrent, registerFile } from '../../../a-download-server.ts'
import { aTopology } from '../../../a-topology.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../../a-torrent.ts'

const FRA = '127.1.1.5'
const AMS = '127.2.1.5'
const NOWHERE = '127.9.0.1'

async function aServer() {
  const server = await aDownloadServer()
  await server.registry.register(PLAIN_TORRENT, undefined)
  return { server, path: `/torrents/${PLAIN_INFO_HASH}.torrent` }
}

/** Length of `d`, the key and the value at the start of PLAIN_TORRENT. */
const ANNOUNCE_BYTES = 49

/** The start of a torrent with this tracker; that of fra is http://127.1.0.1:6969/announce. */
const announcesTo = (tracker: string) =>
  `d8:announce${tracker.length}:${tracker}13:announce-listll${tracker.length}:${tracker}ee`

describe('a registered torrent', () => {
  it('has the trackers of the site of the client', async () => {
    const { server, path } = await aServer()
    const fra = await server.get(path, FRA)
    const ams = await server.get(path, AMS)
    expect(fra.status).toBe(200)
    expect(fra.body.toString('latin1')).toBe(
      `${announcesTo('http://127.1.0.1:6969/announce')}${PLAIN_TORRENT.subarray(ANNOUNCE_BYTES).toString('latin1')}`,
    )
    expect(ams.body.toString('latin1')).toBe(
      `${announcesTo('http://127.2.0.1:6969/announce')}${PLAIN_TORRENT.subarray(ANNOUNCE_BYTES).toString('latin1')}`,
    )
  })

  it('has a content type and a file name', async () => {
    const { server, path } = await aServer()
    const { headers, body } = await server.get(path, FRA)
    expect(headers).toMatchObject({
      'content-type': 'application/x-bittorrent',
      'content-length': String(body.length),
      'content-disposition': `attachment; filename="a.txt.torrent"; filename*=UTF-8''a.txt.torrent`,
      'cache-control': 'private, no-cache',
    })
  })

  it('is the variant of another place on request', async () => {
    const { server, path } = await aServer()
    const rowA = server.swarm.topology.value.sites[1]?.places[1]
    Object.assign(rowA ?? {}, { trackers: ['http://row-a.ams.example/announce'] })
    const chosen = await server.get(`${path}?site=ams&bubble=row-a`, FRA)
    expect(chosen.body.toString('latin1')).toContain('8:announce33:http://row-a.ams.example/announce')
    const site = await server.get(`${path}?site=ams`, FRA)
    expect(site.body.toString('latin1')).toContain('8:announce30:http://127.2.0.1:6969/announce')
  })

  it.each([
    ['?site=lhr', 'the topology has no site "lhr"'],
    ['?site=ams&bubble=row-z', 'the site ams has no bubble "row-z"'],
    ['?bubble=row-z', 'the site fra has no bubble "row-z"'],
    ['?site=', 'the topology has no site ""'],
  ])('does not exist for an unknown place: %s', async (query, message) => {
    const { server, path } = await aServer()
    const { status, body } = await server.get(path + query, FRA)
    expect({ status, body: body.toString() }).toEqual({ status: 404, body: `${message}\n` })
  })

  it('is refused to an address that the topology does not map, also with a place in the query', async () => {
    const { server, path } = await aServer()
    for (const query of ['', '?site=fra']) {
      const { status, headers, body } = await server.get(path + query, NOWHERE)
      expect({ status, type: headers['content-type'], body: body.toString() }).toEqual({
        status: 403,
        type: 'text/plain; charset=utf-8',
        body: 'this address belongs to no site of this tracker: 127.9.0.1\n',
      })
    }
    expect(server.counted.codes).toEqual(['TRK_ADDRESS_UNMAPPED', 'TRK_ADDRESS_UNMAPPED'])
  })

  it('is the variant of the site to which the topology assigns unmapped addresses', async () => {
    const { server, path } = await aServer()
    const topology = aTopology()
    server.swarm.topology.replace({
      ...topology,
      unmapped: 'ams',
      locate: (address) => Math.max(topology.locate(address), 3),
    })
    const { body } = await server.get(path, NOWHERE)
    expect(body.toString('latin1')).toContain('8:announce30:http://127.2.0.1:6969/announce')
  })

  it('is the variant of the client behind a trusted proxy, not of the proxy', async () => {
    const proxy = parseAddress('127.1.1.5')
    const server = await aDownloadServer({
      isTrusted: (address) => proxy !== undefined && address.equals(proxy),
    })
    await server.registry.register(PLAIN_TORRENT, undefined)
    const path = `/torrents/${PLAIN_INFO_HASH}.torrent`
    const behind = { headers: { 'x-forwarded-for': AMS } }
    expect((await server.get(path, FRA, behind)).body.toString('latin1')).toContain('127.2.0.1:6969')
    expect((await server.get(path, '127.1.1.6', behind)).body.toString('latin1')).toContain('127.1.0.1:6969')
    const unreadable = await server.get(path, FRA, { headers: { 'x-forwarded-for': 'unknown' } })
    expect(unreadable.status).toBe(400)
  })

  it('is not sent again to a client that has this version, until it changes', async () => {
    const { server, path } = await aServer()
    const first = await server.get(path, FRA)
    const etag = first.headers.etag ?? ''
    const second = await server.get(path, FRA, { headers: { 'if-none-match': `W/${etag}` } })
    expect({ status: second.status, etag: second.headers.etag, bytes: second.body.length }).toEqual({
      status: 304,
      etag,
      bytes: 0,
    })
    expect((await server.get(path, AMS, { headers: { 'if-none-match': etag } })).status).toBe(200)
    server.swarm.topology.replace({ ...aTopology(), fallbackTrackers: () => ['http://t0.example/announce'] })
    const third = await server.get(path, FRA, { headers: { 'if-none-match': etag } })
    expect(third.status).toBe(200)
    expect(third.body.toString('latin1')).toContain('http://t0.example/announce')
  })

  it('answers HEAD with the same headers and no body', async () => {
    const { server, path } = await aServer()
    const got = await server.get(path, FRA)
    const head = await server.get(path, FRA, { method: 'HEAD' })
    const { date: _one, ...expected } = got.headers
    const { date: _other, ...found } = head.headers
    expect({ status: head.status, headers: found, bytes: head.body.length }).toEqual({
      status: 200,
      headers: expected,
      bytes: 0,
    })
  })

  it.each(['POST', 'PUT', 'DELETE'])('is rejected for %s', async (method) => {
    const { server, path } = await aServer()
    const { status, headers } = await server.get(path, FRA, { method })
    expect({ status, allow: headers.allow }).toEqual({ status: 405, allow: 'GET, HEAD' })
  })

  it('is also served as a magnet', async () => {
    const { server } = await aServer()
    const { status, headers, body } = await server.get(
      `/torrents/${PLAIN_INFO_HASH.toUpperCase()}.magnet`,
      FRA,
    )
    expect({ status, type: headers['content-type'], body: body.toString() }).toEqual({
      status: 200,
      type: 'text/plain; charset=utf-8',
      body: `magnet:?xt=urn:btih:${PLAIN_INFO_HASH}&dn=a.txt&tr=http%3A%2F%2F127.1.0.1%3A6969%2Fannounce\n`,
    })
  })

  it.each([
    [`/torrents/${'0'.repeat(40)}.torrent`, `this tracker does not serve that torrent: ${'0'.repeat(40)}`],
    [
      `/torrents/${PLAIN_INFO_HASH}.txt`,
      'the path must be /torrents/{infohash}.torrent or .magnet, with 40 or 64 hexadecimal digits',
    ],
    [
      `/torrents/${PLAIN_INFO_HASH}`,
      'the path must be /torrents/{infohash}.torrent or .magnet, with 40 or 64 hexadecimal digits',
    ],
    [
      '/torrents/..%2F..%2Fetc.torrent',
      'the path must be /torrents/{infohash}.torrent or .magnet, with 40 or 64 hexadecimal digits',
    ],
    [
      '/torrents/',
      'the path must be /torrents/{infohash}.torrent or .magnet, with 40 or 64 hexadecimal digits',
    ],
  ])('does not exist at %s', async (path, message) => {
    const { server } = await aServer()
    const { status, body } = await server.get(path, FRA)
    expect({ status, body: body.toString() }).toEqual({ status: 404, body: `${message}\n` })
  })
})

describe('a v2 torrent', () => {
  const info = `d9:file treed5:a.txtd0:d6:lengthi5e11:pieces root32:${'r'.repeat(32)}eee12:meta versioni2e4:name5:a.txt12:piece lengthi16384ee`

  it('is found by its full infohash and by the truncated one of a handshake', async () => {
    const { server } = await aServer()
    const { metainfo } = await server.registry.register(Buffer.from(`d4:info${info}e`), undefined)
    const whole = metainfo.infoHashV2?.toString('hex') ?? ''
    expect((await server.get(`/torrents/${whole}.torrent`, FRA)).status).toBe(200)
    expect((await server.get(`/torrents/${whole.slice(0, 40)}.torrent`, FRA)).status).toBe(200)
    expect((await server.get(`/torrents/${whole.slice(0, 40)}${'0'.repeat(24)}.torrent`, FRA)).status).toBe(
      404,
    )
  })
})

describe('web seeds of a served torrent', () => {
  it('are those of the node and of the author if the site has no copy; with a copy there are none', async () => {
    const server = await aDownloadServer()
    const { infoHash } = await registerFile(server, Buffer.alloc(100))
    const path = `/torrents/${infoHash}.torrent`
    server.swarm.webSeed = 'http://127.1.0.1:6969/webseed/x/'
    const cold = await server.get(path, FRA)
    expect(cold.body.toString('latin1')).toContain('8:url-listl32:http://127.1.0.1:6969/webseed/x/e')
    server.swarm.webSeed = undefined
    const warm = await server.get(path, FRA)
    expect(warm.body.toString('latin1')).not.toContain('url-list')
    expect(warm.headers.etag).not.toBe(cold.headers.etag)
  })

  it('include url-list of the author and not httpseeds, which have another protocol', async () => {
    const server = await aDownloadServer()
    const path = join(server.directory, 'image.bin')
    await writeFile(path, Buffer.alloc(100))
    const torrent = contentTorrent(Buffer.alloc(100), 'image.bin')
    const seeds = '9:httpseedsl14:http://bep17/xe8:url-list14:http://bep19/xe'
    const { registration } = await server.registry.register(
      Buffer.concat([torrent.subarray(0, -1), Buffer.from(seeds)]),
      path,
    )
    server.swarm.webSeed = 'http://127.1.0.1:6969/webseed/x/'
    const hash = registration.infoHashes[0]?.toString('hex') ?? ''
    const { body } = await server.get(`/torrents/${hash}.torrent`, FRA)
    expect(body.toString('latin1')).toContain(
      '8:url-listl32:http://127.1.0.1:6969/webseed/x/14:http://bep19/xe',
    )
    expect(body.toString('latin1')).not.toContain('bep17')
  })

  it('are those of the author for a torrent without an origin', async () => {
    const { server, path } = await aServer()
    expect((await server.get(path, FRA)).body.toString('latin1')).toContain(
      '8:url-list27:http://mirror.example.org/fe',
    )
  })
})

describe('rewritten torrents', () => {
  it('are read from the store once for all places and hosts', async () => {
    const { server, path } = await aServer()
    const before = server.store.reads
    await Promise.all(Array.from({ length: 20 }, (_, host) => server.get(path, `127.1.1.${host + 1}`)))
    await server.get(path, AMS)
    expect(server.store.reads - before).toBe(1)
  })

  it('are cached up to a number of bytes', async () => {
    const server = await aDownloadServer({ cacheBytesMax: 3_000 })
    for (let torrent = 0; torrent < 20; torrent++) {
      const { infoHash } = await registerFile(server, Buffer.alloc(100, torrent), `image-${torrent}.bin`)
      await server.get(`/torrents/${infoHash}.torrent`, FRA)
      expect(server.variants.cachedBytes).toBeLessThanOrEqual(3_000)
    }
  })

  it('are dropped when the torrent is removed, and when it is registered again', async () => {
    const { server, path } = await aServer()
    await server.get(path, FRA)
    await server.registry.register(
      Buffer.from(PLAIN_TORRENT.toString('latin1').replace('hello', 'howdy'), 'latin1'),
      undefined,
    )
    expect((await server.get(path, FRA)).body.toString('latin1')).toContain('7:comment5:howdy')
    const registration = server.registry.list()[0]
    if (registration !== undefined) await server.registry.remove(registration)
    expect((await server.get(path, FRA)).status).toBe(404)
    expect(server.variants.cachedBytes).toBe(0)
  })
})

describe('the listener', () => {
  it('keeps the connection for the next request', async () => {
    const { server, path } = await aServer()
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const first = await server.get(path, FRA, { agent })
    const second = await server.get('/announce', FRA, { agent })
    agent.destroy()
    expect(first.headers.connection).toBe('keep-alive')
    expect(second.body.toString()).toContain('info_hash is missing')
  })

  it('survives a client that disconnects during the response', async () => {
    const { server } = await aServer()
    const { infoHash } = await registerFile(server, Buffer.alloc(1_000_000), 'large.bin')
    await new Promise<void>((resolve) => {
      const asked = request(
        { host: '127.0.0.1', port: server.port, path: `/torrents/${infoHash}.torrent`, localAddress: FRA },
        (response) => response.once('data', () => response.destroy()),
      )
      asked.on('error', () => {})
      asked.once('close', resolve).end()
    })
    expect((await server.get(`/torrents/${infoHash}.torrent`, FRA)).status).toBe(200)
  })
})
