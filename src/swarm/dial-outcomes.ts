/**
 * Announces that wait for the outcome of a dial, by the row of their peer. Another node of the site may dial the client:
 * its outcome is replicated to the row like that of this node.
 */
export class DialOutcomes {
  readonly #waiting = new Map<number, Set<() => void>>()

  /** Calls back once the row has an outcome, or is released. Returns a function that ends the wait. */
  wait(row: number, onOutcome: () => void): () => void {
    const callbacks = this.#waiting.get(row) ?? new Set()
    this.#waiting.set(row, callbacks)
    callbacks.add(onOutcome)
    return () => {
      callbacks.delete(onOutcome)
      if (callbacks.size === 0 && this.#waiting.get(row) === callbacks) this.#waiting.delete(row)
    }
  }

  /** The row has an outcome, or is released. */
  note(row: number): void {
    const callbacks = this.#waiting.get(row)
    if (callbacks === undefined) return
    this.#waiting.delete(row)
    for (const callback of callbacks) callback()
  }
}
