/** Readiness says which check decided, and an outage that announces survive does not take the node out. */
import { describe, expect, test } from 'vitest'
import { type Check, Health } from '../../../src/observe/health.ts'

describe('readiness', () => {
  test('is given while every required check is ok', () => {
    expect(new Health([restored]).readiness()).toEqual({
      isReady: true,
      body: 'ok   restored: read 12 peers.\nready\n',
    })
  })

  test('is refused as soon as one required check fails, and says which', () => {
    expect(new Health([restored, draining, storeAway]).readiness()).toEqual({
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

  test('stays while only the store is away, and says so', () => {
    expect(new Health([restored, storeAway]).readiness()).toEqual({
      isReady: true,
      body: 'ok   restored: read 12 peers.\nwarn store: the disk is full.\nready\n',
    })
  })

  test('is read anew each time', () => {
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
const storeAway: Check = {
  name: 'store',
  isRequired: false,
  read: () => ({ isOk: false, sentence: 'the disk is full.' }),
}
