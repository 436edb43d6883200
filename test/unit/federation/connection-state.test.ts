import { expect, test } from 'vitest'
import { ManualClock } from '../../../src/core/clock.ts'
import { RemoteStateMachine } from '../../../src/federation/connection-state.ts'

function heardOnce(): { clock: ManualClock; site: RemoteStateMachine } {
  const clock = new ManualClock()
  const site = new RemoteStateMachine(clock)
  site.heard()
  site.complete()
  return { clock, site }
}

test('a site is cut until it has said all', () => {
  const site = new RemoteStateMachine(new ManualClock())
  expect(site.state).toBe('cut')
  site.heard()
  expect(site.state).toBe('cut')
  site.complete()
  expect(site.state).toBe('up')
})

test('silence makes it late after three seconds, and cut after five', () => {
  const { clock, site } = heardOnce()
  clock.advanceMs(2_999)
  expect([site.look(), site.state]).toEqual([false, 'up'])
  clock.advanceMs(1)
  expect([site.look(), site.state]).toEqual([false, 'late'])
  clock.advanceMs(2_000)
  expect([site.look(), site.state]).toEqual([true, 'cut'])
  expect([site.look(), site.ageSeconds]).toEqual([false, 5])
})

test('a stream that broke leaves it late: its other nodes may answer in a moment', () => {
  const { site } = heardOnce()
  site.broken('ended')
  expect([site.state, site.reason]).toEqual(['late', 'ended'])
  site.complete()
  expect(site.state).toBe('up')
})

test('it is cut at once where none of its nodes can be reached', () => {
  const { site } = heardOnce()
  site.broken('ended')
  site.unreachable('refused')
  expect([site.state, site.reason]).toEqual(['cut', 'refused'])
})
