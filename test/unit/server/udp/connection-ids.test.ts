/** Connection ids while the secrets of the site change. */
import { expect, test } from 'vitest'
import { ManualClock } from '../../../../src/core/clock.ts'
import { ConnectionIdRing } from '../../../../src/server/udp/connection-ids.ts'
import { ConnectionIds } from '../../../../src/wire/udp/connection-id.ts'
import { at } from '../../../a-tracker.ts'

const OLD = Buffer.alloc(32, 'old')
const NEW = Buffer.alloc(32, 'new')
const FROM = at('10.1.1.1')

test('the newest secret signs', () => {
  const clock = new ManualClock()
  const ring = new ConnectionIdRing({ current: () => [NEW, OLD] }, clock)
  expect(new ConnectionIds(NEW, clock).verify(ring.issue(FROM), FROM)).toBe(true)
})

test('an id from before the secret changed is valid until it expires', () => {
  const clock = new ManualClock(1_700_000_040_000)
  let secrets: readonly Buffer[] = [OLD]
  const ring = new ConnectionIdRing({ current: () => secrets }, clock)
  const id = ring.issue(FROM)
  secrets = [NEW, OLD]
  expect(ring.verify(id, FROM)).toBe(true)
  clock.advanceMs(239_999)
  expect(ring.verify(id, FROM)).toBe(true)
  clock.advanceMs(1)
  expect(ring.verify(id, FROM)).toBe(false)
})

test('an id of five minutes is not valid, and a new one is', () => {
  const clock = new ManualClock()
  const ring = new ConnectionIdRing({ current: () => [NEW] }, clock)
  const id = ring.issue(FROM)
  clock.advanceMs(326_000)
  expect(ring.verify(id, FROM)).toBe(false)
  expect(ring.verify(ring.issue(FROM), FROM)).toBe(true)
})

test('the older secret is dropped once no id of it can be valid', () => {
  const clock = new ManualClock()
  const ring = new ConnectionIdRing({ current: () => [NEW, OLD] }, clock)
  expect(ring.verify(new ConnectionIds(OLD, clock).issue(FROM), FROM)).toBe(true)
  clock.advanceMs(300_001)
  expect(ring.verify(new ConnectionIds(OLD, clock).issue(FROM), FROM)).toBe(false)
  expect(ring.verify(new ConnectionIds(NEW, clock).issue(FROM), FROM)).toBe(true)
})
