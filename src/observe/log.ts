/**
 * The log: one JSON object a line on standard error, written by pino.
 *
 * Writing never waits. A reader that stands still (a full disk behind a pipe, a stopped terminal) costs log lines,
 * which are counted, and not announces.
 */
import { destination, pino, stdTimeFunctions } from 'pino'
import type { Log } from '../core/log.ts'

export const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const

export type LogLevel = (typeof logLevels)[number]

/** About four thousand lines: more than a start and a stop write together. */
const BACKLOG_BYTES_MAX = 1_048_576

export interface OpenLog {
  readonly log: Log
  /** Since the start. */
  droppedLines(): number
  /** Writes what is still waiting: the last thing before the process ends. */
  flush(): void
}

export interface LogOptions {
  readonly level: LogLevel
  /** On every line: which node said it. */
  readonly site: string
  /** A file descriptor: standard error, unless a test says otherwise. */
  readonly to?: number
}

export function openLog({ level, site, to = 2 }: LogOptions): OpenLog {
  let dropped = 0
  const stream = destination({ dest: to, sync: false, maxLength: BACKLOG_BYTES_MAX })
  stream.on('drop', () => dropped++)
  const log = pino(
    {
      level,
      base: { site },
      messageKey: 'text',
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    stream,
  )
  return { log, droppedLines: () => dropped, flush: () => stream.flushSync() }
}
