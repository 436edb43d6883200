/**
 * A worker's access to the whole node. The operator, Prometheus and load balancers reach any one of the workers; that one
 * requests the same of all workers and returns one result for the node.
 */
import { ConfigError } from '../../core/errors.ts'
import type { CheckReport, Readiness } from '../../observe/health.ts'
import type { MetricReading } from '../../observe/metrics.ts'
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

  async reload(): Promise<{ readonly sites: number }> {
    const results = (await this.#request('reload')).map(({ result }) => result)
    for (const result of results) {
      if ('problems' in result) throw new ConfigError(result.problems)
      if ('failure' in result) throw new Error(result.failure)
    }
    const done = results.find((result) => 'sites' in result)
    if (done === undefined) throw new Error('no worker responded in time')
    return done
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
