/** The supervisor with a fake clock and scripted workers: the workers that it kills, and those that it does not. */
import type { Worker } from 'node:cluster'
import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type {
  ToSupervisor,
  ToWorker,
  WorkerRequest,
  WorkerResults,
} from '../../../src/daemon/workers/messages.ts'
import { Supervisor } from '../../../src/daemon/workers/supervisor.ts'

const ADDRESSES = { http: 'http://127.0.0.1:1', udp: 'udp://127.0.0.1:2', admin: 'http://127.0.0.1:3' }

/** Responds to requests until it hangs; exits when it is killed. */
class ScriptedWorker extends EventEmitter {
  readonly number: number
  readonly received: string[] = []
  isHanging = false
  readonly signals: string[] = []
  readonly process = {
    kill: (signal: string) => {
      this.signals.push(signal)
      this.emit('exit', null, signal)
    },
  }

  constructor(number: number) {
    super()
    this.number = number
  }

  isConnected(): boolean {
    return true
  }

  send(message: ToWorker): void {
    if (this.isHanging) return
    this.received.push(message.kind === 'request' ? message.request : message.kind)
    if (message.kind === 'stop') this.emit('exit', 0, null)
    if (message.kind === 'request')
      this.sendUp({ kind: 'response', id: message.id, result: this.resultOf(message.request) })
  }

  resultOf(request: WorkerRequest): WorkerResults[WorkerRequest] {
    return request === 'reload' ? { sites: 1 } : { isReady: true, checks: [] }
  }

  sendUp(message: ToSupervisor): void {
    this.emit('message', message)
  }

  becomeReady(): void {
    this.sendUp({ kind: 'joined' })
    this.sendUp({ kind: 'ready', addresses: ADDRESSES })
  }
}

/** The first of the processes is the owner of the swarm table. */
function aSupervisor(processes: number) {
  const started: ScriptedWorker[] = []
  const events: unknown[] = []
  const record = (fields: object) => void events.push('event' in fields ? fields.event : undefined)
  const supervisor = new Supervisor({
    workers: processes - 1,
    log: { debug: record, info: record, warn: record, error: record },
    fork: (number) => {
      const worker = new ScriptedWorker(number)
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
    const [stuck, other] = started as [ScriptedWorker, ScriptedWorker]
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

  test('and then continues is not killed', () => {
    const { started } = aSupervisor(1)
    const [worker] = started as [ScriptedWorker]
    worker.becomeReady()
    for (let times = 0; times < 5; times++) {
      worker.isHanging = true
      vi.advanceTimersByTime(14_000)
      worker.isHanging = false
      vi.advanceTimersByTime(2_000)
    }
    expect(worker.signals).toEqual([])
  })

  test('because it still reads its files is not killed', () => {
    const { started } = aSupervisor(1)
    vi.advanceTimersByTime(600_000)
    expect(started.map(({ signals }) => signals)).toEqual([[]])
  })

  test('because the whole machine was suspended is not killed', () => {
    const { started } = aSupervisor(2)
    for (const worker of started) {
      worker.becomeReady()
      worker.isHanging = true
    }
    vi.advanceTimersByTime(10_000)
    // Every clock is a day later, and no timer has run. The workers need a moment longer to continue.
    vi.setSystemTime(Date.now() + 86_400_000)
    const laterMs = performance.now() + 86_400_000
    vi.spyOn(performance, 'now').mockReturnValue(laterMs)
    vi.advanceTimersByTime(4_000)
    for (const worker of started) worker.isHanging = false
    vi.advanceTimersByTime(60_000)
    expect(started.map(({ signals }) => signals)).toEqual([[], []])
  })
})

test('once the supervisor stops, no worker is killed before the stop deadline', async () => {
  const { supervisor, started } = aSupervisor(1)
  const [worker] = started as [ScriptedWorker]
  worker.becomeReady()
  worker.isHanging = true
  vi.advanceTimersByTime(15_000)
  const stopped = supervisor.stop()
  await vi.advanceTimersByTimeAsync(9_999)
  expect(worker.signals).toEqual([])
  vi.advanceTimersByTime(1)
  expect(worker.signals).toEqual(['SIGKILL'])
  await stopped
})

test('workers are stopped before the owner, which answers their open requests', async () => {
  const { supervisor, started } = aSupervisor(3)
  const order: number[] = []
  for (const worker of started) {
    worker.becomeReady()
    worker.once('exit', () => order.push(worker.number))
  }
  await supervisor.stop()
  expect(order).toEqual([1, 2, 0])
})

test('no worker takes new files where the owner rejects the topology', async () => {
  const { supervisor, started } = aSupervisor(2)
  for (const worker of started) worker.becomeReady()
  const [owner, listener] = started as [ScriptedWorker, ScriptedWorker]
  await supervisor.reload()
  expect(owner.received).toContain('reload')
  expect(listener.received).toContain('reload')
  listener.received.length = 0
  owner.resultOf = () => ({ problems: [] })
  await supervisor.reload()
  expect(listener.received).toEqual([])
})

test('a node whose owner cannot start again is given up, although its workers run', async () => {
  const { supervisor, started } = aSupervisor(2)
  for (const worker of started) worker.becomeReady()
  for (let failures = 0; failures < 3; failures++) {
    started.findLast(({ number }) => number === 0)?.emit('exit', 1, null)
    await vi.advanceTimersByTimeAsync(1_000)
  }
  await expect(supervisor.ended).rejects.toThrow('the workers exit as soon as they start')
})
