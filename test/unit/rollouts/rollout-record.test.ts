/** Records of a store to which something else than a node has written. */
import { expect, test } from 'vitest'
import { readRecord, writeRecord } from '../../../src/rollouts/rollout-record.ts'
import { aRollout } from '../../a-rollout.ts'

const measured = aRollout()
measured.seed('127.1.1.1')
measured.join('127.1.1.2')
measured.pass(2)
const written = writeRecord(measured.rollouts.restore(measured.torrent), () => [])

test('a record is read as it was written', () => {
  expect(readRecord(written)).toEqual(JSON.parse(written))
})

test.each([
  ['registered at a time without a date', /"registeredAtMs":\d+/, '"registeredAtMs":1e300'],
  ['removed at a time without a date', /"registeredAtMs":/, '"removedAtMs":-1,"registeredAtMs":'],
  ['begun at a time without a date', /"startedAtMs":\d+(?=[^{}]*"received")/, '"startedAtMs":1e300'],
  ['with more bytes than a number has', /"sizeBytes":\d+/, '"sizeBytes":1e308'],
  ['received more than a number has', /"received":\[/, '"received":[["ams",1e308]'],
  [
    'with a host that was seen at a time without a date',
    /"hosts":\[\]/,
    '"hosts":[["127.1.1.9",6881,"row-a",1,"observed",true,false,1e300]]',
  ],
])('a rollout %s is not a record, because each list with it would fail', (_case, part, by) => {
  const changed = written.replace(part, by)
  expect(changed).not.toBe(written)
  expect(readRecord(changed)).toBeUndefined()
})
