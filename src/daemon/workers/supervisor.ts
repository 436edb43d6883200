/**
 * Process above the workers of a node. It starts workers, replaces those that exit, kills those that hang, forwards
 * requests from one to all, and stops them.
 *
 * It is robust because it does little: it answers no announce, and no connection passes through it, since the workers
 * share the listening sockets in the kernel (see start-workers.ts).
 *
 * One process owns the swarm table, and the workers listen for it. They are stopped before it, so that it answers their
 * open requests, and reload their files after it, so that an invalid topology changes nothing.
 */
import type { Worker } from 'node:cluster'
import { elapsedMs } from '../../core/clock.ts'
import { ConfigError, InputError } from '../../core/errors.ts'
import type { Log } from '../../core/log.ts'
import type { MetricReading } from '../../observe/metrics.ts'
import { METRIC_PREFIX } from '../../observe/metrics-table.ts'
import { ExitedWorkerCounters } from '../../observe/exited-worker-counters.ts'
import type { NodeAddresses } from '../listen-on.ts'
import {
  OWNER,
  type StartFailure,
  type ToSupervisor,
  type ToWorker,
  type WorkerOrder,
  type WorkerRequest,
  type WorkerResponse,
  type WorkerResults,
} from './messages.ts'
import { ReplacementPolicy } from './replacement-policy.ts'
import { SILENT_TICKS_MAX, TICK_MS, Watchdog } from './watchdog.ts'

/** Prometheus waits ten seconds for a page, load balancers two or three for a check. */
const RESPONSE_DEADLINE_MS = 2_000
/** A topology of 65,000 prefixes takes seconds, and so do the moves of millions of peers. */
const RELOAD_DEADLINE_MS = 60_000

/** A node gives requests 5 s to finish, and the log 1 s. A worker that still runs after this time hangs. */
const STOP_DEADLINE_MS = 10_000

/** Number of the totals of exited processes beside the readings of those that run. */
const EXITED = -1

/** The id of requests whose responses are not collected. */
const UNCOLLECTED = 0

export interface SupervisorInit {
  readonly workers: number
  readonly log: Log
  /** Starts the process with this number. */
  readonly fork: (worker: number) => Worker
}

/** A process that runs: the owner, or a worker. */
interface Running {
  readonly process: Worker
  readonly number: number
  hasJoined: boolean
  readySinceMs: number | undefined
  failure: StartFailure | undefined
  addresses: NodeAddresses | undefined
  /** Its last reading of the counters. */
  counted: readonly MetricReading[]
}

/** A request whose responses are being collected. */
interface Collection {
  readonly results: Map<number, WorkerResults[WorkerRequest]>
  readonly missing: Set<Running>
  readonly finish: () => void
}

export class Supervisor {
  readonly #workers: number
  readonly #log: Log
  readonly #fork: (worker: number) => Worker
  readonly #running = new Set<Running>()
  readonly #policy = new ReplacementPolicy()
  readonly #watchdog = new Watchdog<Running>()
  readonly #exited = new ExitedWorkerCounters()
  readonly #collections = new Map<number, Collection>()
  readonly #replacements = new Set<NodeJS.Timeout>()
  readonly #ready = withResolvers<NodeAddresses>()
  readonly #ended = withResolvers<never>()
  #ticks: NodeJS.Timeout | undefined
  #replaced = 0
  #requests = 0
  /** `undefined` without a drain; a drain may have no reason. */
  #drain: { readonly reason: string | undefined } | undefined
  #isStopping = false
  #addresses: NodeAddresses | undefined

  constructor({ workers, log, fork }: SupervisorInit) {
    this.#workers = workers
    this.#log = log
    this.#fork = fork
    // The caller awaits one of the two, so the other would be an unhandled rejection.
    this.#ready.promise.catch(() => undefined)
    this.#ended.promise.catch(() => undefined)
  }

  /** Resolves when the first worker passes announces to the owner. Rejects when the node is given up. */
  start(): Promise<NodeAddresses> {
    for (let number = OWNER; number <= this.#workers; number++) this.#startWorker(number)
    this.#ticks = setInterval(() => this.#tick(), TICK_MS)
    return this.#ready.promise
  }

  /** Rejects when the node is given up. */
  get ended(): Promise<never> {
    return this.#ended.promise
  }

  /** Reloads in all workers; the log reports the first problem. */
  async reload(): Promise<void> {
    const responses = await this.#collect('reload')
    const failed = responses.find(({ result }) => 'problems' in result || 'failure' in result)
    if (failed === undefined) return
    const { worker, result } = failed
    this.#log.warn(
      { event: 'reload-refused', cause: 'signal', number: worker, ...result },
      'reload failed; the current topology stays',
    )
  }

