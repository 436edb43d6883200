/** A new topology while peers are in the table: its numbers apply at once, and the peers move in slices. */
import { beforeEach, expect, test } from 'vitest'
import { parseTopology } from '../../../src/config/load-topology.ts'
import { placesAfter } from '../../../src/tracker/places-after.ts'
import { aTracker, TORRENT, type TestTracker } from '../../a-tracker.ts'

const topologyOf = (sites: string) => parseTopology(`sites:\n${sites}`, 'topology.yaml')
const site = (name: string, cidr: string, bubbles: Readonly<Record<string, string>> = {}) =>
  `  ${name}: { cidrs: [${cidr}], trackers: ["http://t/announce"], bubbles: { ${Object.entries(bubbles)
    .map(([bubble, inside]) => `${bubble}: { cidrs: [${inside}] }`)
    .join(', ')} } }\n`

const FRA = site('fra', '127.1.0.0/16', { a: '127.1.1.0/24', b: '127.1.2.0/24' })
const AMS = site('ams', '127.2.0.0/16')

let tracker: TestTracker

beforeEach(() => {
  tracker = aTracker({ topology: topologyOf(FRA + AMS) })
  for (const host of ['127.1.1.1', '127.1.2.1', '127.1.3.1', '127.2.1.1', '127.2.1.2'])
    tracker.announce(host, { left: host === '127.2.1.1' ? 0 : 1_000_000 })
})

/** Peers by site and bubble, as the table lists and counts them. */
function peers(): Record<string, number> {
  const { table, topology } = tracker
  const listed: Record<string, number> = {}
  const name = (place: number) =>
    `${topology.value.places[place]?.site.name} ${topology.value.places[place]?.bubble}`
  for (const of of table.swarm(TORRENT)?.sites ?? [])
    for (const list of of.lists) {
      expect(topology.value.places[list.place]?.site.index).toBe(of.site)
      for (const row of list.all(table.rows)) {
        expect(table.rows.place(row)).toBe(list.place)
        listed[name(list.place)] = (listed[name(list.place)] ?? 0) + 1
      }
    }
  const counted = Object.fromEntries(
    topology.value.places
      .map(({ index }) => [name(index), table.placeCounts.ofPlace(index)] as const)
      .map(([of, { seeds, leechers }]) => [of, seeds + leechers] as const)
      .filter(([, count]) => count > 0),
  )
  expect(counted).toEqual(listed)
  for (const { site: index, peers: count } of table.swarm(TORRENT)?.sites ?? [])
    expect(table.placeCounts.ofSite(index).swarms).toBe(count > 0 ? 1 : 0)
  return listed
}

const settle = () => {
  while (tracker.table.relocation.step(1)) peers()
}

test('places with other numbers keep their peers, without a step', () => {
  tracker.topology.replace(topologyOf(site('aaa', '127.9.0.0/16', { z: '127.9.1.0/24' }) + AMS + FRA))
  const expected = { 'fra a': 1, 'fra b': 1, 'fra -': 1, 'ams -': 2 }
  expect(peers()).toEqual(expected)
  settle()
  expect(peers()).toEqual(expected)
})

test('peers of a bubble that is removed or split move inside their site, and the gateway stays gateway', () => {
  const before = tracker.announce('127.1.1.1').peers
  expect(before).toContain('127.2.1.1:6881')
  const split = site('fra', '127.1.0.0/16', { b: '127.1.2.0/24', c: '127.1.1.0/25', d: '127.1.3.0/24' })
  tracker.topology.replace(topologyOf(AMS + split))
  expect(peers()).toEqual({ 'fra -': 2, 'fra b': 1, 'ams -': 2 })
  settle()
  expect(peers()).toEqual({ 'fra c': 1, 'fra b': 1, 'fra d': 1, 'ams -': 2 })
  expect(tracker.announce('127.1.1.1').peers).toContain('127.2.1.1:6881')
})

test('peers of a renamed site are in the site with the new name at once', () => {
  tracker.topology.replace(topologyOf(FRA.replace('fra', 'frankfurt') + AMS))
  expect(peers()).toEqual({ 'frankfurt a': 3, 'ams -': 2 })
  settle()
  expect(peers()).toEqual({ 'frankfurt a': 1, 'frankfurt b': 1, 'frankfurt -': 1, 'ams -': 2 })
})

test('the peers of two sites that become one are in one list for each place and role', () => {
  tracker.announce('127.1.1.1')
  tracker.topology.replace(topologyOf(site('fra', '127.0.0.0/8')))
  expect(peers()).toEqual({ 'fra -': 5 })
  settle()
  expect(peers()).toEqual({ 'fra -': 5 })
  expect(tracker.table.placeCounts.ofSite(0).gateways).toBe(
    tracker.table.swarm(TORRENT)?.site(0)?.gateways.length,
  )
})

test('peers without a place in the new topology are removed, those of a removed site before the change too', () => {
  const after = topologyOf(site('fra', '127.1.1.0/24'))
  const places = placesAfter(after, tracker.topology.value)
  let row: number | undefined = 0
  while (row !== undefined) row = tracker.table.relocation.dropUnplaced(places, row, 1)
  expect(peers()).toEqual({ 'fra a': 1, 'fra b': 1, 'fra -': 1 })
  tracker.topology.replace(after)
  expect(peers()).toEqual({ 'fra -': 3 })
  settle()
  expect(peers()).toEqual({ 'fra -': 1 })
})

test('an announce between two steps is at its place, and so is a peer that arrives', () => {
  tracker.topology.replace(topologyOf(site('fra', '127.1.0.0/16', { e: '127.1.3.0/24' }) + AMS))
  tracker.announce('127.1.3.1')
  tracker.announce('127.1.3.2')
  expect(peers()).toEqual({ 'fra -': 2, 'fra e': 2, 'ams -': 2 })
  settle()
  expect(peers()).toEqual({ 'fra -': 2, 'fra e': 2, 'ams -': 2 })
})
