/**
 * Reads consecutive ranges from one stream, for servers without byte ranges. Each read waits until the one before it
 * has finished, so a caller may request several ranges concurrently.
 *
 * A broken stream cannot be resumed; all pending and later reads then fail.
 */
import { assert } from '../core/assert.ts'
import type { ByteRange } from './origin.ts'
import { OriginError } from './origin-error.ts'

type OpenStream = (signal: AbortSignal) => Promise<AsyncIterable<Buffer>>

export class SequentialReader {
  readonly #label: string
  readonly #open: OpenStream
  #chunks: AsyncIterator<Buffer> | undefined = undefined
  /** Unread part of the last chunk. */
  #rest: Buffer = Buffer.alloc(0)
  #nextByte = 0
  #isBroken = false
  #lastRead = Promise.resolve()

  constructor(label: string, open: OpenStream) {
    this.#label = label
    this.#open = open
  }

  /** Returns exactly these bytes. Reads are queued in the order of the calls, not of the first chunk requested. */
  read({ startByte, endByte }: ByteRange, signal: AbortSignal): AsyncIterable<Buffer> {
    assert(startByte === this.#nextByte, 'a source without ranges is read in order')
    this.#nextByte = endByte
    const previous = this.#lastRead
    const { promise, end } = startRead()
    this.#lastRead = promise
    return this.#take(endByte - startByte, { previous, end, signal })
  }

  async *#take(
    bytes: number,
    { previous, end, signal }: { previous: Promise<void>; end: () => void; signal: AbortSignal },
  ): AsyncGenerator<Buffer> {
    let isDone = false
    try {
      await previous
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
      `${this.#label}: the connection ${how}, and the server does not support resuming; try again`,
    )
  }
}

function startRead(): { readonly promise: Promise<void>; readonly end: () => void } {
  let end = () => {}
  const promise = new Promise<void>((resolve) => {
    end = resolve
  })
  return { promise, end }
}
