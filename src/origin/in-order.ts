/**
 * One stream that several readers share, each of which asked for the part after the one before: what a server gives
 * that knows no ranges. Readers wait for their turn, so whoever hashes in parallel need not know.
 *
 * A stream that breaks cannot be gone on with, and then all readers fail.
 */
import { assert } from '../core/assert.ts'
import type { ByteRange } from './origin.ts'
import { OriginError } from './origin-error.ts'

type OpenWhole = (signal: AbortSignal) => Promise<AsyncIterable<Buffer>>

export class InOrder {
  readonly #label: string
  readonly #open: OpenWhole
  #chunks: AsyncIterator<Buffer> | undefined = undefined
  /** Of the last chunk, what nobody has taken yet. */
  #rest: Buffer = Buffer.alloc(0)
  #askedByte = 0
  #isBroken = false
  #lastTurn = Promise.resolve()

  constructor(label: string, open: OpenWhole) {
    this.#label = label
    this.#open = open
  }

  /** Exactly these bytes. The place in the queue is that of the call, not of the first chunk that is taken. */
  read({ startByte, endByte }: ByteRange, signal: AbortSignal): AsyncIterable<Buffer> {
    assert(startByte === this.#askedByte, 'without ranges, bytes are read in order')
    this.#askedByte = endByte
    const turn = this.#lastTurn
    const { promise, end } = aTurn()
    this.#lastTurn = promise
    return this.#take(endByte - startByte, { turn, end, signal })
  }

  async *#take(
    bytes: number,
    { turn, end, signal }: { turn: Promise<void>; end: () => void; signal: AbortSignal },
  ): AsyncGenerator<Buffer> {
    let isDone = false
    try {
      await turn
      for (let missing = bytes; missing > 0;) {
        if (this.#rest.length === 0) this.#rest = await this.#next(signal)
        const taken = this.#rest.subarray(0, missing)
        this.#rest = this.#rest.subarray(taken.length)
        missing -= taken.length
        yield taken
      }
      isDone = true
    } finally {
      if (!isDone) this.#isBroken = true
      end()
    }
  }

  async #next(signal: AbortSignal): Promise<Buffer> {
    signal.throwIfAborted()
    if (this.#isBroken) throw this.#broken('broke')
    try {
      this.#chunks ??= (await this.#open(signal))[Symbol.asyncIterator]()
      const { done, value } = await this.#chunks.next()
      if (done !== true) return value
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof OriginError) throw error
      throw this.#broken(`broke (${(error as NodeJS.ErrnoException).code ?? (error as Error).name})`)
    }
    throw this.#broken('ended too early')
  }

  #broken(how: string): OriginError {
    return new OriginError(
      'unreachable',
      `${this.#label}: the connection ${how}, and without byte ranges it cannot be gone on with; begin again`,
    )
  }
}

function aTurn(): { readonly promise: Promise<void>; readonly end: () => void } {
  let end = () => {}
  const promise = new Promise<void>((resolve) => {
    end = resolve
  })
  return { promise, end }
}
