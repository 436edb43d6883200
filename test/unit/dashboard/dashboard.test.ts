/** Parts of the dashboard that need no browser. */
import { describe, expect, test } from 'vitest'
import type { RolloutDetail, RolloutSite } from '../../../src/dashboard/api/responses.ts'
import {
  formatBitRate,
  formatBytes,
  formatDuration,
  formatPercent,
  formatRate,
} from '../../../src/dashboard/elements/quantities.ts'
import { byNumber, byText, sortRows } from '../../../src/dashboard/elements/sort-rows.ts'
import { readRoute } from '../../../src/dashboard/frame/links.ts'
import { trafficOf } from '../../../src/dashboard/overview/traffic.ts'
import { readHosts } from '../../../src/dashboard/rollout/hosts.ts'
import { addSample, NO_HISTORY } from '../../../src/dashboard/rollout/progress-samples.ts'
import { childrenOf, isSourceOnly } from '../../../src/dashboard/rollout/upstreams.ts'
import { readPages, type TorrentList } from '../../../src/dashboard/torrents/torrent-pages.ts'

const HASH = 'ab'.repeat(20)
const NO_BYTES = { downloaded: 0, betweenSites: 0, betweenSitesAtMost: 0, from: [] }
const HOSTS = { expected: null, seen: 1, complete: 0, unreachable: 0, sources: 0, absent: 0 }

function aSite(site: string, more: Partial<RolloutSite> = {}): RolloutSite {
  return {
    site,
    state: 'filling',
    isHeld: false,
    isComplete: false,
    hadSource: false,
    sentence: '',
    percent: 0,
    copiesIn: 0,
    measuredAt: '2030-01-01T00:00:00Z',
    startedAt: null,
    completedAt: null,
    bytes: NO_BYTES,
    origin: { percent: 'observed', betweenSites: 'counted' },
    rateBytesPerSecond: 0,
    etaSeconds: null,
    hosts: HOSTS,
    bubbles: [],
    carrier: null,
    gateway: null,
    stragglers: [],
    stragglersTotal: 0,
    ...more,
  }
}

function aRollout(sites: RolloutSite[]): RolloutDetail {
  return {
    infoHash: HASH,
    name: 'image',
    sizeBytes: 1_000,
    state: 'running',
    isRegistered: true,
    sentence: '',
    origin: { percent: 'observed', downloaded: 'observed', betweenSites: 'counted', saved: 'counted' },
    expect: {},
    registeredAt: '2030-01-01T00:00:00Z',
    startedAt: null,
    completedAt: null,
    percent: 0,
    rateBytesPerSecond: 0,
    etaSeconds: null,
    hosts: HOSTS,
    bytes: { downloaded: 0, betweenSites: 0, betweenSitesAtMost: 0, saved: 0 },
    sites,
  }
}

const from = (upstreamSite: string): Partial<RolloutSite> => ({
  carrier: { node: 'n', upstreamSite, rateBytesPerSecond: 0 },
})

test.each([
  ['', { view: 'overview' }],
  ['#/', { view: 'overview' }],
  [`#/rollouts/${HASH.toUpperCase()}`, { view: 'rollout', infoHash: HASH }],
  [`#/rollouts/${HASH}/hosts`, { view: 'hosts', infoHash: HASH }],
  ['#/rollouts/12', { view: 'unknown', path: 'rollouts/12' }],
  ['#/hosts?ip=fd00%3A%3A1', { view: 'host', ip: 'fd00::1' }],
  ['#/torrents', { view: 'torrents' }],
  ['#/nodes', { view: 'nodes' }],
  ['#/admin', { view: 'unknown', path: 'admin' }],
])('the fragment %s leads to its view', (fragment, route) => {
  expect(readRoute(fragment)).toEqual(route)
})

