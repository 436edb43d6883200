/** Transport of a carried torrent at a site: by carriers, or by gateways where its carrier finds no source. */
import { expect, test } from 'vitest'
import {
  type ReportedSite,
  SiteStates,
  type SourceElsewhere,
} from '../../../src/daemon/carriage/site-states.ts'

const TORRENT = Buffer.alloc(20, 1)

function aSite() {
  const world: { nowMs: number; report: ReportedSite | undefined; source: SourceElsewhere } = {
    nowMs: 0,
    report: undefined,
    source: 'connected',
  }
  const states = new SiteStates({
    nowMs: () => world.nowMs,
    reportOf: () => world.report,
    sourceElsewhere: () => world.source,
  })
  const passes = (ms: number) => {
    for (let passed = 0; passed < ms; passed += 500) {
      world.nowMs += 500
      states.update(TORRENT, 'fra')
    }
    return states.transportOf(TORRENT, 'fra')
  }
  return { world, states, passes }
}

const fetches = { hasSource: false, upstream: 'ams', needsPieces: true }
const lacks = { hasSource: false, upstream: undefined, needsPieces: true }

test('a site settles until its carrier has an upstream', () => {
  const { world, states, passes } = aSite()
  expect(states.transportOf(TORRENT, 'fra')).toBe('settling')
  expect(passes(1_000)).toBe('settling')
  world.report = fetches
  expect(passes(500)).toBe('carried')
})

test('a site without any source elsewhere does not wait for one, and has no gateway', () => {
  const { world, passes } = aSite()
  world.source = undefined
  expect(passes(60_000)).toBe('carried')
})

test('gateways fetch where the carrier finds no upstream within three seconds, until it finds one', () => {
  const { world, states, passes } = aSite()
  world.report = lacks
  expect(passes(3_000)).toBe('settling')
  expect(passes(1_000)).toBe('direct')
  world.report = fetches
  expect(states.update(TORRENT, 'fra')).toBe(true)
  expect(states.transportOf(TORRENT, 'fra')).toBe('carried')
})

test('a site whose clients have to connect to the node has ten seconds for it', () => {
  const { world, passes } = aSite()
  world.report = { ...lacks, needsPieces: false }
  expect(passes(9_500)).toBe('settling')
  world.report = fetches
  expect(passes(1_000)).toBe('carried')
})

test('gateways fetch for clients that do not connect to the node either', () => {
  const { world, passes } = aSite()
  world.report = { ...lacks, needsPieces: false }
  expect(passes(11_000)).toBe('direct')
})

test('a site that lost its upstream waits while another node takes over from the lost carrier', () => {
  const { world, passes } = aSite()
  world.report = fetches
  passes(1_000)
  world.report = lacks
  expect(passes(6_000)).toBe('carried')
  expect(passes(4_000)).toBe('direct')
})

test('a site that is cut off waits for its return', () => {
  const { world, passes } = aSite()
  world.report = fetches
  passes(1_000)
  world.report = lacks
  world.source = 'cut'
  expect(passes(25_000)).toBe('carried')
  world.report = fetches
  expect(passes(1_000)).toBe('carried')
})

test('a complete site needs no upstream', () => {
  const { world, passes } = aSite()
  world.report = fetches
  passes(1_000)
  world.report = { hasSource: false, upstream: undefined, needsPieces: false }
  expect(passes(60_000)).toBe('carried')
})

test('a change of the transport is reported once', () => {
  const { world, states } = aSite()
  world.report = fetches
  expect(states.update(TORRENT, 'fra')).toBe(true)
  expect(states.update(TORRENT, 'fra')).toBe(false)
})
