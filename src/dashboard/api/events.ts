/**
 * Events of the node (`GET /api/v1/events`): an event makes the views of its kind read again. The payload is not used, so
 * that a view has one source of truth. An event source of the browser cannot send a token, so that `fetch` reads the stream.
 *
 * A node without the route, or a proxy that buffers it, costs nothing: each view also reads with a period.
 */
import { type Signal, signal } from '@preact/signals'
import { retryDelayMs } from './connection.ts'
import type { EventKind } from './responses.ts'
import { token } from './token.ts'

/** Each increases with each event of its kind. */
export const eventCounts: Readonly<Record<EventKind, Signal<number>>> = {
  node: signal(0),
  site: signal(0),
  torrent: signal(0),
  rollout: signal(0),
  swarm: signal(0),
}

/** Between attempts where the node has no such route, or rejects the token. */
const REFUSED_RETRY_MS = 60_000
/** A stream that ends at once would otherwise be opened without a pause. */
const REOPEN_MS = 2_000

/** Reads the stream until `stopped` aborts, and opens it again when it ends. */
export async function followEvents(stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    const waitMs = await readStream(stopped)
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
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
    let rest = ''
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return REOPEN_MS
      const lines = (rest + value).split('\n')
      rest = lines.pop() ?? ''
      countEvents(lines)
    }
  } catch {
    return Math.max(REOPEN_MS, retryDelayMs())
  }
}

/** Several events of a kind in one read count once. */
function countEvents(lines: readonly string[]): void {
  const named = new Set(lines.filter((line) => line.startsWith('event:')).map((line) => line.slice(6).trim()))
  for (const [kind, count] of Object.entries(eventCounts)) if (named.has(kind)) count.value++
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
