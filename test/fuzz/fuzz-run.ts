/**
 * One run of a target: inputs derived from those that reached new code. The same seed, number and seeds of the repository
 * give the same inputs.
 */
import { elapsedMs } from '../../src/core/clock.ts'
import { SeededRandom } from '../../src/core/random.ts'
import { coveredCode } from './covered-code.ts'
import type { FuzzTarget } from './fuzz-target.ts'
import { Mutator } from './mutate.ts'
import { timedRead } from './timed-read.ts'

/** Inputs for one reading of the coverage. */
const BATCH = 1_000
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

  run(seeds: readonly Buffer[], inputs: number, seed: number): FuzzResult {
    const { tokens, bytesMax } = this.#target
    const mutator = new Mutator(new SeededRandom(seed), tokens, bytesMax)
    const startedMs = elapsedMs()
    coveredCode.forget()
    this.#readBatch(seeds)
    if (this.#corpus.length === 0) this.#corpus.push(...seeds)
    let warmMib: number | undefined
    let count = 0
    while (count < inputs && this.#failure === undefined) {
      const batch = Array.from({ length: Math.min(BATCH, inputs - count) }, () => mutator.next(this.#corpus))
      this.#readBatch(batch)
      count += batch.length
      if (warmMib === undefined && count >= inputs * WARM_SHARE) warmMib = memoryMib(this.#corpus)
    }
    const grownMib = warmMib === undefined ? undefined : (memoryMib(this.#corpus) ?? 0) - warmMib
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

  #readBatch(batch: readonly Buffer[]): void {
    for (const input of batch) if (!this.#read(input)) return
    this.#keepNew(batch)
  }

  /** Called after the inputs were read. Finds those that reached new code by dividing them. */
  #keepNew(batch: readonly Buffer[]): void {
    if (batch.length === 1) {
      if (coveredCode.take(true) > 0) this.#corpus.push(...batch)
      return
    }
    if (batch.length === 0 || coveredCode.take(false) === 0) return
    const middle = Math.ceil(batch.length / 2)
    for (const half of [batch.slice(0, middle), batch.slice(middle)]) {
      for (const input of half) this.#target.read(input)
      this.#keepNew(half)
    }
  }

  #read(input: Buffer): boolean {
    try {
      const ms = timedRead(this.#target, input, { usualMs: this.#slowestMs })
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
export function minimized(target: FuzzTarget, corpus: readonly Buffer[]): Buffer[] {
  coveredCode.forget()
  return corpus
    .toSorted((a, b) => a.length - b.length || a.compare(b))
    .filter((input) => {
      target.read(input)
      return coveredCode.take(true) > 0
    })
}

/** After a collection, without the corpus. */
function memoryMib(corpus: readonly Buffer[]): number | undefined {
  if (globalThis.gc === undefined) return undefined
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return (heapUsed + external - corpus.reduce((sum, { length }) => sum + length, 0)) / MIB
}
