/**
 * The port through which the program draws random numbers, so that a printed seed reproduces a run.
 */
import { randomBytes } from 'node:crypto'

export interface Random {
  /** An integer from 0 to `bound` - 1; `bound` is 1 … 2^32. */
  below(bound: number): number
}

/**
 * sfc32 (Chris Doty-Humphrey, PractRand): four words of state, passes BigCrush, a few nanoseconds a number.
 * For the choice of peers, not for secrets.
 */
export class SeededRandom implements Random {
  readonly seed: number
  #a: number
  #b: number
  #c: number
  #counter = 1

  constructor(seed: number) {
    this.seed = seed >>> 0
    this.#a = this.seed
    this.#b = 0x9e3779b9
    this.#c = 0x243f6a88
    for (let round = 0; round < 15; round++) this.#next()
  }

  below(bound: number): number {
    return Math.floor((this.#next() / 0x1_0000_0000) * bound)
  }

  #next(): number {
    const sum = (((this.#a + this.#b) | 0) + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0
    return sum >>> 0
  }
}

/** A generator with an unpredictable seed, which is logged so that a run can be reproduced. */
export function systemRandom(): SeededRandom {
  return new SeededRandom(randomBytes(4).readUInt32BE(0))
}

/** 32 unpredictable bytes for the key of a keyed hash. Never logged, and not derived from a seed. */
export function systemSecret(): Buffer {
  return randomBytes(32)
}
