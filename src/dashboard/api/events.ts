/**
 * Events of the node (`GET /api/v1/events`): each one makes the views read again. The payload is not used, so that a view
 * has one source of truth. An event source of the browser cannot send a token, so that `fetch` reads the stream.
 *
 * A node without the route, or a proxy that buffers it, costs nothing but the period of the views.
 */
import { signal } from '@preact/signals'
import { retryDelayMs } from './connection.ts'
import { token } from './token.ts'

/** Increases with each event. */
export const eventCount = signal(0)
/** True while the stream is open. */
export const isStreaming = signal(false)

/** Between attempts where the node has no such route, or rejects the token. */
const REFUSED_RETRY_MS = 60_000
/** A stream that ends at once would otherwise be opened without a pause. */
const REOPEN_MS = 2_000

/** Reads the stream until `stopped` aborts, and opens it again when it ends. */
export async function followEvents(stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    const waitMs = await readStream(stopped)
    isStreaming.value = false
    await pause(waitMs, stopped)
  }
}

/** Resolves when the stream has ended, with the time to wait. */
async function readStream(stopped: AbortSignal): Promise<number> {
  try {
    const headers = new Headers({ accept: 'text/event-stream' })
    if (token.value !== undefined) headers.set('authorization', `Bearer ${token.value}`)
    const response = await fetch('/api/v1/events', { headers, cache: 'no-store', signal: stopped })
    const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
    if (!response.ok || !isStream || response.body === null) {
      await response.body?.cancel()
      return REFUSED_RETRY_MS
    }
    isStreaming.value = true
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return REOPEN_MS
      const lines = (rest + value).split('\n')
      rest = lines.pop() ?? ''
      // A comment line keeps the connection open and is not an event.
      if (lines.some((line) => line.startsWith('data:'))) eventCount.value++
    }
  } catch {
    return Math.max(REOPEN_MS, retryDelayMs())
  }
}

function pause(waitMs: number, stopped: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      window.clearTimeout(timer)
      stopped.removeEventListener('abort', done)
      resolve()
    }
    const timer = window.setTimeout(done, waitMs)
    stopped.addEventListener('abort', done)
  })
}
