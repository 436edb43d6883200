/** The registry over the admin API, and the command that asks it. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { AdminServer } from '../../../../src/server/admin/admin-server.ts'
import { ManualClock } from '../../../../src/core/clock.ts'
import { TorrentRegistry } from '../../../../src/registry/torrent-registry.ts'
import { runCommand } from '../../../a-command-run.ts'
import { aTorrent, AWKWARD_INFO_HASH, PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../../a-torrent.ts'
import { aTorrentStore } from '../../../a-torrent-store.ts'
import { aTracker } from '../../../a-tracker.ts'
import { aWebServer } from '../../../a-web-server.ts'

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

async function anAdmin(token?: string) {
  const { topology, tracker, table } = aTracker()
  const store = aTorrentStore()
  const clock = new ManualClock(Date.UTC(2030, 0, 2, 3, 4, 5))
  const registry = new TorrentRegistry({ store, clock, admit: 'registered' })
  const server = new AdminServer({
    topology,
    tracker,
    table,
    health: {
      metrics: async () => ({ contentType: 'text/plain', body: '' }),
      readiness: async () => ({ isReady: true, body: '' }),
    },
    operations: { reload: async () => ({ sites: 3 }), drain: () => {} },
    torrents: {
      registry,
      webSeeds: {
        unavailableReason: (origin) =>
          origin.startsWith('/srv/') ? undefined : 'this node does not serve it',
      },
    },
    site: 'fra',
    federation: undefined,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    token,
  })
  const port = await server.start({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.stop())
  const url = `http://127.0.0.1:${port}`
  const call = async (method: string, path: string, body?: Buffer, headers: Record<string, string> = {}) => {
    const response = await fetch(`${url}/api/v1/torrents${path}`, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/x-bittorrent' }), ...headers },
      ...(body === undefined ? {} : { body: new Uint8Array(body) }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  return { store, registry, clock, url, call }
}

describe('registering a torrent', () => {
  it('answers with what it is, where clients of each site get it, and what will surprise them', async () => {
    const { call } = await anAdmin()
    expect(await call('POST', '?origin=/srv/a.txt', PLAIN_TORRENT)).toEqual({
      status: 201,
      body: {
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

  it('may be done twice: the answer says so, and what is not said again stays', async () => {
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

  it('warns of an origin that the node does not serve, and registers all the same', async () => {
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
    ['?origin=https://u:p@h/a', PLAIN_TORRENT, 'origin-invalid', 'the origin has a user or password in it'],
    ['?origin=a&origin=b', PLAIN_TORRENT, 'origin-invalid', 'a torrent has one origin'],
  ])('says in one line what is wrong: %s %.20s', async (query, bytes, code, message) => {
    const { call, store } = await anAdmin()
    const { status, body } = await call('POST', query, bytes)
    expect({ status, body }).toEqual({
      status: 400,
      body: {
        error: {
          code,
          message: expect.stringMatching(
            new RegExp(`^${message.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}[^\\n]*$`),
          ),
        },
      },
    })
    expect(store.list()).toEqual([])
  })

  it('takes the bytes as whatever scripts call them, and nothing in JSON', async () => {
    const { call } = await anAdmin()
    for (const type of ['application/octet-stream', 'application/x-www-form-urlencoded'])
      expect((await call('POST', '', PLAIN_TORRENT, { 'content-type': type })).body).toMatchObject({
        name: 'a.txt',
      })
    const { status, body } = await call('POST', '', Buffer.from('{}'), { 'content-type': 'application/json' })
    expect({ status, body }).toEqual({
      status: 415,
      body: {
        error: {
          code: 'type-unsupported',
          message: 'send the bytes of a .torrent as application/x-bittorrent',
        },
      },
    })
  })

  it('takes 32 MiB and no byte more', async () => {
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
        error: {
          code: 'torrent-too-large',
          message:
            'a torrent has at most 33554432 bytes, three times what clients load; make it again with larger pieces',
        },
      },
    })
  })

  it('is not possible while the store is down, and what is known stays known', async () => {
    const { call, store } = await anAdmin()
    await call('POST', '', PLAIN_TORRENT)
    store.isDown = true
    expect(await call('POST', '', PLAIN_TORRENT)).toEqual({
      status: 503,
      body: { error: { code: 'store-unavailable', message: 'the store is down; try again later' } },
    })
    expect((await call('DELETE', `/${PLAIN_INFO_HASH}`)).status).toBe(503)
    expect((await call('GET', '')).body).toMatchObject({ total: 1 })
  })

  it('needs the token', async () => {
    const { call } = await anAdmin('sesame-sesame')
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
          infoHashV1: PLAIN_INFO_HASH,
          infoHashV2: null,
          name: 'a.txt',
          sizeBytes: 5,
          isPrivate: false,
          origin: 's3://images/a.txt',
          registeredAt: '2030-01-02T03:04:05.000Z',
        },
        {
          infoHashV1: AWKWARD_INFO_HASH,
          infoHashV2: null,
          name: 't0126238.bin',
          sizeBytes: 32768,
          isPrivate: false,
          origin: null,
          registeredAt: '2030-01-02T03:04:06.000Z',
        },
      ],
    })
  })

  it('are known without a note, as files that somebody put into a directory', async () => {
    const { call, store } = await anAdmin()
    const infoHashes = [Buffer.from(PLAIN_INFO_HASH, 'hex')]
    await store.put({ infoHashes, name: 'a.txt', sizeBytes: 5, registeredAtMs: 0, note: '' }, PLAIN_TORRENT)
    expect((await call('GET', '')).body).toMatchObject({
      torrents: [{ infoHashV1: PLAIN_INFO_HASH, isPrivate: false, origin: null }],
    })
  })

  it('are shown one by one, with their links', async () => {
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
        body: { error: { code: 'torrent-unknown', message: `${PLAIN_INFO_HASH} is not registered here` } },
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

describe('siteswarm torrents', () => {
  it('lists them for people', async () => {
    const { call, url } = await anAdmin()
    await call('POST', '?origin=s3://images/a.txt', PLAIN_TORRENT)
    const { exitCode, out, err } = await runCommand(['torrents', '--url', url])
    expect({ exitCode, out, err }).toEqual({
      exitCode: 0,
      out: `${PLAIN_INFO_HASH}  a.txt\n  5 B, v1, not private, 2030-01-02 03:04\n  from s3://images/a.txt\n`,
      err: '',
    })
  })

  it('says that there is none', async () => {
    const { url } = await anAdmin()
    expect(await runCommand(['torrents', '--url', url])).toMatchObject({
      exitCode: 0,
      out: '',
      err: 'No torrents are registered.\n',
    })
  })

  it('prints the node’s answer as JSON', async () => {
    const { url } = await anAdmin()
    const { out } = await runCommand(['torrents', '--url', url, '--json'])
    expect(JSON.parse(out)).toEqual({ total: 0, torrents: [] })
  })

  it('removes one, with the token from the environment', async () => {
    const { registry, url } = await anAdmin('sesame-sesame')
    await registry.register(PLAIN_TORRENT, undefined)
    const remove = ['torrents', 'remove', PLAIN_INFO_HASH, '--url', url]
    expect(await runCommand(remove)).toMatchObject({
      exitCode: 1,
      err: `siteswarm torrents: the node at ${url} requires its admin token: --token, or SITESWARM_ADMIN_TOKEN\n`,
    })
    expect(await runCommand([...remove, '--token', 'sesame-salami'])).toMatchObject({
      exitCode: 1,
      err: `siteswarm torrents: the node at ${url} rejects the admin token; check --token or SITESWARM_ADMIN_TOKEN\n`,
    })
    const environment = { SITESWARM_ADMIN_TOKEN: 'sesame-sesame' }
    expect(await runCommand(remove, { environment })).toMatchObject({ exitCode: 0, out: 'removed a.txt\n' })
    expect(await runCommand(remove, { environment })).toMatchObject({
      exitCode: 1,
      err: `siteswarm torrents: ${PLAIN_INFO_HASH} is not registered here\n`,
    })
  })

  it.each([
    [['remove'], 'remove requires the infohash of a torrent'],
    [['remove', 'abc'], '"abc" is not an infohash; an infohash has 40 hexadecimal digits, or 64 for v2'],
    [['add'], '"add" is not an action; use remove, or no argument to list'],
  ])('refuses %j', async (args, why) => {
    expect(await runCommand(['torrents', ...args])).toMatchObject({
      exitCode: 64,
      err: `siteswarm torrents: ${why}\n`,
    })
  })

  it.each(['127.0.0.1:6970', 'foo', 'http://', 'ftp://127.0.0.1'])(
    'refuses %s as the URL of a node',
    async (url) => {
      const { exitCode, err } = await runCommand(['torrents', '--url', url])
      expect({ exitCode, err }).toEqual({
        exitCode: 1,
        err: `siteswarm: --url ${url}: write the admin listener of a node as http://host:port, such as http://127.0.0.1:6970\n`,
      })
    },
  )

  it('tells a node from a web server, or the tracker itself, at the URL', async () => {
    const server = await aWebServer(Buffer.from('d14:failure reason3:noee'))
    onTestFinished(() => server.close())
    expect(await runCommand(['torrents', '--url', server.url])).toMatchObject({
      exitCode: 69,
      err: `siteswarm torrents: the server at ${server.url} is not the admin listener of a node; give its URL with --url, such as http://127.0.0.1:6970\n`,
    })
  })

  it('says where it looked for a node', async () => {
    const { exitCode, err } = await runCommand(['torrents', '--url', 'http://127.0.0.1:2'])
    expect({ exitCode, err }).toEqual({
      exitCode: 69,
      err: 'siteswarm torrents: no node responds at http://127.0.0.1:2: connection refused (ECONNREFUSED); check that the server is running, or give the URL of another admin listener with --url\n',
    })
  })
})
