import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { ConnectionStateMachine } from '../../../src/federation/connection-state.ts'

function aLiveSite(): { clock: ManualClock; site: ConnectionStateMachine } {
  const clock = new ManualClock()
  const site = new ConnectionStateMachine(clock)
  site.received()
  site.complete()
  return { clock, site }
}

test('a site is down until its full state has arrived', () => {
  const site = new ConnectionStateMachine(new ManualClock())
  expect(site.state).toBe('down')
  site.received()
  expect(site.state).toBe('down')
  site.complete()
  expect(site.state).toBe('up')
})

test('without messages it is stale after three seconds, and down after five', () => {
  const { clock, site } = aLiveSite()
  clock.advanceMs(2_999)
  expect([site.poll(), site.state]).toEqual([false, 'up'])
  clock.advanceMs(1)
  expect([site.poll(), site.state]).toEqual([false, 'stale'])
  clock.advanceMs(2_000)
  expect([site.poll(), site.state]).toEqual([true, 'down'])
  expect([site.poll(), site.ageSeconds]).toEqual([false, 5])
})

test('after a broken stream it is stale: its other nodes may answer in a moment', () => {
  const { site } = aLiveSite()
  site.broken('ended')
  expect([site.state, site.reason]).toEqual(['stale', 'ended'])
  site.complete()
  expect(site.state).toBe('up')
})

test('it is down at once where none of its nodes is reachable', () => {
  const { site } = aLiveSite()
  site.broken('ended')
  site.unreachable('refused')
  expect([site.state, site.reason]).toEqual(['down', 'refused'])
})
