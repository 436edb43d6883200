/** When a worker that ended is replaced, and when the node gives up. */
import { describe, expect, test } from 'vitest'
import { ReplacementPolicy, type WorkerEnd } from '../../../src/daemon/workers/replacement-policy.ts'

const killed: WorkerEnd = { readyMs: 60_000, hasExplained: false, othersReady: 1 }
const neverReady: WorkerEnd = { readyMs: undefined, hasExplained: false, othersReady: 1 }

describe('a worker that ended', () => {
  test('is replaced a tenth of a second later', () => {
    expect(new ReplacementPolicy().afterEnd(killed)).toBe(100)
  })

  test('is replaced as quickly the next day', () => {
    const policy = new ReplacementPolicy()
    expect([policy.afterEnd(killed), policy.afterEnd(killed), policy.afterEnd(killed)]).toEqual([
      100, 100, 100,
    ])
  })

  test('is replaced later and later when it dies again and again, but never given up while another one answers', () => {
    const policy = new ReplacementPolicy()
    const delays = Array.from({ length: 9 }, () => policy.afterEnd(neverReady))
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
  })

  test('is replaced even if it was the last one, because it had been ready', () => {
    expect(new ReplacementPolicy().afterEnd({ readyMs: 5, hasExplained: false, othersReady: 0 })).toBe(100)
  })
})

describe('with nobody ready', () => {
  test('the third failure in a row ends the node', () => {
    const policy = new ReplacementPolicy()
    const crash = { ...neverReady, othersReady: 0 }
    expect([policy.afterEnd(crash), policy.afterEnd(crash), policy.afterEnd(crash)]).toEqual([
      100,
      200,
      'give-up',
    ])
  })

  test('a failure that has been explained ends it at once', () => {
    const policy = new ReplacementPolicy()
    expect(policy.afterEnd({ readyMs: undefined, hasExplained: true, othersReady: 0 })).toBe('give-up')
  })

  test('while somebody is, an explained failure is tried again', () => {
    expect(new ReplacementPolicy().afterEnd({ ...neverReady, hasExplained: true })).toBe(100)
  })
})
