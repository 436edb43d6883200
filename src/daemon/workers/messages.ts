/**
 * Messages between the supervisor of a node and its workers, over the channel that Node opens between a process and its
 * child processes. Both ends are of one build, so messages have no version and are not checked.
 *
 * A request goes from the owner of the swarm table, which the operator and Prometheus reach, through the supervisor, to all
 * workers, the owner included; the supervisor returns all responses together.
 */
import type { Problem } from '../../core/errors.ts'
import type { Readiness } from '../../observe/health.ts'
import type { MetricReading } from '../../observe/metrics.ts'
import type { NodeAddresses } from '../listen-on.ts'

/** Number of the process that owns the swarm table. The workers, from 1, listen and pass requests of clients to it. */
export const OWNER = 0

/** The result of each request. */
export interface WorkerResults {
  readonly metrics: readonly MetricReading[]
  readonly readiness: Readiness
  /**
   * `sites`: of the topology, which only the owner reads. `problems`: of an invalid file. `failure`: any other error,
   * such as a directory that cannot be read.
   */
  readonly reload:
    | { readonly sites: number | undefined }
    | { readonly problems: readonly Problem[] }
    | { readonly failure: string }
  readonly drain: true
  /** False if the worker was not draining, or is about to stop. */
  readonly undoDrain: boolean
}

export type WorkerRequest = keyof WorkerResults

export interface WorkerResponse<R extends WorkerRequest> {
  /** `OWNER`, or from 1. Negative for the supervisor, which has the counter totals of exited processes. */
  readonly worker: number
  readonly result: WorkerResults[R]
}

/** The reason why a worker could not start. It is sent and not printed, so that it appears once. */
export type StartFailure =
  | { readonly kind: 'config'; readonly problems: readonly Problem[] }
  | { readonly kind: 'input'; readonly message: string }
  | { readonly kind: 'bug'; readonly stack: string }

export interface WorkerOrder {
  readonly kind: 'request'
  readonly id: number
  readonly request: WorkerRequest
  /** Of a drain. */
  readonly reason?: string | undefined
}

export type ToSupervisor =
  /** The worker responds to requests from now on, although it may still be catching up. */
  | { readonly kind: 'joined' }
  /** `addresses`: the owner knows that of the admin listener, a worker those of the tracker. */
  | { readonly kind: 'ready'; readonly addresses: NodeAddresses }
  | { readonly kind: 'failed'; readonly failure: StartFailure }
  | WorkerOrder
  | { readonly kind: 'response'; readonly id: number; readonly result: WorkerResults[WorkerRequest] }

export type ToWorker =
  | WorkerOrder
  | {
      readonly kind: 'responses'
      readonly id: number
      readonly responses: readonly WorkerResponse<WorkerRequest>[]
    }
  | { readonly kind: 'stop' }

/** The one argument of a worker process, in JSON. */
export interface WorkerArguments {
  /** `OWNER`, or from 1 to `workers`; a replacement has the number of the one it replaces. */
  readonly worker: number
  readonly workers: number
  /** See `OwnerOptions`. */
  readonly socketDirectory: string
  readonly configPath: string | undefined
  readonly version: string
}
