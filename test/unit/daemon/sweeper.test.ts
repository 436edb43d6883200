/** The removal of expired peers, which must not stop the announces of a large table. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, it, vi } from 'vitest'
import { Sweeper } from '../../../src/daemon/sweeper.ts'
import { aTracker } from '../../a-tracker.ts'

const PEERS = 2_500

afterEach(() => vi.useRealTimers())

it('drops every expired peer within ten seconds, and no more than 150 in one turn of the event loop', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] })
  const { table, clock, announce } = aTracker()
  for (let host = 0; host < PEERS; host++)
    announce(`127.${1 + (host % 3)}.1.${1 + (host % 250)}`, { port: 7_000 + host })
  announce('127.1.1.255', { left: 0 })
  clock.advanceMs(3 * 3_600_000)
  announce('127.2.1.255', { left: 0 })

  const sweeper = new Sweeper({
    table,
    clock,
    tracker: { tick: () => {} },
    replica: { tick: () => {} },
    rollouts: { tick: () => {} },
  })
  sweeper.start()
  let most = 0
  for (let second = 0; second < 10; second++) {
    let before = table.rows.live
    vi.advanceTimersByTime(1_000)
    for (let turn = 0; turn < 20; turn++) {
      most = Math.max(most, before - table.rows.live)
      before = table.rows.live
      await nextTurn()
    }
  }
  sweeper.stop()
  expect(table.rows.live).toBe(1)
  expect(most).toBeGreaterThanOrEqual(100)
  expect(most).toBeLessThanOrEqual(150)
})
