/**
 * Exactly the bytes that were asked for, over connections that may break: what is missing is asked for again from
 * where the last one ended. Whoever opens a connection makes sure that it is still the same content.
 *
 * A source that says nothing for `SILENCE_MS` is taken for gone. Giving up needs several failures in a row without
 * a byte between them, so an origin behind a bad line costs time and no restart.
 */
import type { Readable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'
import type { ByteRange } from './origin.ts'
import { OriginError } from './origin-error.ts'

/** Opens a stream of the bytes from `startByte` to the end of the range. Rejects with an `OriginError`. */
type OpenRange = (range: ByteRange, signal: AbortSignal) => Promise<Readable>

export async function* readRange(
  open: OpenRange,
  { startByte, endByte }: ByteRange,
  { label, signal }: { readonly label: string; readonly signal: AbortSignal },
): AsyncGenerator<Buffer> {
  let at = startByte
  let failures = 0
  while (at < endByte) {
    const silence = new Silence(signal)
    let body: Readable | undefined
    try {
      body = await open({ startByte: at, endByte }, silence.signal)
      for await (const chunk of body as AsyncIterable<Buffer>) {
        silence.rest()
        const wanted = chunk.subarray(0, endByte - at)
        at += wanted.length
        failures = 0
        yield wanted
        silence.begin()
        if (at === endByte) break
      }
      if (at < endByte) throw new OriginError('unreachable', `${label}: the answer ended too early`)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof OriginError && error.trouble !== 'unreachable') throw error
      const delayMs = RETRY_DELAYS_MS[failures++]
      if (delayMs === undefined) throw gaveUp(label, error)
      await wait(delayMs, undefined, { signal })
    } finally {
      silence.rest()
      body?.destroy()
    }
  }
}

/** Tries again what failed as `unreachable`, with the same patience. */
export async function withPatience<Result>(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  for (let failures = 0; ; failures++) {
    const silence = new Silence(signal)
    try {
      return await work(silence.signal)
    } catch (error) {
      signal.throwIfAborted()
      const delayMs = RETRY_DELAYS_MS[failures]
      if (!(error instanceof OriginError) || error.trouble !== 'unreachable' || delayMs === undefined) {
        throw error
      }
      await wait(delayMs, undefined, { signal })
    } finally {
      silence.rest()
    }
  }
}

/** Aborts when nothing came for too long, or when the caller does. */
class Silence {
  readonly signal: AbortSignal
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.#abort.signal])
    this.begin()
  }

  begin(): void {
    this.rest()
    this.#timer = setTimeout(() => this.#abort.abort(), SILENCE_MS)
  }

  /** While the reader is busy with what it got, the source is not to blame. */
  rest(): void {
    clearTimeout(this.#timer)
  }
}

function gaveUp(label: string, error: unknown): OriginError {
  if (error instanceof OriginError) return error
  const cause = error as NodeJS.ErrnoException
  return new OriginError('unreachable', `${label}: the connection broke (${cause.code ?? cause.name})`)
}

/** Longer than a fail-over of a load balancer, shorter than a person's patience. */
const SILENCE_MS = 30_000

/** A connection that was closed while idle deserves another at once; an overloaded server some seconds. */
const RETRY_DELAYS_MS: readonly number[] = [0, 1_000, 4_000]
