import { expect, it } from 'vitest'
import { anAdmin } from '../../../an-admin.ts'
import { aTorrent, AWKWARD_INFO_HASH } from '../../../a-torrent.ts'

it('a host has its place, and each torrent that it has announced, with the name of a registered one', async () => {
  const { site, get, call } = await anAdmin()
  await call('POST', '', aTorrent())
  site.announce('127.1.1.5', { torrent: Buffer.from(AWKWARD_INFO_HASH, 'hex'), left: 0 })
  site.announce('127.1.1.5', { left: 1000 })
  site.announce('127.1.1.6', { left: 1000 })

  const { status, body } = await get('/api/v1/hosts/127.1.1.5')
  expect(status).toBe(200)
  expect(body).toMatchObject({ address: '127.1.1.5', site: 'fra', bubble: 'row-a', total: 2 })
  const torrents = body['torrents'] as { name: string | null; infoHash: string; role: string }[]
  expect(new Map(torrents.map(({ name, role }) => [name, role]))).toEqual(
    new Map([
      ['t0126238.bin', 'seed'],
      [null, 'leecher'],
    ]),
  )
})

it('a host without a client, or outside of the topology, has no torrents', async () => {
  const { get } = await anAdmin()
  expect((await get('/api/v1/hosts/127.2.2.9')).body).toMatchObject({ site: 'ams', total: 0, torrents: [] })
  expect((await get('/api/v1/hosts/192.0.2.1')).body).toMatchObject({
    site: null,
    bubble: null,
    prefix: null,
  })
  expect((await get('/api/v1/hosts/fd00::1')).body).toMatchObject({ address: 'fd00::1', total: 0 })
})

it('a name instead of an address is rejected', async () => {
  const { get } = await anAdmin()
  expect(await get('/api/v1/hosts/t1.fra.example')).toMatchObject({
    status: 400,
    body: { code: 'ip-invalid' },
  })
})
