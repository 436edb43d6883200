/**
 * The log: one JSON object a line on standard error, written by pino.
 *
 * Writing never waits. A reader that stands still (a full disk behind a pipe, a stopped terminal) costs log lines,
 * which are counted, and not announces.
 */
import { once } from 'node:events'
import { destination, pino, stdTimeFunctions } from 'pino'
import type { Log } from '../core/log.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export type LogLevel = (typeof logLevels)[number]

/** About four thousand lines: more than a start and a stop write together. */
const BACKLOG_BYTES_MAX = 1_048_576

/** A reader that has not taken the last lines by then is not going to, and the process has to end. */
const FLUSH_DEADLINE_MS = 1_000

export interface OpenLog {
  readonly log: Log
  /** Since the start. */
  readonly droppedLines: () => number
  /** Waits until every line is written, but no longer than a second: the last thing before the process ends. */
  readonly flush: () => Promise<void>
}

export interface LogOptions {
  readonly level: LogLevel
  /** On every line: which node said it. */
  readonly site: string
  /** The same, where a node has several processes. */
  readonly worker?: number | undefined
  /** A file descriptor: standard error, unless a test says otherwise. */
  readonly to?: number
}

export function openLog({ level, site, worker, to = 2 }: LogOptions): OpenLog {
  let droppedLines = 0
  let isWritten = true
  const stream = destination({ dest: to, sync: false, maxLength: BACKLOG_BYTES_MAX })
  stream.on('drop', () => droppedLines++)
  stream.on('drain', () => (isWritten = true))
  const write = (line: string) => {
    isWritten = false
    stream.write(line)
  }
  const log = pino(
    {
      level,
      base: worker === undefined ? { site } : { site, worker },
      messageKey: 'text',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  )
  // The stream's own `flushSync` overtakes a write that is under way, and the last lines change places.
  const flush = async () => {
    if (isWritten) return
    const deadline = AbortSignal.timeout(FLUSH_DEADLINE_MS)
    await once(stream, 'drain', { signal: deadline }).catch(() => undefined)
  }
  return { log, droppedLines: () => droppedLines, flush }
}
