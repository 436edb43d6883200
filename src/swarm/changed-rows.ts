/**
 * Rows of peers that were recorded, changed or removed since their one reader drained them. A drained row may have been
 * released, or hold another peer. Without a reader nothing is collected.
 */
export class ChangedRows {
  #rows: Set<number> | undefined

  /** Starts to collect. */
  follow(): void {
    this.#rows ??= new Set()
  }

  note(row: number): void {
    this.#rows?.add(row)
  }

  drain(): ReadonlySet<number> {
    const drained = this.#rows ?? NONE
    if (drained.size > 0) this.#rows = new Set()
    return drained
  }
}

const NONE: ReadonlySet<number> = new Set()
