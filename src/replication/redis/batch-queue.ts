/** Queue of batches to be written to the log, oldest first, up to a limit in bytes. Both ends take constant time. */

/** Number of removed heads after which the array is compacted. */
const COMPACT_AT = 1_024

export interface Batch {
  readonly bytes: Buffer
  /** Site time at which it was appended. */
  readonly atMs: number
}

export class BatchQueue {
  readonly #bytesMax: number
  #batches: Batch[] = []
  #head = 0
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  get oldest(): Batch | undefined {
    return this.#batches[this.#head]
  }

  /** Returns the batches that were dropped to make room, oldest first. */
  push(batch: Batch): readonly Batch[] {
    this.#batches.push(batch)
    this.#bytes += batch.bytes.length
    const dropped: Batch[] = []
    while (this.#bytes > this.#bytesMax) {
      const oldest = this.shift()
      if (oldest === undefined) break
      dropped.push(oldest)
    }
    return dropped
  }

  shift(): Batch | undefined {
    const batch = this.#batches[this.#head]
    if (batch === undefined) return undefined
    this.#head++
    this.#bytes -= batch.bytes.length
    if (this.#head === COMPACT_AT) {
      this.#batches = this.#batches.slice(this.#head)
      this.#head = 0
    }
    return batch
  }
}
