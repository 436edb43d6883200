/** Rollouts and savings over the admin API. */
import { describe, expect, it } from 'vitest'
import type { RolloutPage } from '../../../../src/server/admin/answers/rollouts.ts'
import { anAdmin } from '../../../an-admin.ts'
import { PLAIN_INFO_HASH, PLAIN_TORRENT } from '../../../a-torrent.ts'

/** The registered torrent of five bytes, one source in fra and hosts in ams. */
async function aRegisteredTorrent() {
  const { site, url, call, rollouts, clock } = await anAdmin()
  await call('POST', '', PLAIN_TORRENT)
  const torrent = Buffer.from(PLAIN_INFO_HASH, 'hex')
  const get = async (path: string) => {
    const response = await fetch(`${url}/api/v1/${path}`)
    const type = response.headers.get('content-type') ?? ''
    const body = (type.includes('json') ? await response.json() : await response.text()) as Record<
      string,
      unknown
    >
    return { status: response.status, body }
  }
  const send = async (method: string, path: string, body: unknown) => {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }
  const measure = () => {
    site.clock.advanceMs(1_000)
    rollouts.tick()
  }
  const join = (from: string) => site.announce(from, { torrent, left: 5, event: 'started' })
  const finish = (from: string) => site.announce(from, { torrent, left: 0, event: 'completed' })
  return { site, clock, call, get, send, measure, join, finish, torrent }
}

/** One piece of five bytes. */
function aTorrentNamed(name: string): Buffer {
  return Buffer.from(
    `d4:infod6:lengthi5e4:name${name.length}:${name}12:piece lengthi16384e6:pieces20:${'x'.repeat(20)}ee`,
  )
}

describe('GET /api/v1/rollouts', () => {
  it('lists registered torrents that no client has announced', async () => {
    const { get } = await aRegisteredTorrent()
    expect((await get('rollouts')).body).toMatchObject({
      total: 1,
      next: null,
      rollouts: [
        { infoHash: PLAIN_INFO_HASH, name: 'a.txt', state: 'waiting', percent: 0, etaSeconds: null },
      ],
    })
  })

  it('filters by state, by a part of the name and by the first digits of the infohash', async () => {
    const { get, join, measure } = await aRegisteredTorrent()
    join('127.2.1.1')
    measure()
    const total = async (query: string) => (await get(`rollouts?${query}`)).body['total']
    expect(await total('state=running')).toBe(1)
    expect(await total('state=complete')).toBe(0)
    expect(await total('q=A.T')).toBe(1)
    expect(await total(`q=${PLAIN_INFO_HASH.slice(0, 8)}`)).toBe(1)
    expect(await total('q=nothing')).toBe(0)
  })

  it('divides the rollouts of a state, or with a name, into pages, newest first', async () => {
    const { call, get, site, clock, measure } = await aRegisteredTorrent()
    const infoHashes: Buffer[] = []
    for (let number = 1; number <= 4; number++) {
      clock.advanceMs(1_000)
      const { body } = await call('POST', '', aTorrentNamed(`image ${number}`))
      infoHashes.push(Buffer.from((body as { infoHash: string }).infoHash, 'hex'))
    }
    for (const number of [1, 2, 4])
      site.announce('127.2.1.1', { torrent: infoHashes[number - 1] as Buffer, left: 5, event: 'started' })
    measure()
    const pages = async (query: string) => {
      const names: unknown[] = []
      let after = ''
      do {
        const body = (await get(`rollouts?${query}${after}`)).body as unknown as RolloutPage
        names.push(body.rollouts.map(({ name }) => name))
        after = body.next === null ? '' : `&after=${body.next}`
      } while (after !== '')
      return names
    }
    expect(await pages('state=running&limit=2')).toEqual([['image 4', 'image 2'], ['image 1']])
    expect(await pages('state=waiting&limit=1')).toEqual([['image 3'], ['a.txt']])
    expect(await pages('q=image&limit=3')).toEqual([['image 4', 'image 3', 'image 2'], ['image 1']])
    expect(await pages('limit=3')).toEqual([
      ['image 4', 'image 3', 'image 2'],
      ['image 1', 'a.txt'],
    ])
    expect((await get(`rollouts?state=running&after=${'0'.repeat(40)}`)).status).toBe(400)
  })

  it('rejects what it does not know', async () => {
    const { get } = await aRegisteredTorrent()
    expect((await get('rollouts?state=done')).status).toBe(400)
    expect((await get('rollouts?statee=running')).status).toBe(400)
    expect((await get('rollouts?limit=0')).status).toBe(400)
    expect((await get(`rollouts/${'0'.repeat(40)}`)).status).toBe(404)
  })
})

