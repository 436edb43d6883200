/** Connection ids while the secrets of the site change. */
import { expect, test } from 'vitest'
import { ManualClock } from '../../../../src/core/clock.ts'
import { ConnectionProofs } from '../../../../src/server/udp/connection-ids.ts'
import { ConnectionIds } from '../../../../src/wire/udp/connection-id.ts'
import { at } from '../../../a-tracker.ts'

const OLD = Buffer.alloc(32, 'old')
const NEW = Buffer.alloc(32, 'new')
const FROM = at('10.1.1.1')

test('the newest secret signs', () => {
  const clock = new ManualClock()
  const proofs = new ConnectionProofs({ current: () => [NEW, OLD] }, clock)
  expect(new ConnectionIds(NEW, clock).proves(proofs.issue(FROM), FROM)).toBe(true)
})

test('an id from before the secret changed is a proof until it would have been too old anyway', () => {
  const clock = new ManualClock(1_700_000_040_000)
  let secrets: readonly Buffer[] = [OLD]
  const proofs = new ConnectionProofs({ current: () => secrets }, clock)
  const id = proofs.issue(FROM)
  secrets = [NEW, OLD]
  expect(proofs.proves(id, FROM)).toBe(true)
  clock.advanceMs(239_999)
  expect(proofs.proves(id, FROM)).toBe(true)
  clock.advanceMs(1)
  expect(proofs.proves(id, FROM)).toBe(false)
})

test('the older secret proves nothing once no id of it can be alive', () => {
  const clock = new ManualClock()
  const proofs = new ConnectionProofs({ current: () => [NEW, OLD] }, clock)
  expect(proofs.proves(new ConnectionIds(OLD, clock).issue(FROM), FROM)).toBe(true)
  clock.advanceMs(300_001)
  expect(proofs.proves(new ConnectionIds(OLD, clock).issue(FROM), FROM)).toBe(false)
  expect(proofs.proves(new ConnectionIds(NEW, clock).issue(FROM), FROM)).toBe(true)
})
