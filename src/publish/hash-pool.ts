/**
 * Runs hash jobs on worker threads, one job per thread at a time. The queue needs no limit of its own: the number of
 * slots in the caller's shared memory bounds it.
 */
import { Worker } from 'node:worker_threads'

export interface PieceShape {
  /** Input of SHA-1: includes padding. */
  readonly lengthBytes: number
  /** Input of the v2 tree: excludes padding. */
  readonly contentBytes: number
  /** Leaves of the v2 tree: a power of two. */
  readonly leafCount: number
}

/** A range of a file that the thread reads by descriptor. */
export interface FilePart {
  readonly descriptor: number
  /** Offset in the file. */
  readonly startByte: number
  readonly lengthBytes: number
  /** Offset in the content of the job. */
  readonly at: number
}

export interface HashJob {
  /** Consecutive pieces. */
  readonly pieces: readonly PieceShape[]
  readonly isHybrid: boolean
  /** Offset of the content in the shared memory; unused if `files` is set. */
  readonly memoryStart: number
  readonly files: readonly FilePart[] | undefined
}

export interface HashResult {
  /** 20 bytes per piece. */
  readonly sha1: Uint8Array
  /** 32 bytes per piece; empty unless hybrid. */
  readonly roots: Uint8Array
}

export interface WorkerSetup {
  readonly memory: SharedArrayBuffer
}

interface QueuedJob {
  readonly job: HashJob
  readonly resolve: (result: HashResult | undefined) => void
  readonly reject: (error: Error) => void
}

export class HashPool {
  readonly #idle: Worker[] = []
  readonly #all: readonly Worker[]
  readonly #queue: QueuedJob[] = []
  readonly #busy = new Map<Worker, QueuedJob>()
  /** Set when the pool has stopped. */
  #stopReason: Error | undefined

  constructor(workerCount: number, memory: SharedArrayBuffer) {
    const workerData: WorkerSetup = { memory }
    this.#all = Array.from({ length: workerCount }, () => this.#start(workerData))
    this.#idle.push(...this.#all)
  }

  /** Resolves with undefined if a file could not be read. */
  run(job: HashJob): Promise<HashResult | undefined> {
    return new Promise((resolve, reject) => {
      // The part was still being read when hashing stopped.
      if (this.#stopReason !== undefined) reject(this.#stopReason)
      else this.#queue.push({ job, resolve, reject })
      this.#assign()
    })
  }

  /** Rejects unfinished jobs. */
  async close(): Promise<void> {
    this.#stop(new Error('hashing stopped'))
    await Promise.all(this.#all.map((worker) => worker.terminate()))
  }

  #stop(error: Error): void {
    this.#stopReason ??= error
    for (const { reject } of [...this.#busy.values(), ...this.#queue]) reject(this.#stopReason)
    this.#queue.length = 0
  }

  #start(workerData: WorkerSetup): Worker {
    const worker = new Worker(new URL('./hash-worker.mjs', import.meta.url), { workerData })
    worker.on('message', (result: HashResult | undefined) => {
      const done = this.#busy.get(worker)
      this.#busy.delete(worker)
      this.#idle.push(worker)
      this.#assign()
      done?.resolve(result)
    })
    // A thread exits by itself only when memory runs out. It is not replaced: the run fails.
    worker.on('error', (error: Error) => this.#stop(error))
    return worker
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#queue.length > 0) {
      const worker = this.#idle.pop() as Worker
      const next = this.#queue.shift() as QueuedJob
      this.#busy.set(worker, next)
      worker.postMessage(next.job)
    }
  }
}
