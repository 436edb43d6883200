/** The peers of a torrent over the admin API, and what `explain` adds to each of them. */
import { describe, expect, it } from 'vitest'
import { anAdmin } from '../../../an-admin.ts'
import { TORRENT } from '../../../a-tracker.ts'

const HASH = TORRENT.toString('hex')

interface Peer {
  readonly address: string
  readonly percent: number | null
  readonly observed?: string | null
}
interface Page {
  readonly total: number
  readonly peers: readonly Peer[]
  readonly next: number | null
}

async function aSwarm() {
  const { site, get: getPath } = await anAdmin()
  const get = (path: string) => getPath(`/api/v1/${path}`)
  const page = async (query = '') => (await get(`swarms/${HASH}/peers${query}`)).body as unknown as Page
  const ips = async (query = '') => (await page(query)).peers.map(({ address }) => address)
  const explain = async (ip: string) => {
    const { body } = await get(`explain?info_hash=${HASH}&ip=${ip}&port=6881`)
    return body as unknown as Peer & { readonly peers: readonly Peer[] }
  }
  return { ...site, get, page, ips, explain }
}

/** Three clients of ams and their source in fra: one half complete, one unreachable, one not observed. */
async function aFillingSwarm() {
  const swarm = await aSwarm()
  swarm.announce('127.1.1.1', { left: 0 })
  for (const ip of ['127.2.1.1', '127.2.1.2', '127.2.2.3']) swarm.announce(ip, { left: 1_024_000 })
  swarm.observe('127.1.1.1', { share: 1 })
  swarm.observe('127.2.1.1', { share: 0.5, sharePerSecond: 0.0125 })
  swarm.observe('127.2.1.2', { reachability: 'unreachable' })
  return swarm
}

