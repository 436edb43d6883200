/**
 * The threads that hash, and who gets the next job. One job per thread at a time; what waits for a thread is
 * bounded by the memory that the reader has, so there is no queue limit of its own.
 */
import { Worker } from 'node:worker_threads'

export interface PieceShape {
  /** Padding included: what SHA-1 is over. */
  readonly lengthBytes: number
  /** Without padding: what the v2 tree is over. */
  readonly contentBytes: number
  /** Of the v2 tree: a power of two. */
  readonly leafCount: number
}

/** A part of a file that the thread reads itself. */
export interface FilePart {
  readonly descriptor: number
  /** Of the file. */
  readonly startByte: number
  readonly lengthBytes: number
  /** From the beginning of the job. */
  readonly at: number
}

export interface HashJob {
  /** One after the other. */
  readonly pieces: readonly PieceShape[]
  readonly isHybrid: boolean
  /** Where the content is in the shared memory, unless it is in files. */
  readonly memoryStart: number
  readonly files: readonly FilePart[] | undefined
}

export interface HashAnswer {
  /** 20 bytes a piece. */
  readonly sha1: Uint8Array
  /** 32 bytes a piece; empty unless hybrid. */
  readonly roots: Uint8Array
}

export interface WorkerSetup {
  readonly memory: SharedArrayBuffer
}

interface Waiting {
  readonly job: HashJob
  readonly resolve: (answer: HashAnswer | undefined) => void
  readonly reject: (error: Error) => void
}

export class HashPool {
  readonly #idle: Worker[] = []
  readonly #all: readonly Worker[]
  readonly #waiting: Waiting[] = []
  readonly #busy = new Map<Worker, Waiting>()
  /** Why nothing is hashed any more. */
  #ended: Error | undefined

  constructor(workerCount: number, memory: SharedArrayBuffer) {
    const workerData: WorkerSetup = { memory }
    this.#all = Array.from({ length: workerCount }, () => this.#start(workerData))
    this.#idle.push(...this.#all)
  }

  /** undefined where a file could not be read. */
  run(job: HashJob): Promise<HashAnswer | undefined> {
    return new Promise((resolve, reject) => {
      // A part that was still being read when hashing was stopped.
      if (this.#ended !== undefined) reject(this.#ended)
      else this.#waiting.push({ job, resolve, reject })
      this.#assign()
    })
  }

  /** Jobs that are not done are rejected. */
  async close(): Promise<void> {
    this.#end(new Error('hashing was stopped'))
    await Promise.all(this.#all.map((worker) => worker.terminate()))
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { reject } of [...this.#busy.values(), ...this.#waiting]) reject(this.#ended)
    this.#waiting.length = 0
  }

  #start(workerData: WorkerSetup): Worker {
    const worker = new Worker(new URL('./hash-worker.mjs', import.meta.url), { workerData })
    worker.on('message', (answer: HashAnswer | undefined) => {
      const done = this.#busy.get(worker)
      this.#busy.delete(worker)
      this.#idle.push(worker)
      this.#assign()
      done?.resolve(answer)
    })
    // A thread ends by itself only for want of memory. Nobody gets its place: the run is over.
    worker.on('error', (error: Error) => this.#end(error))
    return worker
  }

  #assign(): void {
    while (this.#idle.length > 0 && this.#waiting.length > 0) {
      const worker = this.#idle.pop() as Worker
      const next = this.#waiting.shift() as Waiting
      this.#busy.set(worker, next)
      worker.postMessage(next.job)
    }
  }
}
