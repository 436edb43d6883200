/** Workers that count as hung, tick by tick. */
import { describe, expect, test } from 'vitest'
import { Watchdog } from '../../../src/daemon/workers/watchdog.ts'

function aWatchdog(...workers: readonly string[]): Watchdog<string> {
  const watchdog = new Watchdog<string>()
  for (const worker of workers) watchdog.watch(worker)
  return watchdog
}

/** Runs ticks in which these workers respond and all others are silent. Returns those that hang. */
function pass(watchdog: Watchdog<string>, ticks: number, responding: readonly string[] = []): string[] {
  const hung: string[] = []
  for (let tick = 0; tick < ticks; tick++) {
    hung.push(...watchdog.tick().hung)
    for (const worker of responding) watchdog.reset(worker)
  }
  return hung
}

describe('a worker', () => {
  test('gets a request at every tick', () => {
    const watchdog = aWatchdog('one', 'two')
    expect(watchdog.tick().toProbe).toEqual(['one', 'two'])
    watchdog.reset('one')
    expect(watchdog.tick().toProbe).toEqual(['one', 'two'])
  })

  test('that responds never hangs', () => {
    expect(pass(aWatchdog('one'), 1_000, ['one'])).toEqual([])
  })

  test('that has been silent for 15 ticks does not hang yet, and hangs at the next', () => {
    const watchdog = aWatchdog('one', 'two')
    expect(pass(watchdog, 15, ['two'])).toEqual([])
    expect(watchdog.tick()).toEqual({ toProbe: ['two'], hung: ['one'] })
  })

  test('that responds at the last moment starts from zero', () => {
    const watchdog = aWatchdog('one')
    expect(pass(watchdog, 15)).toEqual([])
    watchdog.reset('one')
    expect(pass(watchdog, 15)).toEqual([])
    expect(pass(watchdog, 1)).toEqual(['one'])
  })

  test('that hangs is reported once, regardless of how long its exit takes', () => {
    const watchdog = aWatchdog('one')
    expect(pass(watchdog, 100)).toEqual(['one'])
    watchdog.reset('one')
    expect(pass(watchdog, 100)).toEqual([])
  })

  test('that exited gets no request', () => {
    const watchdog = aWatchdog('one', 'two')
    watchdog.forget('one')
    expect(pass(watchdog, 1_000, ['two'])).toEqual([])
    expect(watchdog.tick().toProbe).toEqual(['two'])
  })

  test('that has not joined is not watched, although it may already send messages', () => {
    const watchdog = aWatchdog()
    watchdog.reset('one')
    expect(watchdog.tick()).toEqual({ toProbe: [], hung: [] })
    expect(pass(watchdog, 100)).toEqual([])
  })
})
