/**
 * One program of the stack: started with its output in a file, ended by its process id.
 *
 * Each has its own process group, so that Ctrl-C in a terminal reaches only the stack, which ends its parts in order.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readFileSync } from 'node:fs'
import { once } from 'node:events'

/** Longer than a normal exit takes: nodes 10 s, Prometheus and Redis one or two. */
const STOP_DEADLINE_MS = 20_000

/** Lines of a log in the error message about an exit. */
const LAST_LINES = 15

export interface PartSettings {
  readonly name: string
  readonly command: readonly [program: string, ...args: string[]]
  readonly directory: string
  /** Standard output and error of the program, appended. */
  readonly logPath: string
  /** Called when the program exits without `stop` or `kill`. */
  readonly onExit: (error: Error) => void
}

export class Part {
  readonly #settings: PartSettings
  #child: ChildProcess | undefined
  #isEnding = false

  constructor(settings: PartSettings) {
    this.#settings = settings
  }

  get name(): string {
    return this.#settings.name
  }

  get logPath(): string {
    return this.#settings.logPath
  }

  /** undefined while it is not running. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  start(): void {
    const { command, directory, logPath, name, onExit } = this.#settings
    const [program, ...args] = command
    const log = openSync(logPath, 'a')
    this.#isEnding = false
    const child = spawn(program, args, { cwd: directory, detached: true, stdio: ['ignore', log, log] })
    closeSync(log)
    this.#child = child
    child.once('error', (error) => {
      this.#child = undefined
      onExit(new Error(`${name} cannot be started: ${error.message}`))
    })
    child.once('exit', (code, signal) => {
      this.#child = undefined
      if (!this.#isEnding)
        onExit(
          new Error(`${name} ended (${signal ?? code}). Last lines of ${logPath}:\n${this.#lastLines()}`),
        )
    })
  }

  /** Resolves with the exit code; null if a signal ended it or it was not running. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child
    if (child === undefined) return null
    this.#isEnding = true
    const exited = once(child, 'exit')
    const deadline = setTimeout(() => child.kill('SIGKILL'), STOP_DEADLINE_MS)
    child.kill(signal)
    await exited
    clearTimeout(deadline)
    return child.exitCode
  }

  /** Ends the program without waiting. */
  kill(): void {
    this.#isEnding = true
    this.#child?.kill('SIGKILL')
  }

  #lastLines(): string {
    return readFileSync(this.#settings.logPath, 'utf8').trimEnd().split('\n').slice(-LAST_LINES).join('\n')
  }
}