describe('GET /api/v1/rollouts/INFOHASH', () => {
  it('has the sites, their bubbles and their hosts', async () => {
    const { get, join, finish, measure } = await aRegisteredTorrent()
    join('127.2.1.1')
    join('127.2.2.2')
    finish('127.2.1.1')
    measure()
    const { body } = await get(`rollouts/${PLAIN_INFO_HASH}`)
    expect(body).toMatchObject({ state: 'running', percent: 50, expect: {}, hosts: { seen: 2, complete: 1 } })
    expect(body['sites']).toEqual(
      expect.arrayContaining([
        expect.objectContaining({
          site: 'ams',
          percent: 50,
          bubbles: [
            expect.objectContaining({ bubble: 'row-a', percent: 100 }),
            expect.objectContaining({ bubble: 'row-b', percent: 0 }),
          ],
        }),
      ]),
    )
    const hosts = await get(`rollouts/${PLAIN_INFO_HASH}/hosts?site=ams&limit=1`)
    expect(hosts.body).toMatchObject({
      total: 2,
      hosts: [{ address: '127.2.1.1', bubble: 'row-a', state: 'complete', percent: 100, reason: null }],
    })
    const { next } = hosts.body as { next: string }
    const rest = await get(`rollouts/${PLAIN_INFO_HASH}/hosts?site=ams&after=${encodeURIComponent(next)}`)
    expect(rest.body).toMatchObject({ total: 2, hosts: [{ address: '127.2.2.2' }], next: null })
    const one = await get(`rollouts/${PLAIN_INFO_HASH}/hosts?site=ams&state=downloading&bubble=row-b`)
    expect(one.body).toMatchObject({ total: 1 })
  })
})

describe('expected hosts', () => {
  it('are replaced by PUT and changed by PATCH', async () => {
    const { send, get } = await aRegisteredTorrent()
    const path = `rollouts/${PLAIN_INFO_HASH}/expect`
    const set = await send('PUT', path, { hosts: { fra: 1, 'ams/row-a': 40 } })
    expect(set.body).toMatchObject({ expect: { fra: 1, 'ams/row-a': 40 }, hosts: { expected: 41 } })
    const changed = await send('PATCH', path, { hosts: { fra: null, nyc: 2 } })
    expect(changed.body).toMatchObject({ expect: { 'ams/row-a': 40, nyc: 2 }, hosts: { expected: 42 } })
    expect((await get(`rollouts/${PLAIN_INFO_HASH}`)).body).toMatchObject({ hosts: { expected: 42 } })
  })

  it.each([
    {},
    { hosts: { fra: -1 } },
    { hosts: { fra: '7' } },
    { hosts: { par: 1 } },
    { hosts: {}, more: 1 },
    [],
  ])('are rejected as %j', async (body) => {
    const { send } = await aRegisteredTorrent()
    expect((await send('PUT', `rollouts/${PLAIN_INFO_HASH}/expect`, body)).status).toBe(400)
  })
})

describe('GET /api/v1/rollouts/INFOHASH/plan', () => {
  it('is the cheapest tree over the sites that expect hosts', async () => {
    const { send, get } = await aRegisteredTorrent()
    await send('PUT', `rollouts/${PLAIN_INFO_HASH}/expect`, { hosts: { ams: 2, nyc: 3 } })
    const { body } = await get(`rollouts/${PLAIN_INFO_HASH}/plan?source=fra`)
    expect(body).toMatchObject({
      sourceSites: ['fra'],
      links: [
        { from: 'fra', to: 'ams', cost: 10, bytes: 5, copiesMax: 1 },
        { from: 'fra', to: 'nyc', cost: 100, bytes: 5, copiesMax: 1 },
      ],
      bytesBetweenSites: 10,
      bytesWithoutTree: 25,
    })
  })
})

describe('GET /api/v1/savings', () => {
  it('has the bytes of each site and month, also as CSV', async () => {
    const { get, join, finish, measure, site, torrent } = await aRegisteredTorrent()
    site.announce('127.1.1.1', { torrent, left: 0 })
    site.observe('127.1.1.1', { infoHash: torrent, share: 1 })
    for (const host of ['127.2.1.1', '127.2.1.2', '127.2.1.3']) join(host)
    measure()
    for (const host of ['127.2.1.1', '127.2.1.2', '127.2.1.3']) finish(host)
    measure()
    const period = new Date(site.clock.nowMs()).toISOString().slice(0, 7)
    const row = {
      period,
      subject: 'ams',
      rollouts: 1,
      downloadedBytes: 15,
      betweenSitesBytes: 5,
      savedBytes: 10,
    }
    expect((await get('savings')).body).toMatchObject({ by: 'site', period: 'month', rows: [row] })
    expect((await get('savings?by=torrent&period=all')).body).toMatchObject({
      rows: [{ period: 'all', subject: PLAIN_INFO_HASH, name: 'a.txt', savedBytes: 10 }],
    })
    expect((await get('savings?format=csv')).body).toBe(
      'period,subject,name,rollouts,downloadedBytes,betweenSitesBytes,betweenSitesBytesAtMost,savedBytes,origin\r\n' +
        `${period},ams,ams,1,15,5,5,10,bound\r\n`,
    )
    expect((await get('savings?by=host')).status).toBe(400)
  })
})
