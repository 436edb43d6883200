import { describe, expect, it } from 'vitest'
import { fetchingNodeUrl, nearestNodeUrl } from '../../../src/registry/node-url.ts'
import type { Place, Site } from '../../../src/topology/topology.ts'
import { aTopology } from '../../a-topology.ts'

const TORRENT = Buffer.alloc(20, 1)

function aPlace(trackers: { readonly site?: string[]; readonly bubble?: string[] }): Place {
  const place = aTopology().places[1] as Place
  const places: Place[] = []
  const site: Site = { ...place.site, trackers: trackers.site ?? [], places }
  places.push({ ...place, site, trackers: trackers.bubble ?? [] })
  return places[0] as Place
}

describe('the node behind a tracker URL', () => {
  it.each([
    ['http://t1.fra.example:6969/announce', 'http://t1.fra.example:6969'],
    ['https://t1.fra.example/announce/secret', 'https://t1.fra.example'],
    ['http://t1.fra.example:6969/announce?pk=1', 'http://t1.fra.example:6969'],
    ['http://proxy.example/swarm/announce', 'http://proxy.example/swarm'],
    ['http://[fd00::1]:6969/announce', 'http://[fd00::1]:6969'],
  ])('%s is %s', (tracker, node) => {
    expect(fetchingNodeUrl(aPlace({ site: [tracker] }).site, TORRENT)).toBe(node)
  })

  it.each(['udp://t1.fra.example:6969/announce', 'http://t1.fra.example:6969/a.php'])(
    'of %s is undefined',
    (tracker) => {
      expect(fetchingNodeUrl(aPlace({ site: [tracker] }).site, TORRENT)).toBeUndefined()
    },
  )

  it('is the nearest tracker with HTTP', () => {
    const place = aPlace({
      site: ['http://site.example/announce'],
      bubble: ['udp://bubble.example:1/announce'],
    })
    expect(nearestNodeUrl(aTopology(), place)).toBe('http://site.example')
  })
})

describe('the node that fetches a torrent for its site', () => {
  const site = ['http://t1.example/announce', 'http://t2.example/announce', 'http://t3.example/announce']
  const chosen = (trackers: string[]) =>
    Array.from({ length: 300 }, (_, torrent) =>
      fetchingNodeUrl(aPlace({ site: trackers }).site, Buffer.alloc(20, `${torrent}`)),
    )

  it('does not depend on the order in the topology', () => {
    expect(chosen(site)).toEqual(chosen(site.toReversed()))
  })

  it('differs from torrent to torrent, so that each node has its share', () => {
    const counts = new Map<string | undefined, number>()
    for (const url of chosen(site)) counts.set(url, (counts.get(url) ?? 0) + 1)
    expect(counts.size).toBe(3)
    for (const torrents of counts.values()) expect(torrents).toBeGreaterThan(50)
  })

  it('stays the same for the torrents of the remaining nodes when one is removed', () => {
    const before = chosen(site)
    const after = chosen(site.slice(0, 2))
    const moved = before.filter((url, index) => url !== after[index])
    expect(new Set(moved)).toEqual(new Set(['http://t3.example']))
  })

  it('is the same for all bubbles, those with trackers of their own included', () => {
    const { site: one } = aPlace({ bubble: ['http://row.example/announce'] })
    expect(fetchingNodeUrl(one, TORRENT)).toBe('http://row.example')
  })
})
