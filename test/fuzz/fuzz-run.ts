/**
 * One run of a target: inputs derived from those that reached new code. The same seed, number and seeds of the repository
 * give the same inputs.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import { elapsedMs } from '../../src/core/clock.ts'
import { SeededRandom } from '../../src/core/random.ts'
import { coveredCode } from './covered-code.ts'
import type { FuzzTarget } from './fuzz-target.ts'
import { Mutator } from './mutate.ts'
import { timedRead } from './timed-read.ts'

/**
 * Inputs for one reading of the coverage. While batches reach new code they are short, so that few readings find the
 * inputs that do; later ones are longer.
 */
const BATCH_MIN = 32
const BATCH_MAX = 8_192
/** Memory is compared from here on: code is compiled and caches are filled. */
const WARM_SHARE = 0.2
const MIB = 1_048_576

export interface FuzzResult {
  readonly inputs: number
  readonly elapsedMs: number
  /** Characters of code. */
  readonly covered: number
  /** Inputs that reached new code, the seeds included. */
  readonly corpus: readonly Buffer[]
  readonly slowestMs: number
  readonly slowest: Buffer
  /** Undefined without `--expose-gc`. */
  readonly grownMib: number | undefined
  readonly failure: FuzzFailure | undefined
}

export interface FuzzFailure {
  readonly input: Buffer
  readonly error: unknown
}

export class FuzzRun {
  readonly #target: FuzzTarget
  readonly #corpus: Buffer[] = []
  #slowestMs = 0
  #slowest: Buffer = Buffer.alloc(0)
  #failure: FuzzFailure | undefined

  constructor(target: FuzzTarget) {
    this.#target = target
  }

  async run(seeds: readonly Buffer[], inputs: number, seed: number): Promise<FuzzResult> {
    const { tokens, bytesMax, batchMax = BATCH_MAX } = this.#target
    const mutator = new Mutator(new SeededRandom(seed), tokens, bytesMax)
    const startedMs = elapsedMs()
    const { stackTraceLimit } = Error
    // Half of the inputs are rejected with an error, and its stack takes longer than to read them.
    Error.stackTraceLimit = 0
    coveredCode.forget()
    await this.#readBatch(seeds)
    if (this.#corpus.length === 0) this.#corpus.push(...seeds)
    let warmMib: number | undefined
    let count = 0
    let length = BATCH_MIN
    while (count < inputs && this.#failure === undefined) {
      const batch = Array.from({ length: Math.min(length, inputs - count) }, () => mutator.next(this.#corpus))
      const isNew = await this.#readBatch(batch)
      length = isNew ? Math.max(BATCH_MIN, length >> 2) : Math.min(batchMax, length * 2)
      count += batch.length
      if (warmMib === undefined && count >= inputs * WARM_SHARE) warmMib = await memoryMib(this.#corpus)
    }
    Error.stackTraceLimit = stackTraceLimit
    if (this.#failure !== undefined) this.#failure = await this.#withStack(this.#failure)
    const grownMib = warmMib === undefined ? undefined : ((await memoryMib(this.#corpus)) ?? 0) - warmMib
    return {
      inputs: count,
      elapsedMs: elapsedMs() - startedMs,
      covered: coveredCode.count,
      corpus: this.#corpus,
      slowestMs: this.#slowestMs,
      slowest: this.#slowest,
      grownMib,
      failure: this.#failure,
    }
  }

  /** The failure of another read. */
  async #withStack(failure: FuzzFailure): Promise<FuzzFailure> {
    const { input } = failure
    try {
      await timedRead(this.#target, input)
      return failure
    } catch (error) {
      return { input, error }
    }
  }

  /** True if an input reached new code. */
  async #readBatch(batch: readonly Buffer[]): Promise<boolean> {
    for (const input of batch) if (!(await this.#read(input))) return false
    return coveredCode.take(false) > 0 && this.#keepNew(batch, true)
  }

  /**
   * Keeps those that reach new code, which it finds by dividing them. `isNew`: at least one of them does, so that the
   * whole does not have to be read again.
   */
  async #keepNew(batch: readonly Buffer[], isNew: boolean): Promise<boolean> {
    if (batch.length === 0) return false
    const isSingle = batch.length === 1
    if (isSingle || !isNew) {
      for (const input of batch) await this.#target.read(input)
      if (coveredCode.take(isSingle) === 0) return false
      if (isSingle) {
        this.#corpus.push(...batch)
        return true
      }
    }
    const middle = Math.ceil(batch.length / 2)
    const isInFirst = await this.#keepNew(batch.slice(0, middle), false)
    const isInSecond = await this.#keepNew(batch.slice(middle), !isInFirst)
    return isInFirst || isInSecond
  }

  async #read(input: Buffer): Promise<boolean> {
    try {
      const ms = await timedRead(this.#target, input, { usualMs: this.#slowestMs })
      if (ms > this.#slowestMs) {
        this.#slowestMs = ms
        this.#slowest = input
      }
      return true
    } catch (error) {
      this.#failure = { input, error }
      return false
    }
  }
}

/** The inputs without which less code would be reached: from the shortest to the longest, each that reaches new code. */
export async function minimized(target: FuzzTarget, corpus: readonly Buffer[]): Promise<Buffer[]> {
  coveredCode.forget()
  const kept: Buffer[] = []
  for (const input of corpus.toSorted((a, b) => a.length - b.length || a.compare(b))) {
    await target.read(input)
    if (coveredCode.take(true) > 0) kept.push(input)
  }
  return kept
}

/** After two collections, without the corpus. A thread frees array buffers after the collection that finds them unused. */
async function memoryMib(corpus: readonly Buffer[]): Promise<number | undefined> {
  if (globalThis.gc === undefined) return undefined
  for (let collections = 0; collections < 2; collections++) {
    globalThis.gc()
    await yieldToEventLoop()
  }
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external - corpus.reduce((sum, { length }) => sum + length, 0)) / MIB
}
