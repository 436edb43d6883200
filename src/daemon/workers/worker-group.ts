/**
 * A worker's view of its node: what it is asked, it asks all workers, and answers for the whole node. The operator,
 * Prometheus and load balancers reach any one of them and must not notice.
 */
import { ConfigError } from '../../core/errors.ts'
import type { Readiness } from '../../observe/health.ts'
import type { MetricReading } from '../../observe/metrics.ts'
import type { Answers, WorkerResponse, Question, ToSupervisor, ToWorker } from './messages.ts'

/** What one process answers for itself. */
export interface WorkerHandlers {
  metrics(): Promise<readonly MetricReading[]>
  readiness(): Readiness
  /** Rejects with a `ConfigError`, and changes nothing, where the topology is wrong. */
  reload(): Promise<{ readonly sites: number }>
  drain(): void
}

export interface WorkerGroupOptions {
  readonly workers: number
  readonly send: (message: ToSupervisor) => void
}

export class WorkerGroup {
  readonly #options: WorkerGroupOptions
  readonly #waiting = new Map<number, (answers: readonly WorkerResponse<Question>[]) => void>()
  #own: WorkerHandlers | undefined
  #asked = 0

  constructor(options: WorkerGroupOptions) {
    this.#options = options
  }

  /** From now on this worker answers what others ask. */
  join(own: WorkerHandlers): void {
    this.#own = own
    this.#options.send({ kind: 'joined' })
  }

  receive(message: Exclude<ToWorker, { readonly kind: 'stop' }>): void {
    if (message.kind === 'ask') return void this.#answer(message.id, message.question)
    this.#waiting.get(message.id)?.(message.answers)
    this.#waiting.delete(message.id)
  }

  /** One reading for each worker, and one of those that are gone. */
  async metrics(): Promise<readonly (readonly MetricReading[])[]> {
    return (await this.#ask('metrics')).map(({ answer }) => answer)
  }

  /** Ready is a node one of whose workers is: the others do not take connections before they are. */
  async readiness(): Promise<Readiness> {
    const answers = await this.#ask('readiness')
    const isReady = answers.some(({ answer }) => answer.isReady)
    const lines = Array.from({ length: this.#options.workers }, (_, index) => index + 1).flatMap((worker) => {
      const checks = answers
        .find((each) => each.worker === worker)
        ?.answer.body.trimEnd()
        .split('\n')
      if (checks === undefined) return [`warn worker ${worker}: does not answer; it is starting or stuck`]
      // The last line is the worker's own verdict.
      return checks.slice(0, -1).map((line) => `${line} (worker ${worker})`)
    })
    return { isReady, body: [...lines, isReady ? 'ready' : 'not ready', ''].join('\n') }
  }

  async reload(): Promise<{ readonly sites: number }> {
    const answers = (await this.#ask('reload')).map(({ answer }) => answer)
    for (const answer of answers) {
      if ('problems' in answer) throw new ConfigError(answer.problems)
      if ('failure' in answer) throw new Error(answer.failure)
    }
    const done = answers.find((answer) => 'sites' in answer)
    if (done === undefined) throw new Error('no worker answered in time')
    return done
  }

  drain(): void {
    void this.#ask('drain')
  }

  #ask<Q extends Question>(question: Q): Promise<readonly WorkerResponse<Q>[]> {
    const id = ++this.#asked
    this.#options.send({ kind: 'ask', id, question })
    return new Promise((resolve) => {
      this.#waiting.set(id, (answers) => resolve(answers as readonly WorkerResponse<Q>[]))
    })
  }

  async #answer(id: number, question: Question): Promise<void> {
    if (this.#own === undefined) return
    this.#options.send({ kind: 'answer', id, answer: await answerOf(this.#own, question) })
  }
}

async function answerOf(own: WorkerHandlers, question: Question): Promise<Answers[Question]> {
  if (question === 'metrics') return own.metrics()
  if (question === 'readiness') return own.readiness()
  if (question === 'drain') {
    own.drain()
    return true
  }
  try {
    return await own.reload()
  } catch (error) {
    return error instanceof ConfigError ? { problems: error.problems } : { failure: String(error) }
  }
}
