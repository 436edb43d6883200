/** Which workers the supervisor takes for hung, tick by tick. */
import { describe, expect, test } from 'vitest'
import { Watchdog } from '../../../src/daemon/workers/watchdog.ts'

function aWatchdog(...workers: readonly string[]): Watchdog<string> {
  const watchdog = new Watchdog<string>()
  for (const worker of workers) watchdog.watch(worker)
  return watchdog
}

/** So many ticks in which these answer and all others are silent; who was found to hang. */
function pass(watchdog: Watchdog<string>, ticks: number, answering: readonly string[] = []): string[] {
  const hung: string[] = []
  for (let tick = 0; tick < ticks; tick++) {
    hung.push(...watchdog.tick().hung)
    for (const worker of answering) watchdog.heard(worker)
  }
  return hung
}

describe('a worker', () => {
  test('is asked at every tick', () => {
    const watchdog = aWatchdog('one', 'two')
    expect(watchdog.tick().toAsk).toEqual(['one', 'two'])
    watchdog.heard('one')
    expect(watchdog.tick().toAsk).toEqual(['one', 'two'])
  })

  test('that answers never hangs', () => {
    expect(pass(aWatchdog('one'), 1_000, ['one'])).toEqual([])
  })

  test('that has been silent for 15 ticks is left alone, and hangs at the next', () => {
    const watchdog = aWatchdog('one', 'two')
    expect(pass(watchdog, 15, ['two'])).toEqual([])
    expect(watchdog.tick()).toEqual({ toAsk: ['two'], hung: ['one'] })
  })

  test('that answers in the last moment begins anew', () => {
    const watchdog = aWatchdog('one')
    expect(pass(watchdog, 15)).toEqual([])
    watchdog.heard('one')
    expect(pass(watchdog, 15)).toEqual([])
    expect(pass(watchdog, 1)).toEqual(['one'])
  })

  test('that hangs is killed once, however long its end takes', () => {
    const watchdog = aWatchdog('one')
    expect(pass(watchdog, 100)).toEqual(['one'])
    watchdog.heard('one')
    expect(pass(watchdog, 100)).toEqual([])
  })

  test('that ended is not asked', () => {
    const watchdog = aWatchdog('one', 'two')
    watchdog.forget('one')
    expect(pass(watchdog, 1_000, ['two'])).toEqual([])
    expect(watchdog.tick().toAsk).toEqual(['two'])
  })

  test('that has not joined is not watched, although it may already say something', () => {
    const watchdog = aWatchdog()
    watchdog.heard('one')
    expect(watchdog.tick()).toEqual({ toAsk: [], hung: [] })
    expect(pass(watchdog, 100)).toEqual([])
  })
})