  /** Stops all workers, and resolves when they have exited; those that hang are killed. */
  async stop(): Promise<void> {
    this.#isStopping = true
    clearInterval(this.#ticks)
    for (const timer of this.#replacements) clearTimeout(timer)
    const workers = [...this.#running]
    await this.#stopAll(workers.filter(({ number }) => number !== OWNER))
    await this.#stopAll(workers.filter(({ number }) => number === OWNER))
  }

  async #stopAll(workers: readonly Running[]): Promise<void> {
    const deadline = setTimeout(() => this.#killStuck(workers), STOP_DEADLINE_MS)
    await Promise.all(
      workers.map(async (worker) => {
        if (!this.#running.has(worker)) return
        const exited = new Promise((resolve) => worker.process.once('exit', resolve))
        send(worker.process, { kind: 'stop' })
        await exited
      }),
    )
    clearTimeout(deadline)
  }

  #killStuck(workers: readonly Running[]): void {
    for (const worker of workers) {
      if (!this.#running.has(worker)) continue
      this.#log.error(
        { event: 'worker-stuck', number: worker.number },
        'a worker did not stop in time and was killed',
      )
      worker.process.process.kill('SIGKILL')
    }
  }

  /** A worker that hangs is killed; `#onExit` then replaces it. */
  #tick(): void {
    const { toProbe, hung } = this.#watchdog.tick()
    for (const worker of toProbe) this.#request(worker, { id: UNCOLLECTED, request: 'readiness' })
    for (const { process, number } of hung) {
      this.#log.error(
        { event: 'worker-hung', number, silentMs: SILENT_TICKS_MAX * TICK_MS },
        'a worker does not respond and is killed',
      )
      process.process.kill('SIGKILL')
    }
  }

  #startWorker(number: number): void {
    const process = this.#fork(number)
    const worker: Running = {
      process,
      number,
      hasJoined: false,
      readySinceMs: undefined,
      failure: undefined,
      addresses: undefined,
      counted: [],
    }
    this.#running.add(worker)
    process.on('message', (message: ToSupervisor) => this.#receive(worker, message))
    // For example a message to a worker that has just died; `exit` follows.
    process.on('error', (error) =>
      this.#log.debug({ event: 'worker-channel', number, err: error }, 'a message was not delivered'),
    )
    process.once('exit', (code, signal) => this.#onExit(worker, code, signal))
  }

  #receive(worker: Running, message: ToSupervisor): void {
    this.#watchdog.reset(worker)
    switch (message.kind) {
      case 'joined':
        worker.hasJoined = true
        this.#watchdog.watch(worker)
        if (this.#drain !== undefined)
          this.#request(worker, { id: UNCOLLECTED, request: 'drain', ...this.#drain })
        break
      case 'ready':
        worker.readySinceMs = elapsedMs()
        worker.addresses = message.addresses
        this.#onReady()
        break
      case 'failed':
        worker.failure = message.failure
        break
      case 'request':
        void this.#collect(message.request, message.reason).then((responses) =>
          send(worker.process, { kind: 'responses', id: message.id, responses }),
        )
        break
      case 'response':
        this.#record(worker, message.id, message.result)
        break
    }
  }

  #onReady(): void {
    const workers = this.#workers
    const ready = [...this.#running].filter(({ readySinceMs }) => readySinceMs !== undefined)
    const admin = ready.find(({ number }) => number === OWNER)?.addresses?.admin
    const tracker = ready.find(({ number }) => number !== OWNER)?.addresses
    if (admin === undefined || tracker === undefined) return
    const addresses = { ...tracker, admin }
    // Once: replacements have the same addresses, unless the system chose another port for port 0.
    if (JSON.stringify(addresses) !== JSON.stringify(this.#addresses))
      this.#log.info({ event: 'ready', workers, ...addresses }, 'answering announces')
    this.#addresses = addresses
    if (this.#readyWorkers() === workers)
      this.#log.info({ event: 'workers-ready', workers }, 'all workers are ready')
    this.#ready.resolve(addresses)
  }

  #onExit(worker: Running, code: number | null, signal: string | null): void {
    this.#running.delete(worker)
    this.#watchdog.forget(worker)
    this.#exited.absorb(worker.counted)
    for (const each of this.#collections.values()) {
      each.missing.delete(worker)
      if (each.missing.size === 0) each.finish()
    }
    if (this.#isStopping) return
    const { number, failure, readySinceMs } = worker
    const delayMs = this.#policy.afterExit({
      readyMs: readySinceMs === undefined ? undefined : elapsedMs() - readySinceMs,
      hasExplained: failure !== undefined && failure.kind !== 'bug',
      othersReady: this.#readyWorkers(),
    })
    if (delayMs === 'give-up') return void this.#giveUp(failure, code, signal)
    this.#log.warn(
      { event: 'worker-ended', number, code, signal, failure, replacedInMs: delayMs },
      'a worker exited and is replaced',
    )
    const timer = setTimeout(() => {
      this.#replacements.delete(timer)
      this.#replaced++
      this.#startWorker(number)
    }, delayMs)
    this.#replacements.add(timer)
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

  /** 0 without the owner: the workers then answer nothing. */
  #readyWorkers(): number {
    const ready = [...this.#running].filter((worker) => worker.readySinceMs !== undefined)
    return ready.some(({ number }) => number === OWNER) ? ready.length - 1 : 0
  }

  /** Sends the request to every worker, a reload to the owner first. A worker that does not respond in time is omitted. */
  async #collect<R extends WorkerRequest>(
    request: R,
    reason?: string,
  ): Promise<readonly WorkerResponse<R>[]> {
    if (request === 'drain') this.#drain = { reason }
    if (request === 'undoDrain') this.#drain = undefined
    const workers = [...this.#running].filter((worker) => worker.hasJoined)
    if (request !== 'reload') return this.#collectFrom(workers, request, reason)
    const own = await this.#collectFrom(
      workers.filter(({ number }) => number === OWNER),
      request,
    )
    if (!own.some(({ result }) => typeof result === 'object' && 'sites' in result)) return own
    const others = workers.filter((worker) => worker.number !== OWNER && this.#running.has(worker))
    return [...own, ...(await this.#collectFrom(others, request))]
  }

  async #collectFrom<R extends WorkerRequest>(
    workers: readonly Running[],
    request: R,
    reason?: string,
  ): Promise<readonly WorkerResponse<R>[]> {
    const id = ++this.#requests
    const { promise, resolve } = withResolvers<void>()
    const results = new Map<number, WorkerResults[WorkerRequest]>()
    this.#collections.set(id, { results, missing: new Set(workers), finish: resolve })
    const deadline = setTimeout(resolve, request === 'reload' ? RELOAD_DEADLINE_MS : RESPONSE_DEADLINE_MS)
    for (const worker of workers) this.#request(worker, { id, request, reason })
    if (workers.length === 0) resolve()
    await promise
    clearTimeout(deadline)
    this.#collections.delete(id)
    const all = request === 'metrics' ? this.#allMetrics() : results
    return [...all].map(([worker, result]) => ({ worker, result: result as WorkerResults[R] }))
  }

  #request(worker: Running, order: Omit<WorkerOrder, 'kind'>): void {
    send(worker.process, { kind: 'request', ...order })
  }

  #record(worker: Running, id: number, result: WorkerResults[WorkerRequest]): void {
    // Late metrics are kept too: for the next page, and for the totals after this worker has exited.
    if (Array.isArray(result)) worker.counted = result as readonly MetricReading[]
    const collection = this.#collections.get(id)
    if (collection === undefined) return
    collection.results.set(worker.number, result)
    collection.missing.delete(worker)
    if (collection.missing.size === 0) collection.finish()
  }

  /** A worker that hangs contributes its last reading, since a sum must not fall. */
  #allMetrics(): ReadonlyMap<number, readonly MetricReading[]> {
    const readings = new Map([...this.#running].map(({ number, counted }) => [number, counted]))
    const exited = this.#exited.toReading([...readings.values()])
    const name = `${METRIC_PREFIX}workers_replaced_total`
    const values = [{ labels: {}, value: this.#replaced, metricName: name }]
    return readings.set(EXITED, [...exited, { name, help: '', type: 'counter', aggregator: 'sum', values }])
  }
}

function send(worker: Worker, message: ToWorker): void {
  // A worker that exited a moment ago has no channel.
  if (worker.isConnected()) worker.send(message)
}

function asError(failure: StartFailure | undefined, code: number | null, signal: string | null): Error {
  if (failure?.kind === 'config') return new ConfigError(failure.problems)
  if (failure?.kind === 'input') return new InputError(failure.message)
  const last = failure?.stack ?? (signal === null ? `exit code ${code}` : signal)
  return new InputError(
    `the workers exit as soon as they start, the last one with ${last}. The log above may contain the reason; ` +
      'with --workers 1 there is a single process to inspect',
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
