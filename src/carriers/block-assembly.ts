/**
 * Blocks that a client was asked for, put together from the chunks of its connection. A block that was not requested
 * takes no memory.
 */
import type { Block } from '../wire/peer/block.ts'
import { blockKey } from './block-key.ts'

export interface WholeBlock {
  readonly block: Block
  readonly data: Buffer
}

/** A client that chokes the node, or is late, sends some of the blocks afterwards. */
const EXPECTED_MAX = 4_096

export class BlockAssembly {
  readonly #expected = new Map<number, Block>()
  #block: Block | undefined
  #data: Buffer | undefined

  expect(block: Block): void {
    const key = blockKey(block)
    this.#expected.delete(key)
    this.#expected.set(key, block)
    if (this.#expected.size <= EXPECTED_MAX) return
    for (const oldest of this.#expected.keys()) {
      this.#expected.delete(oldest)
      return
    }
  }

  /** A block begins. Returns whether it is expected; the parts of another one are skipped. */
  start({ piece, begin, length }: Block): boolean {
    const block = { piece, begin, length }
    const expected = this.#expected.get(blockKey(block))
    this.#block = expected?.length === length ? block : undefined
    // Outside of the pool of small buffers, which would keep other bytes in memory.
    this.#data = this.#block === undefined ? undefined : Buffer.allocUnsafeSlow(length)
    return this.#block !== undefined
  }

  /** Copies the part. Returns the block after its last part, where it is still expected. */
  add({
    bytes,
    at,
    isLast,
  }: {
    readonly bytes: Buffer
    readonly at: number
    readonly isLast: boolean
  }): WholeBlock | undefined {
    const [block, data] = [this.#block, this.#data]
    if (block === undefined || data === undefined) return undefined
    bytes.copy(data, at)
    if (!isLast) return undefined
    this.#block = undefined
    this.#data = undefined
    return this.#expected.delete(blockKey(block)) ? { block, data } : undefined
  }
}
