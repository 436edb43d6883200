/**
 * The process above the workers of a node. It answers no announce: it starts workers, replaces those that end, kills
 * those that hang, carries questions from one to all, and tells them to stop.
 *
 * What keeps it alive is that it does so little. The listening sockets are the kernel's, shared by all workers
 * (see start-workers.ts), so not even a connection passes through here.
 */
import type { Worker } from 'node:cluster'
import { elapsedMs } from '../../core/clock.ts'
import { ConfigError, InputError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { MetricReading } from '../../observe/metrics.ts'
import { METRIC_PREFIX } from '../../observe/metrics-table.ts'
import { ExitedWorkerCounters } from '../../observe/exited-worker-counters.ts'
import type { NodeAddresses } from '../node.ts'
import type { Answers, WorkerResponse, Question, StartFailure, ToSupervisor, ToWorker } from './messages.ts'
import { ReplacementPolicy } from './replacement-policy.ts'
import { SILENT_TICKS_MAX, TICK_MS, Watchdog } from './watchdog.ts'

/** Prometheus waits ten seconds for a page, load balancers two or three for a check. */
const ANSWER_DEADLINE_MS = 2_000

/** A node gives requests 5 s to finish, and the log one. What is still there then hangs. */
const STOP_DEADLINE_MS = 10_000

/** The number of a question whose answer nobody waits for. */
const NOBODY_WAITS = 0

export interface SupervisorOptions {
  readonly workers: number
  readonly log: Log
  /** Starts the process with this number. */
  readonly fork: (worker: number) => Worker
}

/** A worker that runs. */
interface Running {
  readonly process: Worker
  readonly number: number
  hasJoined: boolean
  readySinceMs: number | undefined
  failure: StartFailure | undefined
  /** What it had counted when it was last asked. */
  counted: readonly MetricReading[]
}

interface Collecting {
  readonly answers: Map<number, Answers[Question]>
  readonly missing: Set<Running>
  readonly finish: () => void
}

export class Supervisor {
  readonly #options: SupervisorOptions
  readonly #running = new Set<Running>()
  readonly #policy = new ReplacementPolicy()
  readonly #watchdog = new Watchdog<Running>()
  readonly #exited = new ExitedWorkerCounters()
  readonly #collecting = new Map<number, Collecting>()
  readonly #waits = new Set<NodeJS.Timeout>()
  readonly #ready = withResolvers<NodeAddresses>()
  readonly #ended = withResolvers<never>()
  #ticks: NodeJS.Timeout | undefined
  #replaced = 0
  #asked = 0
  #isDraining = false
  #isStopping = false
  #addresses: NodeAddresses | undefined

  constructor(options: SupervisorOptions) {
    this.#options = options
    // Both are looked at by whoever started us, but not always both.
    this.#ready.promise.catch(() => undefined)
    this.#ended.promise.catch(() => undefined)
  }

  /** Resolves when the first worker answers announces. Rejects when none will. */
  start(): Promise<NodeAddresses> {
    for (let number = 1; number <= this.#options.workers; number++) this.#startWorker(number)
    this.#ticks = setInterval(() => this.#tick(), TICK_MS)
    return this.#ready.promise
  }

  /** Rejects when the node is given up. */
  get ended(): Promise<never> {
    return this.#ended.promise
  }

  /** What is wrong with the new topology is said once, although every worker finds it. */
  async reload(): Promise<void> {
    const answers = await this.#collect('reload')
    const wrong = answers.find(({ answer }) => 'problems' in answer || 'failure' in answer)
    if (wrong === undefined) return
    const { worker, answer } = wrong
    this.#options.log.warn(
      { event: 'reload-refused', cause: 'signal', number: worker, ...answer },
      'the reload failed; what was before stays',
    )
  }

  /** Tells all workers to finish, and resolves when they are gone; those that hang are killed. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#ticks)
    for (const wait of this.#waits) clearTimeout(wait)
    const deadline = setTimeout(() => this.#killStuck(), STOP_DEADLINE_MS)
    await Promise.all(
      [...this.#running].map(async ({ process }) => {
        const gone = new Promise((resolve) => process.once('exit', resolve))
        send(process, { kind: 'stop' })
        await gone
      }),
    )
    clearTimeout(deadline)
  }

  #killStuck(): void {
    for (const { process, number } of this.#running) {
      this.#options.log.error(
        { event: 'worker-stuck', number },
        'a worker did not stop in time and was killed',
      )
      process.process.kill('SIGKILL')
    }
  }

  /** Whoever hangs is killed; its end is then that of any worker. */
  #tick(): void {
    const { toAsk, hung } = this.#watchdog.tick()
    for (const worker of toAsk) this.#ask(worker, NOBODY_WAITS, 'readiness')
    for (const { process, number } of hung) {
      this.#options.log.error(
        { event: 'worker-hung', number, silentMs: SILENT_TICKS_MAX * TICK_MS },
        'a worker has stopped answering and is killed',
      )
      process.process.kill('SIGKILL')
    }
  }

  #startWorker(number: number): void {
    const process = this.#options.fork(number)
    const worker: Running = {
      process,
      number,
      hasJoined: false,
      readySinceMs: undefined,
      failure: undefined,
      counted: [],
    }
    this.#running.add(worker)
    process.on('message', (message: ToSupervisor) => this.#receive(worker, message))
    // Such as a message to one that has just died; its end is what counts.
    process.on('error', (error) =>
      this.#options.log.debug({ event: 'worker-channel', number, err: error }, 'a message was not delivered'),
    )
    process.once('exit', (code, signal) => this.#onEnd(worker, code, signal))
  }

  #receive(worker: Running, message: ToSupervisor): void {
    this.#watchdog.heard(worker)
    switch (message.kind) {
      case 'joined':
        worker.hasJoined = true
        this.#watchdog.watch(worker)
        if (this.#isDraining) this.#ask(worker, NOBODY_WAITS, 'drain')
        break
      case 'ready':
        worker.readySinceMs = elapsedMs()
        this.#onReady(message.addresses)
        break
      case 'failed':
        worker.failure = message.failure
        break
      case 'ask':
        void this.#collect(message.question).then((answers) =>
          send(worker.process, { kind: 'answers', id: message.id, answers }),
        )
        break
      case 'answer':
        this.#take(worker, message.id, message.answer)
        break
    }
  }

  #onReady(addresses: NodeAddresses): void {
    const { log, workers } = this.#options
    // Once: later workers have the same, unless all had died and port 0 made the system choose anew.
    if (JSON.stringify(addresses) !== JSON.stringify(this.#addresses))
      log.info({ event: 'ready', workers, ...addresses }, 'answering announces')
    this.#addresses = addresses
    if (this.#readyWorkers() === workers)
      log.info({ event: 'workers-ready', workers }, 'all workers are ready')
    this.#ready.resolve(addresses)
  }

  #onEnd(worker: Running, code: number | null, signal: string | null): void {
    this.#running.delete(worker)
    this.#watchdog.forget(worker)
    this.#exited.absorb(worker.counted)
    for (const each of this.#collecting.values()) {
      each.missing.delete(worker)
      if (each.missing.size === 0) each.finish()
    }
    if (this.#isStopping) return
    const { number, failure, readySinceMs } = worker
    const { log } = this.#options
    const wait = this.#policy.afterEnd({
      readyMs: readySinceMs === undefined ? undefined : elapsedMs() - readySinceMs,
      hasExplained: failure !== undefined && failure.kind !== 'bug',
      othersReady: this.#readyWorkers(),
    })
    if (wait === 'give-up') return void this.#giveUp(failure, code, signal)
    log.warn(
      { event: 'worker-ended', number, code, signal, failure, replacedInMs: wait },
      'a worker ended and is replaced',
    )
    const timer = setTimeout(() => {
      this.#waits.delete(timer)
      this.#replaced++
      this.#startWorker(number)
    }, wait)
    this.#waits.add(timer)
  }

  async #giveUp(
    failure: StartFailure | undefined,
    code: number | null,
    signal: string | null,
  ): Promise<void> {
    const error = asError(failure, code, signal)
    await this.stop()
    this.#ready.reject(error)
    this.#ended.reject(error)
  }

  #readyWorkers(): number {
    return [...this.#running].filter((worker) => worker.readySinceMs !== undefined).length
  }

  /** Asks every worker; who does not answer in time is left out. */
  async #collect<Q extends Question>(question: Q): Promise<readonly WorkerResponse<Q>[]> {
    if (question === 'drain') this.#isDraining = true
    const asked = [...this.#running].filter((worker) => worker.hasJoined)
    const id = ++this.#asked
    const { promise, resolve } = withResolvers<void>()
    const answers = new Map<number, Answers[Question]>()
    this.#collecting.set(id, { answers, missing: new Set(asked), finish: resolve })
    const deadline = setTimeout(resolve, ANSWER_DEADLINE_MS)
    for (const worker of asked) this.#ask(worker, id, question)
    if (asked.length === 0) resolve()
    await promise
    clearTimeout(deadline)
    this.#collecting.delete(id)
    const all = question === 'metrics' ? this.#allMetrics() : answers
    return [...all].map(([worker, answer]) => ({ worker, answer: answer as Answers[Q] }))
  }

  #ask(worker: Running, id: number, question: Question): void {
    send(worker.process, { kind: 'ask', id, question })
  }

  #take(worker: Running, id: number, answer: Answers[Question]): void {
    // Kept even if it comes too late: for the next page, and for the time after this worker.
    if (Array.isArray(answer)) worker.counted = answer as readonly MetricReading[]
    const collecting = this.#collecting.get(id)
    if (collecting === undefined) return
    collecting.answers.set(worker.number, answer)
    collecting.missing.delete(worker)
    if (collecting.missing.size === 0) collecting.finish()
  }

  /** A worker that hangs counts as it last did, since a sum must not fall. */
  #allMetrics(): ReadonlyMap<number, readonly MetricReading[]> {
    const readings = new Map([...this.#running].map(({ number, counted }) => [number, counted]))
    const gone = this.#exited.toReading([...readings.values()])
    const name = `${METRIC_PREFIX}workers_replaced_total`
    const values = [{ labels: {}, value: this.#replaced, metricName: name }]
    return readings.set(0, [...gone, { name, help: '', type: 'counter', aggregator: 'sum', values }])
  }
}

function send(worker: Worker, message: ToWorker): void {
  // One that ended a moment ago has no channel any more.
  if (worker.isConnected()) worker.send(message)
}

function asError(failure: StartFailure | undefined, code: number | null, signal: string | null): Error {
  if (failure?.kind === 'config') return new ConfigError(failure.problems)
  if (failure?.kind === 'input') return new InputError(failure.message)
  const last = failure?.stack ?? (signal === null ? `exit code ${code}` : signal)
  return new InputError(
    `the workers end as soon as they start, the last one with ${last}. The log above may say why; ` +
      'with --workers 1 there is one process to look at',
  )
}

function withResolvers<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
} {
  let settle: { resolve: (value: T) => void; reject: (error: Error) => void } | undefined
  const promise = new Promise<T>((resolve, reject) => (settle = { resolve, reject }))
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) }
}
