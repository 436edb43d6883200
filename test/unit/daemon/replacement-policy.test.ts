/** Delay until an exited worker is replaced, and the conditions under which the node gives up. */
import { describe, expect, test } from 'vitest'
import { ReplacementPolicy, type WorkerExit } from '../../../src/daemon/workers/replacement-policy.ts'

const killed: WorkerExit = { readyMs: 60_000, hasExplained: false, othersReady: 1 }
const neverReady: WorkerExit = { readyMs: undefined, hasExplained: false, othersReady: 1 }

describe('a worker that exited', () => {
  test('is replaced a tenth of a second later', () => {
    expect(new ReplacementPolicy().afterExit(killed)).toBe(100)
  })

  test('is replaced as quickly the next day', () => {
    const policy = new ReplacementPolicy()
    expect([policy.afterExit(killed), policy.afterExit(killed), policy.afterExit(killed)]).toEqual([
      100, 100, 100,
    ])
  })

  test('is replaced after increasing delays when it exits repeatedly, without limit while another one is ready', () => {
    const policy = new ReplacementPolicy()
    const delays = Array.from({ length: 9 }, () => policy.afterExit(neverReady))
    expect(delays).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000])
  })

  test('is replaced even if it was the last one, because it had been ready', () => {
    expect(new ReplacementPolicy().afterExit({ readyMs: 5, hasExplained: false, othersReady: 0 })).toBe(100)
  })
})

describe('without a ready worker', () => {
  test('the third failure in a row ends the node', () => {
    const policy = new ReplacementPolicy()
    const crash = { ...neverReady, othersReady: 0 }
    expect([policy.afterExit(crash), policy.afterExit(crash), policy.afterExit(crash)]).toEqual([
      100,
      200,
      'give-up',
    ])
  })

  test('a failure that has been explained ends it at once', () => {
    const policy = new ReplacementPolicy()
    expect(policy.afterExit({ readyMs: undefined, hasExplained: true, othersReady: 0 })).toBe('give-up')
  })

  test('and with one, an explained failure is tried again', () => {
    expect(new ReplacementPolicy().afterExit({ ...neverReady, hasExplained: true })).toBe(100)
  })
})
