/**
 * Limits a rate: a bucket of tokens that refills with time and holds `burst` of them at most.
 */

export class TokenBucket {
  readonly #perMs: number
  readonly #burst: number
  #tokens: number
  #refilledMs: number

  constructor({
    perSecond,
    burst,
    nowMs,
  }: {
    readonly perSecond: number
    readonly burst: number
    readonly nowMs: number
  }) {
    this.#perMs = perSecond / 1_000
    this.#burst = burst
    this.#tokens = burst
    this.#refilledMs = nowMs
  }

  /** Tokens that are left. Negative after an expense that could not be refused. */
  left(nowMs: number): number {
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#refilledMs) * this.#perMs)
    this.#refilledMs = nowMs
    return this.#tokens
  }

  /** Takes the tokens in any case, and returns whether the bucket contained as many. */
  spend(tokens: number, nowMs: number): boolean {
    const left = this.left(nowMs)
    this.#tokens = left - tokens
    return left >= tokens
  }
}
