/**
 * A worker's part in the node: it handles requests for its own process. The owner of the swarm table, which the operator and
 * Prometheus reach, also requests the same of all workers and returns one result for the node.
 */
import { ConfigError } from '../../core/errors.ts'
import type { CheckReport, Readiness } from '../../observe/health.ts'
import type { MetricReading } from '../../observe/metrics.ts'
import { IncompleteReload, type Reloaded } from '../../server/admin/routes/operations.ts'
import {
  OWNER,
  type ToSupervisor,
  type ToWorker,
  type WorkerOrder,
  type WorkerRequest,
  type WorkerResponse,
  type WorkerResults,
} from './messages.ts'

/** Handles requests for one process. */
export interface WorkerHandlers {
  metrics(): Promise<readonly MetricReading[]>
  readiness(): Readiness
  /** Rejects with a `ConfigError` and changes nothing if a file is invalid. `sites`: undefined without a topology. */
  reload(): Promise<{ readonly sites: number | undefined }>
  drain(reason: string | undefined): void
  /** False if it was not draining, or is about to stop. */
  undoDrain(): boolean
}

export interface WorkerGroupInit {
  readonly workers: number
  readonly send: (message: ToSupervisor) => void
}

export class WorkerGroup {
  readonly #workers: number
  readonly #send: (message: ToSupervisor) => void
  readonly #pending = new Map<number, (responses: readonly WorkerResponse<WorkerRequest>[]) => void>()
  #handlers: WorkerHandlers | undefined
  #requests = 0

  constructor({ workers, send }: WorkerGroupInit) {
    this.#workers = workers
    this.#send = send
  }

  /** This worker responds to requests from now on. */
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

  /** A node is ready if the owner is. A worker that is missing lowers what the node can answer. */
  async readiness(): Promise<Readiness> {
    const responses = await this.#request('readiness')
    const resultOf = (worker: number) => responses.find((each) => each.worker === worker)?.result
    const own = resultOf(OWNER)
    const checks = this.#numbers().flatMap(
      (worker): CheckReport[] =>
        resultOf(worker)?.checks.map((check) => ({ ...check, worker })) ?? [missing(worker)],
    )
    return { isReady: own?.isReady === true, checks: [...(own?.checks ?? []), ...checks] }
  }

  async reload(): Promise<Reloaded> {
    const responses = await this.#request('reload')
    const resultOf = (worker: number) => responses.find((each) => each.worker === worker)?.result
    const own = resultOf(OWNER)
    if (own !== undefined && 'problems' in own) throw new ConfigError(own.problems)
    const isDone = (result: WorkerResults['reload'] | undefined) => result !== undefined && 'sites' in result
    // Without the owner's reload, the supervisor requests none of the others.
    const asked = isDone(own) ? [OWNER, ...this.#numbers()] : [OWNER]
    if (own !== undefined && 'sites' in own && asked.every((worker) => isDone(resultOf(worker))))
      return { sites: own.sites ?? 0 }
    const sentences = asked.map((worker) => `${nameOf(worker)} ${outcomeOf(resultOf(worker))}`)
    throw new IncompleteReload(
      `not all workers have the new files: ${sentences.join('; ')}. Repair what is named and reload again`,
    )
  }

  drain(reason: string | undefined): void {
    void this.#request('drain', reason)
  }

  async undoDrain(): Promise<boolean> {
    return (await this.#request('undoDrain')).some(({ worker, result }) => worker === OWNER && result)
  }

  #numbers(): number[] {
    return Array.from({ length: this.#workers }, (_, index) => index + 1)
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

const nameOf = (worker: number) => (worker === OWNER ? 'the owner of the swarm table' : `worker ${worker}`)

function outcomeOf(result: WorkerResults['reload'] | undefined): string {
  if (result === undefined) return 'did not answer'
  if ('sites' in result) return 'reloaded'
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