describe('quantities', () => {
  test('are rounded so that only a complete host has 100 %', () => {
    expect([99.99, 100, 0, null].map(formatPercent)).toEqual(['99.9 %', '100 %', '0.0 %', '–'])
  })

  test('have the two largest units of a duration', () => {
    expect([0, 59.6, 125, 11_400, 187_200, null].map(formatDuration)).toEqual([
      '0 s',
      '1 min',
      '2 min 5 s',
      '3 h 10 min',
      '2 d 4 h',
      '–',
    ])
  })

  test('have the unit that keeps them short', () => {
    expect([5, 16_384, 1_500_000_000, -2_048].map(formatBytes)).toEqual([
      '5 B',
      '16 KiB',
      '1.4 GiB',
      '−2 KiB',
    ])
    expect(formatRate(null)).toBe('–')
  })

  test('of links are in bits per second', () => {
    expect([0, 62_500, 25_000_000, 1_250_000_000].map(formatBitRate)).toEqual([
      '0 kbit/s',
      '500 kbit/s',
      '200 Mbit/s',
      '10 Gbit/s',
    ])
  })
})

describe('the tree over the sites', () => {
  const shapeOf = (sites: readonly RolloutSite[]) =>
    Object.fromEntries(
      [...childrenOf(sites)].map(([name, below]) => [name ?? '', below.map(({ site }) => site)]),
    )

  test('has each site below its upstream', () => {
    const sites = [aSite('nyc', from('ams')), aSite('fra'), aSite('ams', from('fra'))]
    expect(shapeOf(sites)).toEqual({ '': ['fra'], fra: ['ams'], ams: ['nyc'] })
  })

  test('has a complete site below the one that brought most of its content', () => {
    const bytes = {
      ...NO_BYTES,
      from: [
        { site: 'nyc', bytes: 10 },
        { site: 'fra', bytes: 990 },
      ],
    }
    const sites = [aSite('fra'), aSite('ams', { bytes, isComplete: true }), aSite('nyc', { bytes })]
    expect(shapeOf(sites)).toEqual({ '': ['fra', 'nyc'], fra: ['ams'] })
  })

  test('loses no site while two of them name each other', () => {
    const sites = [aSite('fra', from('ams')), aSite('ams', from('fra')), aSite('nyc', from('ams'))]
    expect(shapeOf(sites)).toEqual({ '': ['fra', 'ams'], ams: ['nyc'] })
  })

  test('has a site whose upstream is unknown at the top', () => {
    expect(shapeOf([aSite('ams', from('gone'))])).toEqual({ '': ['ams'] })
  })
})

test('copies between sites are weighted by the size of the torrents', () => {
  const sites = (bytes: number): RolloutSite[] => [
    aSite('fra'),
    aSite('ams', { bytes: { ...NO_BYTES, betweenSites: bytes, from: [{ site: 'fra', bytes }] } }),
  ]
  const traffic = trafficOf([aRollout(sites(1_000)), { ...aRollout(sites(6_000)), sizeBytes: 3_000 }])
  expect(traffic.sites).toEqual(['ams', 'fra'])
  expect(traffic.cells).toEqual(new Map([['ams fra', { bytes: 7_000, copies: 1.75 }]]))
})

describe('the progress over time', () => {
  const at = (atMs: number, percent: number) => [aRollout([aSite('fra', { percent })]), atMs] as const

  test('has no curve of a site whose clients only have the content from the start', () => {
    const source = aSite('nyc', { hosts: { ...HOSTS, seen: 0, sources: 1, absent: 0 } })
    expect(isSourceOnly(source)).toBe(true)
    expect(isSourceOnly(aSite('fra'))).toBe(false)
    expect(addSample(NO_HISTORY, aRollout([aSite('fra'), source]), 0).sites).toEqual(['fra'])
  })

  test('keeps two points of a piece without progress', () => {
    const samples = [at(0, 10), at(1, 10), at(2, 10), at(3, 20)]
    const { samples: kept } = samples.reduce((all, [rollout, ms]) => addSample(all, rollout, ms), NO_HISTORY)
    expect(kept).toEqual([
      { atMs: 0, percents: [10] },
      { atMs: 2, percents: [10] },
      { atMs: 3, percents: [20] },
    ])
  })

  test('has a bound, and keeps its first point', () => {
    let history = NO_HISTORY
    for (let ms = 0; ms < 5_000; ms++) history = addSample(history, ...at(ms, ms))
    expect(history.samples.length).toBeLessThanOrEqual(400)
    expect(history.samples[0]?.atMs).toBe(0)
  })
})