describe('the peers of a torrent', () => {
  it('have their progress as observed, or else as announced', async () => {
    const swarm = await aFillingSwarm()
    const nowIso = new Date(swarm.clock.nowMs()).toISOString()
    swarm.announce('127.2.2.3', { left: 256_000 })
    const { total, peers, next } = await swarm.page()
    expect({ total, next }).toEqual({ total: 4, next: null })
    expect(peers.slice(1)).toEqual([
      {
        address: '127.2.1.1',
        port: 6881,
        site: 'ams',
        bubble: 'row-a',
        role: 'leecher',
        isGateway: true,
        percent: 50,
        progressFrom: 'observed',
        observedAt: nowIso,
        ratePercentPerSecond: 1.25,
        reachability: 'reachable',
        isStalled: false,
        // The observed progress is recorded as an announce, later than the one before.
        lastSeenAt: '2023-11-14T22:13:20.001Z',
      },
      expect.objectContaining({
        address: '127.2.1.2',
        percent: 0,
        progressFrom: 'announced',
        observedAt: nowIso,
        ratePercentPerSecond: null,
        reachability: 'unreachable',
      }),
      expect.objectContaining({
        address: '127.2.2.3',
        isGateway: false,
        percent: 75,
        progressFrom: 'announced',
        observedAt: null,
        reachability: 'unknown',
      }),
    ])
  })

  it('have no progress if neither an announce nor an observation shows it', async () => {
    const swarm = await aSwarm()
    swarm.announce('127.2.1.1', { left: undefined })
    expect((await swarm.page()).peers).toEqual([
      expect.objectContaining({ percent: null, progressFrom: 'unknown' }),
    ])
  })

  it('have 100 percent only when they are complete', async () => {
    const swarm = await aFillingSwarm()
    swarm.clock.advanceMs(1)
    swarm.observe('127.2.1.1', { share: 0.9999999 })
    expect((await swarm.page()).peers.map(({ percent }) => percent)).toEqual([100, 99.9, 0, 0])
  })

  it('are filtered by site, bubble, role, reachability and progress, also by several', async () => {
    const { ips } = await aFillingSwarm()
    expect(await ips('?site=fra')).toEqual(['127.1.1.1'])
    expect(await ips('?bubble=row-b')).toEqual(['127.2.2.3'])
    expect(await ips('?role=seed')).toEqual(['127.1.1.1'])
    expect(await ips('?reachability=unreachable')).toEqual(['127.2.1.2'])
    expect(await ips('?reachability=unknown')).toEqual(['127.2.2.3'])
    expect(await ips('?below=50')).toEqual(['127.2.1.2', '127.2.2.3'])
    expect(await ips('?below=50.1')).toEqual(['127.2.1.1', '127.2.1.2', '127.2.2.3'])
    expect(await ips(`?site=ams&bubble=row-a&role=leecher&below=10`)).toEqual(['127.2.1.2'])
  })

  it('come in pages; a peer that leaves between two of them makes no other one appear twice or not at all', async () => {
    const swarm = await aFillingSwarm()
    const first = await swarm.page('?limit=2')
    expect([first.total, first.peers.map(({ address }) => address)]).toEqual([4, ['127.1.1.1', '127.2.1.1']])
    swarm.announce('127.1.1.1', { left: 0, event: 'stopped' })
    const second = await swarm.page(`?limit=2&after=${first.next}`)
    expect([second.next, second.peers.map(({ address }) => address)]).toEqual([
      null,
      ['127.2.1.2', '127.2.2.3'],
    ])
  })

  it('do not include those whose lifetime is over', async () => {
    const { clock, page } = await aFillingSwarm()
    clock.advanceMs(24 * 3_600_000)
    expect(await page()).toMatchObject({ total: 0, peers: [] })
  })

  it.each([
    ['?limit=0', 'limit-invalid'],
    ['?limit=1001', 'limit-invalid'],
    ['?after=-1', 'after-invalid'],
    ['?site=xyz', 'site-unknown'],
    ['?bubble=row-c', 'bubble-unknown'],
    ['?role=leechers', 'role-unknown'],
    ['?reachability=maybe', 'reachability-unknown'],
    ['?below=0', 'below-invalid'],
    ['?below=101', 'below-invalid'],
    ['?below=1e1', 'below-invalid'],
    [`?role=seed&role=leecher`, 'role-unknown'],
    ['?sites=fra', 'parameter-unknown'],
  ])('are rejected for %s', async (query, code) => {
    const { get } = await aFillingSwarm()
    expect(await get(`swarms/${HASH}/peers${query}`)).toMatchObject({
      status: 400,
      body: { code },
    })
  })

  it('of a page of a thousand are accepted, and those of an unknown torrent are not found', async () => {
    const { get } = await aFillingSwarm()
    expect((await get(`swarms/${HASH}/peers?limit=1000`)).status).toBe(200)
    expect(await get(`swarms/${'00'.repeat(20)}/peers`)).toMatchObject({
      status: 404,
      body: { code: 'swarm-unknown' },
    })
  })
})

describe('explain', () => {
  it('describes what was observed of the requester and of each peer', async () => {
    const swarm = await aFillingSwarm()
    swarm.observe('127.2.2.3', { share: 0.41 })
    swarm.clock.advanceMs(3_000)
    const { observed, peers } = await swarm.explain('127.2.1.1')
    expect(observed).toBe('observed 3 s ago: 50 %')
    expect(peers.find(({ address }) => address === '127.1.1.1')?.observed).toBe('observed 3 s ago: 100 %')
    expect((await swarm.explain('127.2.1.2')).observed).toBe('port does not answer')
    expect((await swarm.explain('127.2.2.3')).observed).toBe('observed 3 s ago: 41 %')
    expect((await swarm.explain('127.3.1.1')).observed).toBeNull()
  })

  it('names a false seed, and a stalled client', async () => {
    const swarm = await aFillingSwarm()
    swarm.announce('127.3.1.1', { left: 0 })
    swarm.observe('127.3.1.1', { share: 0.12 })
    swarm.clock.advanceMs(1)
    swarm.observe('127.2.2.3', { share: 0.3, isStalled: true })
    expect((await swarm.explain('127.3.1.1')).observed).toBe('false seed: announces left=0, has 12 %')
    expect((await swarm.explain('127.2.2.3')).observed).toBe('observed 0 s ago: 30 %, stalled')
  })
})
