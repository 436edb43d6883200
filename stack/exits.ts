/** Unexpected exits: a node that is starting waits for them, and afterwards they are reported. */
export class Exits {
  onExit: ((error: Error) => void) | undefined
  readonly #waiting = new Set<(error: Error) => void>()

  add(error: Error): void {
    for (const reject of this.#waiting) reject(error)
    this.onExit?.(error)
  }

  /** Rejects with the next exit, unless `work` settles first. */
  async during<Result>(work: Promise<Result>): Promise<Result> {
    let stopWaiting: (() => void) | undefined
    const exit = new Promise<never>((_resolve, reject) => {
      this.#waiting.add(reject)
      stopWaiting = () => this.#waiting.delete(reject)
    })
    try {
      return await Promise.race([work, exit])
    } finally {
      stopWaiting?.()
    }
  }
}
