import { describe, expect, it } from 'vitest'
import { parseTopology } from '../../../src/config/load-topology.ts'
import { parseAddress } from '../../../src/core/address.ts'
import type { Topology } from '../../../src/topology/topology.ts'

const topologyOf = (text: string) => parseTopology(text, 'topology.yaml')

const SITES = `
sites:
  fra:
    region: eu
    cidrs: [10.1.0.0/16]
    trackers: [http://t1.fra.example/announce, http://t2.fra.example/announce]
    bubbles:
      row-a: { cidrs: [10.1.1.0/24] }
      row-b: { cidrs: [10.1.2.0/24], trackers: [http://row-b.fra.example/announce] }
  nyc: { region: us, cidrs: [10.2.0.0/16, 10.1.2.128/25], trackers: [http://t1.nyc.example/announce] }
  ams: { region: eu, cidrs: [10.3.0.0/16], trackers: [http://t1.ams.example/announce] }
  lab: { cidrs: [10.4.0.0/16] }
`

function where(topology: Topology, text: string): string {
  const address = parseAddress(text)
  if (address === undefined) throw new Error(`${text} is not an address`)
  const match = topology.match(address)
  const index = topology.locate(address)
  expect(match?.place.index ?? -1).toBe(index)
  return match === undefined ? 'refused' : `${match.place.site.name}/${match.place.bubble} by ${match.prefix}`
}

function costs(topology: Topology): number[][] {
  return topology.sites.map((a) => topology.sites.map((b) => topology.cost(a.index, b.index)))
}

function fallback(topology: Topology, name: string): readonly string[] {
  const site = topology.siteNamed(name)
  if (site === undefined) throw new Error(`no site ${name}`)
  return topology.fallbackTrackers(site).map((url) => url.replace(/^http:\/\/(.*)\.example\/announce$/, '$1'))
}

describe('a topology', () => {
  it('numbers sites and places in file order, each site starting with the bubble "-"', () => {
    const { sites, places } = topologyOf(SITES)
    expect(sites.map(({ index, name }) => [index, name])).toEqual([
      [0, 'fra'],
      [1, 'nyc'],
      [2, 'ams'],
      [3, 'lab'],
    ])
    expect(places.map(({ index, site, bubble }) => `${index} ${site.name}/${bubble}`)).toEqual([
      '0 fra/-',
      '1 fra/row-a',
      '2 fra/row-b',
      '3 nyc/-',
      '4 ams/-',
      '5 lab/-',
    ])
    expect(sites[0]?.places).toEqual([places[0], places[1], places[2]])
  })

  it('locates an address by the longest prefix over all sites', () => {
    const topology = topologyOf(SITES)
    expect(where(topology, '10.1.9.9')).toBe('fra/- by 10.1.0.0/16')
    expect(where(topology, '10.1.1.9')).toBe('fra/row-a by 10.1.1.0/24')
    expect(where(topology, '10.1.2.127')).toBe('fra/row-b by 10.1.2.0/24')
    expect(where(topology, '10.1.2.128')).toBe('nyc/- by 10.1.2.128/25')
    expect(where(topology, '::ffff:10.3.0.1')).toBe('ams/- by 10.3.0.0/16')
  })

  it('counts a repeated prefix once, and gives that of a site and its bubble to the bubble', () => {
    const topology = topologyOf(
      'sites: { fra: { cidrs: [10.1.0.0/16, 10.1.0.0/16, "fd00::/8"], bubbles: { all: { cidrs: [10.1.0.0/16] } } } }',
    )
    expect(where(topology, '10.1.2.3')).toBe('fra/all by 10.1.0.0/16')
    expect(where(topology, 'fd00::1')).toBe('fra/- by fd00::/8')
  })

  it('refuses unmapped addresses by default', () => {
    const topology = topologyOf(SITES)
    expect(topology.unmapped).toBe('refuse')
    expect(where(topology, '192.0.2.1')).toBe('refused')
  })

  it('assigns unmapped addresses to the site that the file names', () => {
    expect(where(topologyOf(`${SITES}unmapped: ams\n`), '192.0.2.1')).toBe('ams/- by undefined')
  })

  it('isolates unmapped addresses in a separate site at infinite cost', () => {
    const topology = topologyOf(`${SITES}unmapped: isolate\n`)
    expect(where(topology, '192.0.2.1')).toBe('unmapped/- by undefined')
    const isolated = topology.siteNamed('unmapped')
    expect([isolated?.index, isolated?.places.length]).toEqual([4, 1])
    expect(costs(topology)[4]).toEqual([Infinity, Infinity, Infinity, Infinity, 0])
    expect(costs(topology).map((row) => row[4])).toEqual([Infinity, Infinity, Infinity, Infinity, 0])
  })

  it('costs 10 inside a region, 100 between regions, and 100 without one', () => {
    expect(costs(topologyOf(SITES))).toEqual([
      [0, 100, 10, 100],
      [100, 0, 100, 100],
      [10, 100, 0, 100],
      [100, 100, 100, 0],
    ])
  })

  it('does not treat two sites without a region as one region', () => {
    expect(costs(topologyOf('sites: { a: {}, b: {} }'))).toEqual([
      [0, 100],
      [100, 0],
    ])
  })

  it('applies the cost of a link to both directions', () => {
    const topology = topologyOf(`${SITES}links: [{ between: [ams, nyc], cost: 2.5 }]\n`)
    expect([topology.cost(1, 2), topology.cost(2, 1), topology.cost(0, 2)]).toEqual([2.5, 2.5, 10])
  })

  it('falls back to the trackers of the other sites, nearest first', () => {
    const topology = topologyOf(SITES)
    expect(fallback(topology, 'fra')).toEqual(['t1.ams', 't1.nyc'])
    expect(fallback(topology, 'nyc')).toEqual(['t1.fra', 't2.fra', 't1.ams'])
    expect(fallback(topology, 'ams')).toEqual(['t1.fra', 't2.fra', 't1.nyc'])
  })

  it('falls back to the trackers of the file, without those of the site itself', () => {
    const given = 'fallback: { trackers: [http://t0.example/announce, http://row-b.fra.example/announce] }'
    const topology = topologyOf(`${SITES}${given}\n`)
    expect(fallback(topology, 'fra')).toEqual(['t0'])
    expect(fallback(topology, 'lab')).toEqual(['t0', 'row-b.fra'])
  })

  it('gives isolated addresses the trackers of all sites as fallback', () => {
    const topology = topologyOf(`${SITES}unmapped: isolate\n`)
    expect(fallback(topology, 'unmapped')).toEqual(['t1.fra', 't2.fra', 't1.nyc', 't1.ams'])
  })

  it('lists a tracker of several sites once', () => {
    const shared = 'trackers: [http://t.example/announce]'
    const topology = topologyOf(`sites: { a: {}, b: { ${shared} }, c: { ${shared} } }`)
    expect([fallback(topology, 'a'), fallback(topology, 'b')]).toEqual([['t'], []])
  })

  it('accepts at most 1,000 sites', () => {
    const sites = (count: number) =>
      `sites:\n${Array.from({ length: count }, (_, index) => `  s${index}: {}\n`).join('')}`
    expect(topologyOf(sites(1_000)).sites).toHaveLength(1_000)
    expect(() => topologyOf(sites(1_001))).toThrow('more than 1000 sites')
  })
})
