/**
 * Unexpected exits of parts. An exit rejects every start that is in progress; an exit before the first of them is kept for
 * it, because a part may exit at once. After the start, exits are reported.
 */
export class Exits {
  readonly #waiting = new Set<(error: Error) => void>()
  readonly #unreported: Error[] = []
  #onExit: ((error: Error) => void) | undefined

  add(error: Error): void {
    for (const reject of this.#waiting) reject(error)
    if (this.#onExit !== undefined) this.#onExit(error)
    else if (this.#waiting.size === 0) this.#unreported.push(error)
  }

  report(onExit: (error: Error) => void): void {
    this.#onExit = onExit
    for (const error of this.#unreported.splice(0)) onExit(error)
  }

  /** Rejects with the next exit, and aborts `work`, unless it settles first. */
  async during<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const working = new AbortController()
    let stopWaiting: (() => void) | undefined
    const exit = new Promise<never>((_resolve, reject) => {
      this.#waiting.add(reject)
      stopWaiting = () => this.#waiting.delete(reject)
      const [earlier] = this.#unreported
      if (earlier !== undefined) reject(earlier)
    })
    try {
      return await Promise.race([work(working.signal), exit])
    } finally {
      working.abort()
      stopWaiting?.()
    }
  }
}
