/**
 * Reads a range over connections that may break. After a break, the rest is requested from the byte where the last
 * response ended. The `open` callback verifies that the content is unchanged.
 *
 * A connection without data for `IDLE_TIMEOUT_MS` is abandoned. Reading fails only after several consecutive
 * failures without a byte between them, so an unreliable connection costs time but not the progress made.
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
    const idleTimer = new IdleTimer(signal)
    let body: Readable | undefined
    try {
      body = await open({ startByte: at, endByte }, idleTimer.signal)
      for await (const chunk of body as AsyncIterable<Buffer>) {
        idleTimer.stop()
        const wanted = chunk.subarray(0, endByte - at)
        at += wanted.length
        failures = 0
        yield wanted
        idleTimer.start()
        if (at === endByte) break
      }
      if (at < endByte) throw new OriginError('unreachable', `${label}: the response ended too early`)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof OriginError && error.kind !== 'unreachable') throw error
      const delayMs = RETRY_DELAYS_MS[failures++]
      if (delayMs === undefined) throw unreachable(label, error)
      await wait(delayMs, undefined, { signal })
    } finally {
      idleTimer.stop()
      body?.destroy()
    }
  }
}

/** Retries `work` after errors of kind `unreachable`, with the same delays. */
export async function withRetries<Result>(
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  for (let failures = 0; ; failures++) {
    const idleTimer = new IdleTimer(signal)
    try {
      return await work(idleTimer.signal)
    } catch (error) {
      signal.throwIfAborted()
      const delayMs = RETRY_DELAYS_MS[failures]
      if (!(error instanceof OriginError) || error.kind !== 'unreachable' || delayMs === undefined) {
        throw error
      }
      await wait(delayMs, undefined, { signal })
    } finally {
      idleTimer.stop()
    }
  }
}

/** Aborts after `IDLE_TIMEOUT_MS` without data, or when the caller aborts. */
class IdleTimer {
  readonly signal: AbortSignal
  readonly #abort = new AbortController()
  #timer: NodeJS.Timeout | undefined

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.#abort.signal])
    this.start()
  }

  start(): void {
    this.stop()
    this.#timer = setTimeout(() => this.#abort.abort(), IDLE_TIMEOUT_MS)
  }

  /** Called while the reader processes a chunk: that time does not count as idle. */
  stop(): void {
    clearTimeout(this.#timer)
  }
}

function unreachable(label: string, error: unknown): OriginError {
  if (error instanceof OriginError) return error
  const cause = error as NodeJS.ErrnoException
  return new OriginError('unreachable', `${label}: the connection broke (${cause.code ?? cause.name})`)
}

/** Longer than a failover of a load balancer. */
const IDLE_TIMEOUT_MS = 30_000

/** A connection that was closed while idle is retried at once; an overloaded server gets some seconds. */
const RETRY_DELAYS_MS: readonly number[] = [0, 1_000, 4_000]
