/** Registered torrents over the admin API. */
import { describe, expect, it } from 'vitest'
import type { TorrentPage } from '../../../../src/server/admin/answers/torrents.ts'
import { anAdmin } from '../../../an-admin.ts'
import { aTorrent, AWKWARD_INFO_HASH, PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../../a-torrent.ts'

const NOTE = JSON.stringify({ infoHashV1: null, infoHashV2: null, isPrivate: true, pieces: 1 })

const NOT_PRIVATE = {
  code: 'not-private',
  message:
    'not private: clients find peers of other sites through PEX, DHT and LSD, without a tracker; ' +
    'make the torrent again with private=1 (it is part of the infohash and cannot be added)',
}

const linksOf = (infoHash: string) =>
  [
    ['fra', 1],
    ['ams', 2],
    ['nyc', 3],
  ].map(([site, number]) => ({
    site,
    bubble: '-',
    torrentUrl: `http://127.${number}.0.1:6969/torrents/${infoHash}.torrent?site=${site}`,
    magnetUrl: `http://127.${number}.0.1:6969/torrents/${infoHash}.magnet?site=${site}`,
  }))

describe('registering a torrent', () => {
  it('returns its metadata, its URLs for each site, and warnings', async () => {
    const { call } = await anAdmin()
    expect(await call('POST', '?origin=/srv/a.txt', PLAIN_TORRENT)).toEqual({
      status: 201,
      body: {
        infoHash: PLAIN_INFO_HASH,
        infoHashV1: PLAIN_INFO_HASH,
        infoHashV2: null,
        name: 'a.txt',
        sizeBytes: 5,
        isPrivate: false,
        origin: '/srv/a.txt',
        registeredAt: '2030-01-02T03:04:05.000Z',
        sites: linksOf(PLAIN_INFO_HASH),
        warnings: [NOT_PRIVATE, expect.objectContaining({ code: 'web-seeds' })],
        isNew: true,
      },
    })
  })

  it('may be repeated: the response reports it, and an origin that is not given again stays', async () => {
    const { call, clock } = await anAdmin()
    await call('POST', '?origin=/srv/a.txt', PLAIN_TORRENT)
    clock.advanceMs(60_000)
    const { status, body } = await call('POST', '', PLAIN_TORRENT)
    expect({ status, ...body }).toMatchObject({
      status: 200,
      isNew: false,
      origin: '/srv/a.txt',
      registeredAt: '2030-01-02T03:04:05.000Z',
    })
    const other = await call('POST', '?origin=/srv/b.txt', PLAIN_TORRENT)
    expect(other.body).toMatchObject({ isNew: false, origin: '/srv/b.txt' })
  })

  it('warns of an origin that the node does not serve, and registers the torrent', async () => {
    const { call } = await anAdmin()
    const { status, body } = await call('POST', '?origin=/home/me/a.txt', PLAIN_TORRENT)
    expect(status).toBe(201)
    expect(body['warnings']).toContainEqual({
      code: 'origin-unusable',
      message: 'this node does not serve it',
    })
  })

  it.each([
    [
      '',
      Buffer.from('no torrent'),
      'torrent-invalid',
      'the torrent, byte 0: a torrent is a bencoded dictionary and begins with "d"; this is another kind of file',
    ],
    ['', aTorrent({ info: 'd4:name1:ae' }), 'torrent-invalid', 'no client downloads this'],
    [
      '',
      Buffer.from('d4:infod4:name5:a'),
      'torrent-invalid',
      'the torrent, byte 14: a string of 5 bytes begins here, and only 1 follow',
    ],
    ['?origin=https://u:p@h/a', PLAIN_TORRENT, 'origin-invalid', 'the origin contains a user or password'],
    ['?origin=a&origin=b', PLAIN_TORRENT, 'origin-invalid', 'origin must be one origin, not ["a","b"]'],
  ])('reports the problem in one line: %s %.20s', async (query, bytes, code, message) => {
    const { call, store } = await anAdmin()
    const { status, body } = await call('POST', query, bytes)
    expect({ status, body }).toEqual({
      status: 400,
      body: {
        title: 'Bad Request',
        status: 400,
        code,
        detail: expect.stringMatching(
          new RegExp(`^${message.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}[^\\n]*$`),
        ),
      },
    })
    expect(store.list()).toEqual([])
  })

  it('accepts the bytes with the default types of scripts, and rejects JSON', async () => {
    const { call } = await anAdmin()
    for (const type of ['application/octet-stream', 'application/x-www-form-urlencoded'])
      expect((await call('POST', '', PLAIN_TORRENT, { 'content-type': type })).body).toMatchObject({
        name: 'a.txt',
      })
    const { status, body } = await call('POST', '', Buffer.from('{}'), { 'content-type': 'application/json' })
    expect({ status, body }).toEqual({
      status: 415,
      body: {
        title: 'Unsupported Media Type',
        status: 415,
        code: 'type-unsupported',
        detail: 'send the bytes of a .torrent as application/x-bittorrent',
      },
    })
  })

  it('accepts 32 MiB and not a byte more', async () => {
    const { call } = await anAdmin()
    const head = Buffer.from('d7:comment33554200:')
    const frame = aTorrent({ before: '' }).subarray(1)
    const largest = Buffer.concat([head, Buffer.alloc(33_554_200, 'x'), frame])
    const padding = 33_554_432 - largest.length
    expect(padding).toBeGreaterThan(0)
    const exact = Buffer.concat([
      Buffer.from(`d7:comment${33_554_200 + padding}:`),
      Buffer.alloc(33_554_200 + padding, 'x'),
      frame,
    ])
    expect(exact.length).toBe(33_554_432)
    expect((await call('POST', '', exact)).status).toBe(201)
    const { status, body } = await call('POST', '', Buffer.concat([exact, Buffer.from('\n')]))
    expect({ status, body }).toEqual({
      status: 413,
      body: {
        title: 'Payload Too Large',
        status: 413,
        code: 'torrent-too-large',
        detail:
          'a torrent has at most 33554432 bytes, three times what clients load; make it again with larger pieces',
      },
    })
  })

  it('is not possible while the store is down, and registered torrents stay', async () => {
    const { call, store } = await anAdmin()
    await call('POST', '', PLAIN_TORRENT)
    store.isDown = true
    expect(await call('POST', '', PLAIN_TORRENT)).toEqual({
      status: 503,
      body: {
        title: 'Service Unavailable',
        status: 503,
        code: 'store-unavailable',
        detail: 'the store is down; try again later',
      },
    })
    expect((await call('DELETE', `/${PLAIN_INFO_HASH}`)).status).toBe(503)
    expect((await call('GET', '')).body).toMatchObject({ total: 1 })
  })

  it('needs the token', async () => {
    const { call } = await anAdmin({ operate: 'sesame-sesame', read: undefined })
    for (const [method, path] of [
      ['GET', ''],
      ['POST', ''],
      ['GET', `/${PLAIN_INFO_HASH}`],
      ['DELETE', `/${PLAIN_INFO_HASH}`],
    ] as const) {
      const { status } = await call(method, path, method === 'POST' ? PLAIN_TORRENT : undefined)
      expect({ method, status }).toEqual({ method, status: 401 })
    }
  })
})

describe('registered torrents', () => {
  it('are listed, oldest first', async () => {
    const { call, clock } = await anAdmin()
    await call('POST', '?origin=s3://images/a.txt', PLAIN_TORRENT)
    clock.advanceMs(1_000)
    await call('POST', '', aTorrent())
    expect((await call('GET', '')).body).toEqual({
      total: 2,
      torrents: [
        {
          infoHash: PLAIN_INFO_HASH,
          infoHashV1: PLAIN_INFO_HASH,
          infoHashV2: null,
          name: 'a.txt',
          sizeBytes: 5,
          isPrivate: false,
          origin: 's3://images/a.txt',
          registeredAt: '2030-01-02T03:04:05.000Z',
        },
        {
          infoHash: AWKWARD_INFO_HASH,
          infoHashV1: AWKWARD_INFO_HASH,
          infoHashV2: null,
          name: 't0126238.bin',
          sizeBytes: 32768,
          isPrivate: false,
          origin: null,
          registeredAt: '2030-01-02T03:04:06.000Z',
        },
      ],
      next: null,
    })
  })

  it('are listed newest first where that is asked for, page by page', async () => {
    const { request, store } = await anAdmin()
    for (const fill of [1, 2, 3]) {
      const torrent = {
        infoHashes: [Buffer.alloc(20, fill)],
        name: `image ${fill}`,
        sizeBytes: 5,
        note: NOTE,
      }
      await store.put({ ...torrent, registeredAtMs: fill }, PLAIN_TORRENT)
    }
    const list = async (query: string) =>
      (await (await request(`/api/v1/torrents?order=newest&${query}`)).json()) as TorrentPage
    const names = ({ torrents }: TorrentPage) => torrents.map(({ name }) => name)
    const first = await list('limit=2')
    expect([names(first), first.total]).toEqual([['image 3', 'image 2'], 3])
    const second = await list(`limit=2&after=${first.next}`)
    expect([names(second), second.next]).toEqual([['image 1'], null])
    expect(names(await list('q=image'))).toEqual(['image 3', 'image 2', 'image 1'])
    expect(names(await list('q=0202'))).toEqual(['image 2'])
    const wrong = (await (await request('/api/v1/torrents?order=size')).json()) as { readonly code: string }
    expect(wrong.code).toBe('order-unknown')
  })

  it('without a note are read once for all lists', async () => {
    const { call, store } = await anAdmin()
    const infoHashes = [Buffer.from(PLAIN_INFO_HASH, 'hex')]
    await store.put({ infoHashes, name: 'a.txt', sizeBytes: 5, registeredAtMs: 0, note: '' }, PLAIN_TORRENT)
    await call('GET', '')
    const { reads } = store
    await call('GET', '')
    expect(store.reads).toBe(reads)
  })

  it('need no note, like files that were copied into a directory', async () => {
    const { call, store } = await anAdmin()
    const infoHashes = [Buffer.from(PLAIN_INFO_HASH, 'hex')]
    await store.put({ infoHashes, name: 'a.txt', sizeBytes: 5, registeredAtMs: 0, note: '' }, PLAIN_TORRENT)
    expect((await call('GET', '')).body).toMatchObject({
      torrents: [{ infoHashV1: PLAIN_INFO_HASH, isPrivate: false, origin: null }],
    })
  })

  it('are shown one by one, with their URLs', async () => {
    const { call } = await anAdmin()
    await call('POST', '', PLAIN_TORRENT)
    const { status, body } = await call('GET', `/${PLAIN_INFO_HASH.toUpperCase()}`)
    expect({ status, sites: body['sites'] }).toEqual({ status: 200, sites: linksOf(PLAIN_INFO_HASH) })
  })

  it('are removed, and then unknown', async () => {
    const { call, registry } = await anAdmin()
    await call('POST', '', PLAIN_TORRENT)
    expect(registry.admits(Buffer.from(PLAIN_INFO_HASH, 'hex'))).toBe(true)
    const { status, body } = await call('DELETE', `/${PLAIN_INFO_HASH}`)
    expect({ status, body }).toMatchObject({ status: 200, body: { removed: true, name: 'a.txt' } })
    expect(registry.admits(Buffer.from(PLAIN_INFO_HASH, 'hex'))).toBe(false)
    for (const method of ['GET', 'DELETE'])
      expect(await call(method, `/${PLAIN_INFO_HASH}`)).toEqual({
        status: 404,
        body: {
          title: 'Not Found',
          status: 404,
          code: 'torrent-unknown',
          detail: `${PLAIN_INFO_HASH} is not registered here`,
        },
      })
  })

  it('are admitted by both infohashes of a hybrid one', async () => {
    const { call, registry } = await anAdmin()
    const hybrid =
      `d9:file treed5:a.txtd0:d6:lengthi5e11:pieces root32:${'r'.repeat(32)}eee` +
      `6:lengthi5e12:meta versioni2e4:name5:a.txt12:piece lengthi16384e6:pieces20:${'a'.repeat(20)}e`
    const { body } = await call('POST', '', aTorrent({ info: hybrid }))
    const [v1, v2] = [String(body['infoHashV1']), String(body['infoHashV2'])]
    expect([v1.length, v2.length]).toEqual([40, 64])
    expect(registry.admits(Buffer.from(v1, 'hex'))).toBe(true)
    expect(registry.admits(Buffer.from(v2.slice(0, 40), 'hex'))).toBe(true)
    expect((await call('DELETE', `/${v2}`)).status).toBe(200)
    expect(registry.admits(Buffer.from(v1, 'hex'))).toBe(false)
  })
})
