/** The supervisor on a clock of its own, above workers that are made up: whom it kills, and whom it leaves alone. */
import type { Worker } from 'node:cluster'
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ToSupervisor, ToWorker } from '../../../src/daemon/workers/messages.ts'
import { Supervisor } from '../../../src/daemon/workers/supervisor.ts'

const ADDRESSES = { http: 'http://127.0.0.1:1', udp: 'udp://127.0.0.1:2', admin: 'http://127.0.0.1:3' }

/** Answers what it is asked, until it hangs; ends when it is killed. */
class MadeUpWorker extends EventEmitter {
  isHanging = false
  readonly signals: string[] = []
  readonly process = {
    kill: (signal: string) => {
      this.signals.push(signal)
      this.emit('exit', null, signal)
    },
  }

  isConnected(): boolean {
    return true
  }

  send(message: ToWorker): void {
    if (this.isHanging) return
    if (message.kind === 'stop') this.emit('exit', 0, null)
    if (message.kind === 'ask')
      this.say({ kind: 'answer', id: message.id, answer: { isReady: true, body: 'ready\n' } })
  }

  say(message: ToSupervisor): void {
    this.emit('message', message)
  }

  becomeReady(): void {
    this.say({ kind: 'joined' })
    this.say({ kind: 'ready', addresses: ADDRESSES })
  }
}

function aSupervisor(workers: number) {
  const started: MadeUpWorker[] = []
  const events: unknown[] = []
  const note = (fields: object) => void events.push('event' in fields ? fields.event : undefined)
  const supervisor = new Supervisor({
    workers,
    log: { debug: note, info: note, warn: note, error: note },
    fork: () => {
      const worker = new MadeUpWorker()
      started.push(worker)
      return worker as unknown as Worker
    },
  })
  void supervisor.start()
  return { supervisor, started, events }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => {
  vi.restoreAllMocks()
  vi.useRealTimers()
})

describe('a worker that stops answering', () => {
  test('is killed after 16 s and replaced, and the others are not', () => {
    const { started, events } = aSupervisor(2)
    for (const worker of started) worker.becomeReady()
    const [stuck, other] = started as [MadeUpWorker, MadeUpWorker]
    stuck.isHanging = true
    vi.advanceTimersByTime(15_999)
    expect(stuck.signals).toEqual([])
    vi.advanceTimersByTime(1)
    expect(stuck.signals).toEqual(['SIGKILL'])
    vi.advanceTimersByTime(60_000)
    expect(other.signals).toEqual([])
    expect(started).toHaveLength(3)
    expect(events).toEqual(['ready', 'workers-ready', 'worker-hung', 'worker-ended'])
  })

  test('and then goes on is left alone', () => {
    const { started } = aSupervisor(1)
    const [worker] = started as [MadeUpWorker]
    worker.becomeReady()
    for (let times = 0; times < 5; times++) {
      worker.isHanging = true
      vi.advanceTimersByTime(14_000)
      worker.isHanging = false
      vi.advanceTimersByTime(2_000)
    }
    expect(worker.signals).toEqual([])
  })

  test('because it is still reading its files is left alone', () => {
    const { started } = aSupervisor(1)
    vi.advanceTimersByTime(600_000)
    expect(started.map(({ signals }) => signals)).toEqual([[]])
  })

  test('because the whole machine stood still is left alone', () => {
    const { started } = aSupervisor(2)
    for (const worker of started) {
      worker.becomeReady()
      worker.isHanging = true
    }
    vi.advanceTimersByTime(10_000)
    // It is a day later on every clock, and no timer has run. The workers take a moment longer to come back.
    vi.setSystemTime(Date.now() + 86_400_000)
    const laterMs = performance.now() + 86_400_000
    vi.spyOn(performance, 'now').mockReturnValue(laterMs)
    vi.advanceTimersByTime(4_000)
    for (const worker of started) worker.isHanging = false
    vi.advanceTimersByTime(60_000)
    expect(started.map(({ signals }) => signals)).toEqual([[], []])
  })
})

test('once it stops, nobody is killed before the time that stopping may take', async () => {
  const { supervisor, started } = aSupervisor(1)
  const [worker] = started as [MadeUpWorker]
  worker.becomeReady()
  worker.isHanging = true
  vi.advanceTimersByTime(15_000)
  const stopped = supervisor.stop()
  vi.advanceTimersByTime(9_999)
  expect(worker.signals).toEqual([])
  vi.advanceTimersByTime(1)
  expect(worker.signals).toEqual(['SIGKILL'])
  await stopped
})
