import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { LinkLimits } from '../../../src/daemon/link-limits.ts'
import { LinkRates } from '../../../src/registry/link-rates.ts'
import { CurrentTopology } from '../../../src/topology/current-topology.ts'
import type { SiteLink } from '../../../src/topology/topology.ts'
import { anOverrideStore } from '../../an-override-store.ts'
import { aTopology } from '../../a-topology.ts'

const OPEN: SiteLink = { carry: 'nodes', rate: undefined, hours: undefined }

/** A node of fra, or of all sites. Collects what it sets, and the events that it logs. */
function aNode(link: SiteLink, options: { readonly share?: number; readonly isOfAllSites?: boolean } = {}) {
  const clock = new ManualClock(Date.parse('2026-03-02T12:00:00Z'))
  const topology = new CurrentTopology(aTopology({ link: (a, b) => (a + b === 1 ? link : OPEN) }))
  const rates = new LinkRates({ store: anOverrideStore(), clock })
  const set: (readonly [string, number | undefined])[] = []
  const events: string[] = []
  let shareTo = options.share ?? 1
  const limits = new LinkLimits({
    topology,
    rates,
    site: options.isOfAllSites === true ? undefined : 'fra',
    clock,
    log: {
      debug() {},
      info: (fields) => void events.push(`${fields.event} ${String(fields['to'])}`),
      warn() {},
      error() {},
    },
    shareTo: () => shareTo,
    setRate: ({ from, to }, bytesPerSecond) =>
      void set.push([from === 'fra' ? to : `${from} ${to}`, bytesPerSecond]),
  })
  limits.compare()
  const advance = (ms: number) => {
    clock.advanceMs(ms)
    limits.compare()
  }
  return { limits, topology, rates, set, events, advance, share: (to: number) => void (shareTo = to) }
}

test('sends the rate of the topology once', () => {
  const { set, limits } = aNode({ ...OPEN, rate: 25_000_000 })
  limits.compare()
  expect(set).toEqual([['ams', 25_000_000]])
})

test('stops content outside of the hours of the link, and continues when they begin', () => {
  const hours = { beginMinute: 20 * 60, endMinute: 6 * 60, zone: 'UTC' }
  const { set, events, advance } = aNode({ ...OPEN, rate: 25_000_000, hours })
  advance(8 * 3_600_000)
  advance(10 * 3_600_000)
  expect(set).toEqual([
    ['ams', 0],
    ['ams', 25_000_000],
    ['ams', 0],
  ])
  expect(events).toEqual(['link-closed ams', 'link-opened ams', 'link-closed ams'])
})

test('replaces the rate at once when an operator sets one, and returns to that of the topology', async () => {
  const { set, rates } = aNode({ ...OPEN, rate: 25_000_000 })
  await rates.set(['ams', 'fra'], 5_000_000)
  await rates.set(['ams', 'fra'], 0)
  await rates.set(['ams', 'fra'], undefined)
  expect(set.map(([, rate]) => rate)).toEqual([25_000_000, 5_000_000, 0, 25_000_000])
})

test('keeps the hours of a link whose rate an operator set', async () => {
  const hours = { beginMinute: 20 * 60, endMinute: 6 * 60, zone: 'UTC' }
  const { set, rates } = aNode({ ...OPEN, hours })
  await rates.set(['ams', 'fra'], 5_000_000)
  expect(set).toEqual([['ams', 0]])
})

test('follows a reload of the topology, and lifts the limit of a site that is removed', () => {
  const { set, topology } = aNode({ ...OPEN, rate: 25_000_000 })
  topology.replace(aTopology({ link: () => ({ ...OPEN, rate: 1_000 }) }))
  topology.replace(aTopology({ siteNames: ['fra', 'ams'], link: () => ({ ...OPEN, rate: 1_000 }) }))
  expect(set).toEqual([
    ['ams', 25_000_000],
    ['ams', 1_000],
    ['nyc', 1_000],
    ['nyc', undefined],
  ])
})

test('sends at its share of the rate', () => {
  const { set, share, limits } = aNode({ ...OPEN, rate: 25_000_000 }, { share: 0.5 })
  share(1)
  limits.compare()
  expect(set.map(([, rate]) => rate)).toEqual([12_500_000, 25_000_000])
})

test('a node that carries for all sites limits both directions of a link', async () => {
  const { set, rates } = aNode({ ...OPEN, rate: 25_000_000 }, { isOfAllSites: true })
  await rates.set(['ams', 'nyc'], 5_000_000)
  expect(set).toEqual([
    ['ams', 25_000_000],
    ['ams fra', 25_000_000],
    ['ams nyc', 5_000_000],
    ['nyc ams', 5_000_000],
  ])
})
