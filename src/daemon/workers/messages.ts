/**
 * What the supervisor of a node and its workers say to each other, over the channel that Node gives to a process
 * and the ones it started. Both ends are of one build, so nothing is checked and nothing has a version.
 *
 * Questions go from the worker that an operator or Prometheus happened to reach, through the supervisor, to all
 * workers, the asking one included; the answers come back together.
 */
import type { Problem } from '../../core/errors.ts'
import type { Readiness } from '../../observe/health.ts'
import type { MetricReading } from '../../observe/metrics.ts'
import type { NodeAddresses } from '../node.ts'

export interface Answers {
  readonly metrics: readonly MetricReading[]
  readonly readiness: Readiness
  /** `problems`: of a wrong topology. `failure`: of anything else, such as a directory that cannot be read. */
  readonly reload:
    { readonly sites: number } | { readonly problems: readonly Problem[] } | { readonly failure: string }
  readonly drain: true
}

export type Question = keyof Answers

export interface WorkerResponse<Q extends Question> {
  /** From 1. 0: the supervisor itself, which knows what workers had counted that are gone. */
  readonly worker: number
  readonly answer: Answers[Q]
}

/** How a worker says that it could not start: told rather than printed, so that it is printed once. */
export type StartFailure =
  | { readonly kind: 'config'; readonly problems: readonly Problem[] }
  | { readonly kind: 'input'; readonly message: string }
  | { readonly kind: 'bug'; readonly stack: string }

export type ToSupervisor =
  /** From now on it answers questions, although it may still be catching up. */
  | { readonly kind: 'joined' }
  | { readonly kind: 'ready'; readonly addresses: NodeAddresses }
  | { readonly kind: 'failed'; readonly failure: StartFailure }
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  | { readonly kind: 'answer'; readonly id: number; readonly answer: Answers[Question] }

export type ToWorker =
  | { readonly kind: 'ask'; readonly id: number; readonly question: Question }
  | { readonly kind: 'answers'; readonly id: number; readonly answers: readonly WorkerResponse<Question>[] }
  | { readonly kind: 'stop' }

/** What a worker is started with, as its one argument, in JSON. */
export interface WorkerArguments {
  /** From 1 to `workers`; a replacement has the number of the one it replaces. */
  readonly worker: number
  readonly workers: number
  readonly configPath: string | undefined
  readonly version: string
}