describe('the hosts of a rollout', () => {
  const read = (pages: Readonly<Record<string, string>>) => async (path: string) => {
    const page = pages[path.replace(`/api/v1/rollouts/${HASH}/hosts?`, '')]
    if (page === undefined) throw new Error('no node of ams answers')
    return page
  }
  const page = (address: string, next: string | null) =>
    JSON.stringify({ hosts: [{ address, port: 1 }], next })
  const pages = {
    'site=fra&limit=1000': page('10.1.0.1', '10.1.0.1 1'),
    'site=fra&limit=1000&after=10.1.0.1+1': page('10.1.0.2', null),
  }

  test('are those of all sites and pages', async () => {
    const { hosts, problems } = await readHosts(
      HASH,
      ['fra', 'ams'],
      read({ ...pages, 'site=ams&limit=1000': page('10.2.0.1', null) }),
    )
    expect(hosts.map(({ address, site }) => `${site} ${address}`)).toEqual([
      'fra 10.1.0.1',
      'fra 10.1.0.2',
      'ams 10.2.0.1',
    ])
    expect(problems).toEqual([])
  })

  test('of a site that does not answer are a problem, and do not hide the others', async () => {
    const { hosts, problems } = await readHosts(HASH, ['ams', 'fra'], read(pages))
    expect(hosts).toHaveLength(2)
    expect(problems).toEqual(['ams: no node of ams answers'])
  })
})

describe('the rows of a table', () => {
  const names = ['node-10', 'Node-9', 'édge', 'edge-2', '10.1.0.10', '10.1.0.9']
  const sorted = (isDown: boolean) =>
    sortRows(
      names,
      byText<string>((name) => name),
      isDown,
    )

  test('are in the order of text without case and accents, and of the numbers in it', () => {
    expect(sorted(false)).toEqual(['10.1.0.9', '10.1.0.10', 'edge-2', 'édge', 'Node-9', 'node-10'])
    expect(sorted(true)).toEqual(['node-10', 'Node-9', 'édge', 'edge-2', '10.1.0.10', '10.1.0.9'])
  })

  test('have unknown numbers first, and stay in their order where they are equal', () => {
    const rows = [
      { name: 'a', percent: 5 },
      { name: 'b', percent: null },
      { name: 'c', percent: 0 },
      { name: 'd', percent: 5 },
    ]
    const order = (isDown: boolean) =>
      sortRows(
        rows,
        byNumber<(typeof rows)[number]>(({ percent }) => percent),
        isDown,
      ).map(({ name }) => name)
    expect([order(false), order(true)]).toEqual([
      ['b', 'c', 'a', 'd'],
      ['a', 'd', 'c', 'b'],
    ])
  })
})

describe('the list of torrents', () => {
  const page = (number: number) => ({
    total: 5,
    torrents: [{ name: `image ${number}` } as TorrentList['torrents'][number]],
    next: number < 5 ? String(number + 1) : null,
  })

  test('is shown from the first page on, and as a whole at the end', async () => {
    const shown: [number, boolean][] = []
    const list = await readPages(
      page(1),
      async (after) => page(Number(after)),
      ({ torrents, isComplete }) => shown.push([torrents.length, isComplete]),
    )
    expect(shown).toEqual([
      [1, false],
      [2, false],
      [4, false],
    ])
    expect([list.torrents.map(({ name }) => name), list.isComplete]).toEqual([
      ['image 1', 'image 2', 'image 3', 'image 4', 'image 5'],
      true,
    ])
  })
})
