/**
 * A block that waits for the next offer to its client: the client pauses for half a minute when it has all that it was
 * offered (`pausesWithoutOffers`). One block of a piece costs nothing of the rate, and keeps the client waiting for it.
 */
import type { Block } from '../wire/peer/block.ts'

/** Where nothing can be offered for this time, the source is gone or slow, and neighbours may need the piece. */
const WITHHELD_MS_MAX = 3_000

export interface Delivery {
  readonly block: Block
  readonly data: Buffer
}

export class WithheldBlock {
  #delivery: Delivery | undefined
  #sinceMs = 0

  /** Returns the one that was withheld before. */
  replace(delivery: Delivery, nowMs: number): Delivery | undefined {
    const before = this.take()
    this.#delivery = delivery
    this.#sinceMs = nowMs
    return before
  }

  take(): Delivery | undefined {
    const delivery = this.#delivery
    this.#delivery = undefined
    return delivery
  }

  /** The block may still be withheld. */
  isDue(nowMs: number, isWithheld: (block: Block) => boolean): boolean {
    if (this.#delivery === undefined) return false
    return nowMs - this.#sinceMs >= WITHHELD_MS_MAX || !isWithheld(this.#delivery.block)
  }
}
