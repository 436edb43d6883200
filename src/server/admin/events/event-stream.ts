/**
 * One stream of server-sent events (WHATWG HTML, 9.2).
 *
 *   event: reset      the client drops its state; the whole state follows
 *   event: KIND       data: {"key": …, "value": …}; the value is null for an entry that is gone
 *   event: live       the state is complete; from here on, each event is a change
 *
 * Each change has an id, and a client that reconnects with it as Last-Event-ID gets the changes after it. The empty id of
 * `reset` makes a client that is interrupted within the state ask for all of it again.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventKind } from '../answers/events.ts'
import type { EventFeed } from './event-feed.ts'

/** Entries that are written at once. */
const CHUNK_ENTRIES = 100
/** Shorter than the idle timeouts of proxies, which begin at a minute. */
const KEEP_ALIVE_MS = 15_000

export interface StreamOptions {
  readonly kinds: readonly EventKind[]
  readonly lastEventId: string | undefined
  readonly signal: AbortSignal
}

/** Ends when the signal is aborted. Reads no further than the reader does. */
export async function* eventStream(feed: EventFeed, options: StreamOptions): AsyncGenerator<string> {
  const { kinds, lastEventId, signal } = options
  try {
    await feed.open()
    let position = feed.positionOf(lastEventId)
    while (!signal.aborted) {
      if (position === undefined || !feed.isListed(position)) {
        position = feed.position
        yield 'retry: 2000\nevent: reset\nid:\ndata: {}\n\n'
        for (const kind of kinds) yield* state(feed, kind)
        yield `event: live\nid: ${feed.idOf(position)}\ndata: {}\n\n`
        // The reader may have taken its time.
        continue
      }
      const changes = feed.changesAfter(position)
      position = feed.position
      const shown = changes.filter(({ kind }) => kinds.includes(kind))
      for (let from = 0; from < shown.length; from += CHUNK_ENTRIES)
        yield shown
          .slice(from, from + CHUNK_ENTRIES)
          .map(({ sequence, kind, key, value }) => `id: ${feed.idOf(sequence)}\n${event(kind, key, value)}`)
          .join('')
      if (feed.position !== position) continue
      const isChanged = await changeOrTimeout(feed, signal)
      // An id without data moves the position of the client, and keeps the connection alive.
      if (!isChanged) yield `id: ${feed.idOf(position)}\n\n`
    }
  } finally {
    feed.close()
  }
}

function* state(feed: EventFeed, kind: EventKind): Generator<string> {
  let chunk: string[] = []
  for (const [key, value] of feed.entries(kind)) {
    chunk.push(event(kind, key, value))
    if (chunk.length < CHUNK_ENTRIES) continue
    yield chunk.join('')
    chunk = []
  }
  if (chunk.length > 0) yield chunk.join('')
}

/** JSON contains no line break, so one data line is enough. */
function event(kind: EventKind, key: string, value: string): string {
  return `event: ${kind}\ndata: {"key":${JSON.stringify(key)},"value":${value}}\n\n`
}

/** False if nothing changed for the time of a keep-alive. */
async function changeOrTimeout(feed: EventFeed, signal: AbortSignal): Promise<boolean> {
  const stop = new AbortController()
  const either = AbortSignal.any([signal, stop.signal])
  const timeout = sleep(KEEP_ALIVE_MS, false, { signal: either }).catch(() => true)
  const change = feed.nextChange(either).then(() => true)
  try {
    return await Promise.race([timeout, change])
  } finally {
    stop.abort()
  }
}
