/** Readiness names the failed check; an outage that does not stop announces does not make the node unready. */
import { describe, expect, test } from 'vitest'
import { type Check, Health, writeReadiness } from '../../../src/observe/health.ts'

function shown(checks: readonly Check[]) {
  const readiness = new Health(checks).readiness()
  return { isReady: readiness.isReady, body: writeReadiness(readiness) }
}

describe('readiness', () => {
  test('is ready while every required check is ok', () => {
    expect(shown([restored])).toEqual({
      isReady: true,
      body: 'ok   restored: read 12 peers.\nready\n',
    })
  })

  test('is not ready as soon as one required check fails, and names it', () => {
    expect(shown([restored, draining, storeDown])).toEqual({
      isReady: false,
      body: [
        'ok   restored: read 12 peers.',
        'NOT  serving: draining; stops in 20 s.',
        'warn store: the disk is full.',
        'not ready',
        '',
      ].join('\n'),
    })
  })

  test('stays ready while only the store is unavailable, and reports it', () => {
    expect(shown([restored, storeDown])).toEqual({
      isReady: true,
      body: 'ok   restored: read 12 peers.\nwarn store: the disk is full.\nready\n',
    })
  })

  test('runs its checks at each request', () => {
    let isOk = false
    const health = new Health([
      { name: 'restored', isRequired: true, read: () => ({ isOk, sentence: 'reading.' }) },
    ])
    expect(health.readiness().isReady).toBe(false)
    isOk = true
    expect(health.readiness().isReady).toBe(true)
  })
})

const restored: Check = {
  name: 'restored',
  isRequired: true,
  read: () => ({ isOk: true, sentence: 'read 12 peers.' }),
}
const draining: Check = {
  name: 'serving',
  isRequired: true,
  read: () => ({ isOk: false, sentence: 'draining; stops in 20 s.' }),
}
const storeDown: Check = {
  name: 'store',
  isRequired: false,
  read: () => ({ isOk: false, sentence: 'the disk is full.' }),
}
