/**
 * A worker's access to the whole node. The operator, Prometheus and load balancers reach any one of the workers; that one
 * requests the same of all workers and returns one result for the node.
 */
import { ConfigError } from '../../core/errors.ts'
import type { CheckReport, Readiness } from '../../observe/health.ts'
import type { MetricReading } from '../../observe/metrics.ts'
import { IncompleteReload, type Reloaded } from '../../server/admin/routes/operations.ts'
import type {
  ToSupervisor,
  ToWorker,
  WorkerOrder,
  WorkerRequest,
  WorkerResponse,
  WorkerResults,
} from './messages.ts'

/** Handles requests for one process. */
export interface WorkerHandlers {
  metrics(): Promise<readonly MetricReading[]>
  readiness(): Readiness
  /** Rejects with a `ConfigError` and changes nothing if the topology is invalid. */
  reload(): Promise<{ readonly sites: number }>
  drain(reason: string | undefined): void
  /** False if it was not draining, or is about to stop. */
  undoDrain(): boolean
}

export interface WorkerGroupInit {
  /** Number of this worker, from 1. */
  readonly worker: number
  readonly workers: number
  readonly send: (message: ToSupervisor) => void
}

export class WorkerGroup {
  readonly worker: number
  readonly #workers: number
  readonly #send: (message: ToSupervisor) => void
  readonly #pending = new Map<number, (responses: readonly WorkerResponse<WorkerRequest>[]) => void>()
  #handlers: WorkerHandlers | undefined
  #requests = 0

  constructor({ worker, workers, send }: WorkerGroupInit) {
    this.worker = worker
    this.#workers = workers
    this.#send = send
  }

  /** This worker responds to requests of the others from now on. */
  join(handlers: WorkerHandlers): void {
    this.#handlers = handlers
    this.#send({ kind: 'joined' })
  }

  receive(message: Exclude<ToWorker, { readonly kind: 'stop' }>): void {
    if (message.kind === 'request') return void this.#respond(message)
    this.#pending.get(message.id)?.(message.responses)
    this.#pending.delete(message.id)
  }

  /** One reading for each worker, and one for the workers that exited. */
  async metrics(): Promise<readonly (readonly MetricReading[])[]> {
    return (await this.#request('metrics')).map(({ result }) => result)
  }

  /** A node is ready if one of its workers is: a worker accepts no connections before it is ready. */
  async readiness(): Promise<Readiness> {
    const responses = await this.#request('readiness')
    const isReady = responses.some(({ result }) => result.isReady)
    const checks = Array.from({ length: this.#workers }, (_, index) => index + 1).flatMap(
      (worker): CheckReport[] => {
        const found = responses.find((each) => each.worker === worker)?.result.checks
        return found?.map((check) => ({ ...check, worker })) ?? [missing(worker)]
      },
    )
    return { isReady, checks }
  }

  async reload(): Promise<Reloaded> {
    const responses = await this.#request('reload')
    const outcomes = Array.from({ length: this.#workers }, (_, index) => {
      const worker = index + 1
      return { worker, result: responses.find((each) => each.worker === worker)?.result }
    })
    const workers = outcomes.flatMap(({ worker, result }) =>
      result !== undefined && 'sites' in result ? [{ worker, sites: result.sites }] : [],
    )
    const [first] = workers
    if (first !== undefined && workers.length === this.#workers) return { sites: first.sites, workers }
    const rejected = outcomes.flatMap(({ result }) =>
      result !== undefined && 'problems' in result ? [result.problems] : [],
    )
    if (rejected[0] !== undefined && rejected.length === this.#workers) throw new ConfigError(rejected[0])
    const sentences = outcomes.map(({ worker, result }) => `worker ${worker} ${outcomeOf(result)}`)
    throw new IncompleteReload(
      `not all workers have the new topology: ${sentences.join('; ')}. Repair what is named and reload again`,
    )
  }

  drain(reason: string | undefined): void {
    void this.#request('drain', reason)
  }

  async undoDrain(): Promise<boolean> {
    return (await this.#request('undoDrain')).some(({ result }) => result)
  }

  #request<R extends WorkerRequest>(request: R, reason?: string): Promise<readonly WorkerResponse<R>[]> {
    const id = ++this.#requests
    this.#send({ kind: 'request', id, request, reason })
    return new Promise((resolve) => {
      this.#pending.set(id, (responses) => resolve(responses as readonly WorkerResponse<R>[]))
    })
  }

  async #respond(order: WorkerOrder): Promise<void> {
    if (this.#handlers === undefined) return
    this.#send({ kind: 'response', id: order.id, result: await handle(this.#handlers, order) })
  }
}

function outcomeOf(result: WorkerResults['reload'] | undefined): string {
  if (result === undefined) return 'did not answer'
  if ('sites' in result) return `reloaded ${result.sites} sites`
  if ('failure' in result) return `failed: ${result.failure}`
  const [problem] = result.problems
  return problem === undefined
    ? 'rejected the file'
    : `rejected it: ${problem.file}:${problem.line}:${problem.column}  ${problem.message}`
}

function missing(worker: number): CheckReport {
  return {
    name: `worker ${worker}`,
    isRequired: false,
    isOk: false,
    sentence: 'does not answer; it is starting or stuck',
  }
}

async function handle(
  handlers: WorkerHandlers,
  { request, reason }: WorkerOrder,
): Promise<WorkerResults[WorkerRequest]> {
  if (request === 'metrics') return handlers.metrics()
  if (request === 'readiness') return handlers.readiness()
  if (request === 'drain') {
    handlers.drain(reason)
    return true
  }
  if (request === 'undoDrain') return handlers.undoDrain()
  try {
    return await handlers.reload()
  } catch (error) {
    return error instanceof ConfigError ? { problems: error.problems } : { failure: String(error) }
  }
}
