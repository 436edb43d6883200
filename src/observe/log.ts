/**
 * The log on standard error, written by pino: one JSON object a line, or a line for people where standard error is a
 * terminal.
 *
 * Writing never blocks. If the reader of standard error stops (a full disk behind a pipe, a stopped terminal), log
 * lines are dropped and counted, and announces continue.
 */
import { once } from 'node:events'
import { isatty } from 'node:tty'
import { destination, pino, stdTimeFunctions } from 'pino'
import { prettyFactory } from 'pino-pretty'
import type { Log } from '../core/log.ts'

export const logLevels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const

export type LogLevel = (typeof logLevels)[number]

/** About four thousand lines, more than a start and a stop write together. */
const BACKLOG_BYTES_MAX = 1_048_576

/** After this long the reader is assumed to have stopped, and the process has to end. */
const FLUSH_DEADLINE_MS = 1_000

const PRETTY = {
  colorize: true,
  messageKey: 'text',
  ignore: 'site',
  singleLine: true,
  translateTime: 'SYS:HH:MM:ss',
} as const

export interface OpenLog {
  readonly log: Log
  /** Count since the start of the process. */
  readonly droppedLines: () => number
  /** Waits until every line is written, for at most a second. The last step before the process ends. */
  readonly flush: () => Promise<void>
}

export interface LogOptions {
  readonly level: LogLevel
  /** Site of the node, on every line. */
  readonly site: string
  /** Number of the worker, on every line; undefined if the node is one process. */
  readonly worker?: number | undefined
  /** A file descriptor: standard error, except in tests. */
  readonly to?: number
}

export function openLog({ level, site, worker, to = 2 }: LogOptions): OpenLog {
  let droppedLines = 0
  let isWritten = true
  const stream = destination({ dest: to, sync: false, maxLength: BACKLOG_BYTES_MAX })
  stream.on('drop', () => droppedLines++)
  stream.on('drain', () => (isWritten = true))
  const format = isatty(to) ? prettyFactory(PRETTY) : undefined
  const write = (line: string) => {
    isWritten = false
    stream.write(format?.(line) ?? line)
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
  // A synchronous flush of the stream would overtake a pending write, and the last lines would change places.
  const flush = async () => {
    if (isWritten) return
    const deadline = AbortSignal.timeout(FLUSH_DEADLINE_MS)
    await once(stream, 'drain', { signal: deadline }).catch(() => undefined)
  }
  return { log, droppedLines: () => droppedLines, flush }
}
