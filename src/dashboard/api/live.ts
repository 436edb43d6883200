/**
 * Values of the node that a view shows: read when the view opens, again while it is visible, when an event arrives, and
 * when a lost node answers again. The last value stays while the node does not answer.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import { systemClock } from '../../core/clock.ts'
import { type ApiFailure, asFailure, requestText } from './admin-client.ts'
import { lostAtMs, reconnections, retryDelayMs } from './connection.ts'
import { eventCounts } from './events.ts'
import type { EventKind } from './responses.ts'
import { token } from './token.ts'

export interface Live<T> {
  /** undefined until the first response. */
  readonly value: T | undefined
  /** Of the latest attempt. */
  readonly failure: ApiFailure | undefined
  /** Reads again now, such as after an action. */
  readonly refresh: () => void
}

/** Between two reads after events, many of which arrive while a rollout runs. */
const EVENTS_SPACING_MS = 2_000

export interface LiveOptions {
  readonly periodMs: number
  /** Kinds of events that change the value. */
  readonly events?: readonly EventKind[]
}

interface State<T> {
  readonly key: string
  readonly value: T | undefined
  readonly failure: ApiFailure | undefined
}

/** Reads a path of the API. undefined reads nothing. */
export function useLive<T>(path: string | undefined, options: LiveOptions): Live<T> {
  const last = useRef<{ readonly text: string; readonly value: T } | undefined>(undefined)
  return usePolled(path, options, async (signal) => {
    const text = await requestText(path ?? '', { signal })
    // An unchanged response keeps its identity, so that nothing is rendered again.
    if (last.current?.text !== text) last.current = { text, value: JSON.parse(text) as T }
    return last.current.value
  })
}

/**
 * `key` changes with that which is read; undefined reads nothing. `read` may show a part of the value before it resolves.
 */
export function usePolled<T>(
  key: string | undefined,
  { periodMs, events = [] }: LiveOptions,
  read: (signal: AbortSignal, show: (part: T) => void) => Promise<T>,
): Live<T> {
  const [state, setState] = useState<State<T> | undefined>(undefined)
  const reader = useRef(read)
  reader.current = read
  const refresh = useRef<() => void>(() => {})
  const secret = token.value

  useEffect(() => {
    if (key === undefined) return undefined
    const poll = startPoll({ periodMs, events }, async (signal) => {
      const show = (value: T) => {
        if (!signal.aborted) setState({ key, value, failure: undefined })
      }
      try {
        const value = await reader.current(signal, show)
        setState((before) =>
          before?.key === key && before.value === value && before.failure === undefined
            ? before
            : { key, value, failure: undefined },
        )
      } catch (error) {
        if (signal.aborted) return
        const failure = asFailure(error)
        setState((before) => ({ key, value: before?.key === key ? before.value : undefined, failure }))
      }
    })
    refresh.current = poll.refresh
    return poll.stop
  }, [key, periodMs, secret])

  const current = state?.key === key ? state : undefined
  return { value: current?.value, failure: current?.failure, refresh: () => refresh.current() }
}

/** One read at a time. A hidden page reads nothing, and reads at once when it is visible again. */
function startPoll({ periodMs, events = [] }: LiveOptions, read: (signal: AbortSignal) => Promise<void>) {
  const stopped = new AbortController()
  const { signal } = stopped
  let timer: number | undefined
  let startedAtMs = 0
  let isReading = false
  let isWanted = false

  const run = async () => {
    if (isReading || signal.aborted || document.hidden) {
      isWanted = true
      return
    }
    window.clearTimeout(timer)
    isReading = true
    isWanted = false
    startedAtMs = systemClock.nowMs()
    await read(signal)
    isReading = false
    if (signal.aborted) return
    if (isWanted) void run()
    else timer = window.setTimeout(() => void run(), lostAtMs.value === undefined ? periodMs : retryDelayMs())
  }
  const refresh = () => void run()
  const onEvent = () => {
    const waitMs = startedAtMs + EVENTS_SPACING_MS - systemClock.nowMs()
    window.clearTimeout(timer)
    timer = window.setTimeout(refresh, Math.max(0, waitMs))
  }
  const onVisible = () => {
    if (!document.hidden && isWanted) void run()
  }
  document.addEventListener('visibilitychange', onVisible)
  const unsubscribe = [
    ...events.map((kind) => skipFirst(eventCounts[kind], onEvent)),
    skipFirst(reconnections, refresh),
  ]
  void run()
  return {
    refresh,
    stop: () => {
      stopped.abort()
      window.clearTimeout(timer)
      document.removeEventListener('visibilitychange', onVisible)
      for (const end of unsubscribe) end()
    },
  }
}

/** A subscription to a signal calls back at once; only later changes matter here. */
function skipFirst(source: { subscribe(act: () => void): () => void }, act: () => void): () => void {
  let isFirst = true
  return source.subscribe(() => {
    if (!isFirst) act()
    isFirst = false
  })
}
