import { describe, expect, it } from 'vitest'
import { announceTiers } from '../../../src/topology/announce-tiers.ts'
import type { Place, Topology } from '../../../src/topology/topology.ts'
import { aTopology } from '../../a-topology.ts'

function tiersOf(trackers: {
  readonly bubble?: readonly string[]
  readonly site?: readonly string[]
  readonly fallback?: readonly string[]
}): string[][] {
  const topology: Topology = { ...aTopology(), fallbackTrackers: () => trackers.fallback ?? [] }
  const place = topology.places[1] as Place
  return announceTiers(topology, {
    ...place,
    trackers: trackers.bubble ?? [],
    site: { ...place.site, trackers: trackers.site ?? [] },
  })
}

describe('the announce tiers of a place', () => {
  it('are the trackers of the bubble, of the site, then the fallback tier', () => {
    expect(
      tiersOf({ bubble: ['http://b'], site: ['http://s1', 'http://s2'], fallback: ['http://f'] }),
    ).toEqual([['http://b'], ['http://s1', 'http://s2'], ['http://f']])
  })

  it('start with the site if the bubble has no trackers', () => {
    expect(tiersOf({ site: ['http://s1'], fallback: ['http://f1', 'http://f2'] })).toEqual([
      ['http://s1'],
      ['http://f1', 'http://f2'],
    ])
  })

  it('end with the fallback trackers of the site', () => {
    const topology: Topology = { ...aTopology(), fallbackTrackers: (site) => [`http://for-${site.name}`] }
    expect(announceTiers(topology, topology.places[5] as Place)).toEqual([
      ['http://127.2.0.1:6969/announce'],
      ['http://for-ams'],
    ])
  })

  it('contain each tracker once, in the nearest tier, and no empty tier', () => {
    expect(
      tiersOf({ bubble: ['http://x', 'http://x'], site: ['http://x'], fallback: ['http://f', 'http://x'] }),
    ).toEqual([['http://x'], ['http://f']])
  })

  it('are empty if the topology has no trackers', () => {
    expect(tiersOf({})).toEqual([])
  })
})
