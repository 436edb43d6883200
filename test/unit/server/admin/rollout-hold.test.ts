/** Hold and release of registered torrents over the admin API. */
import { describe, expect, it } from 'vitest'
import { anAdmin } from '../../../an-admin.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../../a-torrent.ts'

async function aRollout() {
  const admin = await anAdmin()
  await admin.call('POST', '', PLAIN_TORRENT)
  const post = async (path: string) => {
    const response = await fetch(`${admin.url}/api/v1/rollouts/${path}`, { method: 'POST' })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const heldSites = (body: Record<string, unknown>) =>
    (body['sites'] as { readonly site: string; readonly isHeld: boolean }[])
      .filter(({ isHeld }) => isHeld)
      .map(({ site }) => site)
  return { ...admin, post, heldSites }
}

describe('a rollout', () => {
  it('is held in all sites, with the time', async () => {
    const { post } = await aRollout()
    const site = { isHeld: true, heldAt: '2030-01-02T03:04:05.000Z' }
    expect(await post(`${PLAIN_INFO_HASH}/hold`)).toEqual({
      status: 200,
      body: {
        infoHash: PLAIN_INFO_HASH,
        name: 'a.txt',
        sites: ['fra', 'ams', 'nyc'].map((name) => ({ site: name, ...site })),
        warnings: [],
      },
    })
  })

  it('is held in one site, and released there while the others are held', async () => {
    const { post, heldSites } = await aRollout()
    expect(heldSites((await post(`${PLAIN_INFO_HASH}/hold?site=ams`)).body)).toEqual(['ams'])
    expect(heldSites((await post(`${PLAIN_INFO_HASH}/hold`)).body)).toEqual(['fra', 'ams', 'nyc'])
    expect(heldSites((await post(`${PLAIN_INFO_HASH}/release?site=ams`)).body)).toEqual(['fra', 'nyc'])
    expect(heldSites((await post(`${PLAIN_INFO_HASH}/release`)).body)).toEqual([])
  })

  it('reports that the other nodes of the site follow later while the store is down', async () => {
    const { post, overrides, heldSites } = await aRollout()
    overrides.isDown = true
    const { status, body } = await post(`${PLAIN_INFO_HASH}/hold?site=ams`)
    expect([status, heldSites(body)]).toEqual([200, ['ams']])
    expect(body['warnings']).toEqual([
      {
        code: 'store-unavailable',
        message:
          'the store is down: this node and remote sites follow now, the other nodes of this site once the store is up',
      },
    ])
  })

  it('ends with the torrent: registered again, it is not held', async () => {
    const { post, call, heldSites } = await aRollout()
    await post(`${PLAIN_INFO_HASH}/hold`)
    await call('DELETE', `/${PLAIN_INFO_HASH}`)
    await call('POST', '', PLAIN_TORRENT)
    expect(heldSites((await post(`${PLAIN_INFO_HASH}/release?site=ams`)).body)).toEqual([])
  })

  it.each([
    [
      `${'00'.repeat(20)}/hold`,
      404,
      'torrent-unknown',
      `${'00'.repeat(20)} is not registered here, and only a registered torrent can be held; register it with POST /api/v1/torrents`,
    ],
    ['xyz/hold', 400, 'infohash-invalid', 'infoHash must be 40 hexadecimal digits (64 for v2), not "xyz"'],
    [
      `${PLAIN_INFO_HASH}/hold?site=asm`,
      400,
      'site-unknown',
      'there is no site "asm" in the topology; without site, the torrent is held or released in all sites',
    ],
    [
      `${PLAIN_INFO_HASH}/release?sites=ams`,
      400,
      'parameter-unknown',
      'there is no parameter "sites"; the parameters are site',
    ],
  ])('rejects %s', async (path, status, code, message) => {
    const { post } = await aRollout()
    expect(await post(path)).toMatchObject({ status, body: { code, detail: message } })
  })
})
